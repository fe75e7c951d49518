"""Vectors as (n, d) float32 in a .npy, and a .npy.jsonl beside it with {"id": ..., "payload": {...}} a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from vecdb.errors import DimensionMismatch, InvalidValue
from vecdb.exchange.form import RowBatch
from vecdb.exchange.json_line import id_from_json, id_to_json, json_objects, line_count
from vecdb.exchange.refusal import line_of, refused
from vecdb.schema import CollectionSchema

_KEYS: Final = frozenset({"id", "payload"})


class Npy:
    """For collections of one vector. Without a file beside it, the ids of an array are its row numbers 0 .. n - 1."""

    def paths(self, path: Path) -> tuple[Path, ...]:
        """The ids and payloads, then the vectors."""
        return _beside(path), path

    def write(self, path: Path, schema: CollectionSchema, rows: int, batches: Iterable[RowBatch]) -> None:
        """Writes both files; see Form."""
        name = _only_vector(path, schema)
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, schema.vectors[name].dimension)}
        with path.open("wb") as file, _beside(path).open("wb") as beside:
            np.lib.format.write_array_header_1_0(file, header)
            for batch in batches:
                file.write(np.ascontiguousarray(batch.vectors[name], "<f4").data)
                for each, payload in zip(batch.ids, batch.payloads, strict=True):
                    line = {"id": id_to_json(each), "payload": payload}
                    beside.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def row_count(self, path: Path) -> int:
        """Rows of the array."""
        return len(_array(path))

    def read(self, path: Path, schema: CollectionSchema, batch_rows: int) -> Iterator[RowBatch]:
        """The rows of the array, of any float or integer type and order; see Form."""
        name = _only_vector(path, schema)
        array = _array(path)
        if array.shape[1] != schema.vectors[name].dimension:
            error = DimensionMismatch(
                collection=schema.name,
                vector=name,
                expected=schema.vectors[name].dimension,
                received=array.shape[1],
            )
            error.add_note(f"in {path}")
            raise error
        heads = _heads(path, len(array))
        for first in range(0, len(array), batch_rows):
            vectors = np.array(array[first : first + batch_rows])
            ids, payloads = zip(*(next(heads) for _ in vectors), strict=True)
            yield RowBatch(ids, payloads, {name: vectors})


def _heads(path: Path, rows: int) -> Iterator[tuple[Any, Any]]:
    """The id and the payload of each row."""
    beside = _beside(path)
    if not beside.exists():
        yield from ((row, None) for row in range(rows))
        return
    lines = line_count(beside)
    if lines != rows:
        raise refused(beside, f"{rows} lines, one for each row of {path.name},", lines)
    for row, (_, line) in enumerate(json_objects(beside, _KEYS, 0)):
        yield id_from_json(line["id"], line_of(beside, row)), line.get("payload")


def _array(path: Path) -> npt.NDArray[Any]:
    try:
        with np.errstate(over="ignore"):  # a shape may claim any size
            array = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # numpy reads the header with Python's tokenizer, which raises errors of its own
        raise refused(path, "an array of numbers, whole,", str(error)) from None
    if array.dtype.kind not in "fiu":
        raise refused(path, "floats or integers", array.dtype)
    if array.ndim != 2:
        raise refused(path, "an array of two dimensions", array.shape)
    return array


def _only_vector(path: Path, schema: CollectionSchema) -> str:
    if len(schema.vectors) != 1:
        expected = f".parquet or .jsonl for the {len(schema.vectors)} vectors of collection '{schema.name}'"
        raise InvalidValue(argument="path", expected=expected, received=path.name)
    return next(iter(schema.vectors))


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".jsonl")
