"""JSON lines: {"id": 1, "payload": {...}, "vectors": {"text": [0.5, ...]}}; "vector": [...] for the only one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from vecdb.errors import InvalidVector
from vecdb.exchange.form import RowBatch
from vecdb.exchange.json_line import id_from_json, id_to_json, json_objects, line_count
from vecdb.exchange.refusal import line_of, refused
from vecdb.schema import CollectionSchema

_KEYS: Final = frozenset({"id", "payload", "vector", "vectors"})
_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
_BATCH_BYTES: Final = 32 << 20  # of text, which takes some times as much memory while it is read


class Jsonl:
    """Numbers are written with the digits that tell one float32 from the next, so that they come back as they were."""

    def paths(self, path: Path) -> tuple[Path, ...]:
        """The file itself."""
        return (path,)

    def write(self, path: Path, schema: CollectionSchema, rows: int, batches: Iterable[RowBatch]) -> None:  # noqa: ARG002
        """Writes a line a row; see Form."""
        with path.open("wb") as file:
            for batch in batches:
                for place, (each, payload) in enumerate(zip(batch.ids, batch.payloads, strict=True)):
                    vectors = {name: array[place] for name, array in batch.vectors.items()}
                    line = {"id": id_to_json(each), "payload": payload, "vectors": vectors}
                    file.write(orjson.dumps(line, option=_OPTIONS))

    def row_count(self, path: Path) -> int:
        """Lines of the file."""
        return line_count(path)

    def read(self, path: Path, schema: CollectionSchema, batch_rows: int) -> Iterator[RowBatch]:
        """The rows of the lines; see Form."""
        numbers = sum(vector.dimension for vector in schema.vectors.values())
        ids: list[Any] = []
        payloads: list[Any] = []
        vectors: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in schema.vectors}
        size = 0
        for row, (line_bytes, line) in enumerate(json_objects(path, _KEYS, numbers)):
            for name, value in _vectors_of(line, schema, line_of(path, row)).items():
                vectors[name].append(_numbers(value, schema, name, row, path))
            ids.append(id_from_json(line["id"], line_of(path, row)))
            payloads.append(line.get("payload"))
            size += line_bytes
            if len(ids) == batch_rows or size >= _BATCH_BYTES:
                yield RowBatch(ids, payloads, {name: np.stack(some) for name, some in vectors.items()})
                ids, payloads, vectors, size = [], [], {name: [] for name in schema.vectors}, 0
        if ids:
            yield RowBatch(ids, payloads, {name: np.stack(some) for name, some in vectors.items()})


def _vectors_of(line: Mapping[str, Any], schema: CollectionSchema, place: str) -> dict[str, Any]:
    names = schema.vectors.keys()
    if "vector" in line:
        if "vectors" in line or len(names) != 1:
            raise refused(place, f'only "vectors" with {_listed(names)}', sorted(line.keys() - {"id", "payload"}))
        return dict.fromkeys(names, line["vector"])
    vectors = line.get("vectors")
    if not isinstance(vectors, dict) or vectors.keys() != names:
        received = sorted(vectors) if isinstance(vectors, dict) else vectors
        raise refused(place, f'"vectors" with {_listed(names)}', received)
    return vectors


def _numbers(value: Any, schema: CollectionSchema, name: str, row: int, path: Path) -> npt.NDArray[np.float64]:
    """In float64, so that what float32 cannot hold is refused and not made infinite."""
    dimension = schema.vectors[name].dimension
    if not isinstance(value, list) or len(value) != dimension:
        received = f"{len(value)} of them" if isinstance(value, list) else type(value).__name__
        reason = f"expected {dimension} numbers, received {received} (in {path})"
        raise InvalidVector(collection=schema.name, vector=name, row=row, reason=reason)
    if not set(map(type, value)) <= {float, int}:
        wrong = next(each for each in value if type(each) not in (float, int))
        reason = f"expected numbers, received {type(wrong).__name__} (in {path})"
        raise InvalidVector(collection=schema.name, vector=name, row=row, reason=reason)
    return np.array(value, np.float64)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
