"""Many rows at once: upserts in batches, and files (.parquet, .jsonl, .npy) in and out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from vecdb import limits
from vecdb.errors import InvalidType, InvalidValue
from vecdb.ids import Id, IdBatch
from vecdb.progress import Progress, reporter
from vecdb.storage.disk import disk_error
from vecdb.types import Record, WriteResult

if TYPE_CHECKING:
    from vecdb.collection.collection import Collection

_BATCH_ROWS: Final = 1000


def upsert_in_batches(
    upsert: Callable[[Any, Any, Any], WriteResult],
    ids: IdBatch,
    vectors: Any,
    payloads: Sequence[Mapping[str, Any] | None] | None,
    progress: Progress,
) -> WriteResult:
    """Upserts 1,000 rows at a time, reporting after each batch; the result counts them all."""
    report = reporter(progress, "upsert")
    total = len(ids)
    result = upsert(ids[:0], _slice(vectors, 0, 0), None)
    for first in range(0, total, _BATCH_ROWS):
        last = min(first + _BATCH_ROWS, total)
        some = None if payloads is None else payloads[first:last]
        result = upsert(ids[first:last], _slice(vectors, first, last), some)
        if report is not None:
            report(last, total)
    return WriteResult(count=total, sequence=result.sequence)


def export(collection: Collection, path: Path, progress: Progress) -> int:
    """Writes every row of one snapshot; how many. A file that is there is replaced when the new one is whole."""
    write = _WRITERS.get(path.suffix)
    if write is None:
        raise _unknown_form(path)
    total = collection.count()
    report = reporter(progress, "export")
    temporary = path.with_name(path.name + ".part")

    def counted() -> Iterator[Record]:
        for done, record in enumerate(collection.scan(with_vectors=True), 1):
            yield record
            if report is not None and (done % _BATCH_ROWS == 0 or done == total):
                report(done, total)

    try:
        count = write(temporary, counted(), collection)
        temporary.replace(path)
        if path.suffix == ".npy":
            _beside(temporary).replace(_beside(path))
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
        _beside(temporary).unlink(missing_ok=True)
    return count


def import_(collection: Collection, path: Path, batch: int, progress: Progress) -> WriteResult:
    """Upserts every row of a file, `batch` rows at a time; each batch is all or nothing."""
    read = _READERS.get(path.suffix)
    if read is None:
        raise _unknown_form(path)
    if not 1 <= batch <= limits.BATCH_ROWS:
        raise InvalidValue(argument="batch", expected=f"1 .. {limits.BATCH_ROWS}", received=batch)
    report = reporter(progress, "import")
    count, sequence = 0, 0
    try:
        rows, total = read(path, collection)
        while some := list(islice(rows, batch)):
            ids, payloads, vectors = zip(*some, strict=True)
            arrays = {
                name: np.array([each[name] for each in vectors], np.float32) for name in collection.schema.vectors
            }
            sequence = collection.upsert(list(ids), arrays, list(payloads)).sequence
            count += len(some)
            if report is not None:
                report(count, max(total, count))
    except OSError as error:
        raise disk_error(path, error) from error
    return WriteResult(count=count, sequence=sequence)


_Row = tuple[Id, dict[str, Any], Mapping[str, Any]]


def _write_jsonl(path: Path, records: Iterable[Record], collection: Collection) -> int:
    """{"id": ..., "payload": {...}, "vectors": {name: [...]}} a line; a UUID is {"$uuid": "..."}."""
    count = 0
    with path.open("wb") as file:
        for count, record in enumerate(records, 1):
            line = {"id": _json_id(record.id), "payload": record.payload, "vectors": dict(record.vectors or {})}
            file.write(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))
    return count


def _read_jsonl(path: Path, collection: Collection) -> tuple[Iterator[_Row], int]:
    def rows() -> Iterator[_Row]:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                line = _json_line(path, number, text)
                vectors = line.get("vectors", line.get("vector"))
                if not isinstance(vectors, dict):
                    vectors = {"": vectors}
                _check_vectors(path, number, vectors, collection)
                yield _id_of(line["id"]), line.get("payload") or {}, vectors

    return rows(), 0


def _write_npy(path: Path, records: Iterable[Record], collection: Collection) -> int:
    """The vectors as (n, d) float32, and beside them a .jsonl of ids and payloads."""
    name = _only_vector(collection)
    total = collection.count()
    dimension = collection.schema.vectors[name].dimension
    count = 0
    with path.open("wb") as file, _beside(path).open("wb") as beside:
        header = {"descr": "<f4", "fortran_order": False, "shape": (total, dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        for count, record in enumerate(records, 1):
            assert record.vectors is not None
            file.write(record.vectors[name].astype("<f4").tobytes())
            line = {"id": _json_id(record.id), "payload": record.payload}
            beside.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if count != total:  # rows came or went between the count and the scan
            header["shape"] = (count, dimension)
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, header)
    return count


def _read_npy(path: Path, collection: Collection) -> tuple[Iterator[_Row], int]:
    """Without a .jsonl beside it, ids are the row numbers 0 .. n - 1."""
    name = _only_vector(collection)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise InvalidValue(argument="path", expected="a .npy file of numbers", received=str(error)) from None
    if array.ndim != 2:
        raise InvalidValue(argument="path", expected="an array of two dimensions", received=array.shape)

    def rows() -> Iterator[_Row]:
        if not _beside(path).exists():
            for row in range(len(array)):
                yield row, {}, {name: array[row]}
            return
        with _beside(path).open("rb") as file:
            for row, text in enumerate(file):
                line = _json_line(_beside(path), row + 1, text)
                if row >= len(array):
                    raise InvalidValue(argument="path", expected=f"{len(array)} lines", received=f"line {row + 1}")
                yield _id_of(line["id"]), line.get("payload") or {}, {name: array[row]}

    return rows(), len(array)


def _write_parquet(path: Path, records: Iterable[Record], collection: Collection) -> int:
    """Columns id (JSON text), payload (JSON text) and one list of float32 a vector, named vector or vector.<name>."""
    arrow, parquet = _pyarrow()
    names = collection.schema.vectors
    columns = {name: f"vector.{name}" if name else "vector" for name in names}
    schema = arrow.schema(
        [("id", arrow.string()), ("payload", arrow.string())]
        + [(columns[name], arrow.list_(arrow.float32(), vector.dimension)) for name, vector in names.items()]
    )
    count = 0
    records = iter(records)
    with parquet.ParquetWriter(path, schema) as writer:
        while some := list(islice(records, _BATCH_ROWS)):
            data: dict[str, Any] = {
                "id": [orjson.dumps(_json_id(record.id)).decode() for record in some],
                "payload": [orjson.dumps(record.payload).decode() for record in some],
            }
            for name, vector in names.items():
                flat = np.concatenate([record.vectors[name] for record in some if record.vectors is not None])
                data[columns[name]] = arrow.FixedSizeListArray.from_arrays(flat, vector.dimension)
            writer.write_batch(arrow.record_batch(data, schema=schema))
            count += len(some)
    return count


def _read_parquet(path: Path, collection: Collection) -> tuple[Iterator[_Row], int]:
    arrow, parquet = _pyarrow()
    try:
        file = parquet.ParquetFile(path)
    except arrow.ArrowInvalid as error:
        raise InvalidValue(argument="path", expected="a parquet file", received=str(error)) from None
    names = {name: f"vector.{name}" if name else "vector" for name in collection.schema.vectors}
    missing = {"id", *names.values()} - set(file.schema_arrow.names)
    if missing:
        raise InvalidValue(argument="path", expected=f"columns {', '.join(sorted(missing))}", received=str(path))
    with_payload = "payload" in file.schema_arrow.names

    def rows() -> Iterator[_Row]:
        for some in file.iter_batches(_BATCH_ROWS):
            ids = some.column("id").to_pylist()
            payloads = some.column("payload").to_pylist() if with_payload else [None] * len(ids)
            arrays = {name: _matrix(some.column(column), len(ids)) for name, column in names.items()}
            for place, each in enumerate(ids):
                payload = orjson.loads(payloads[place]) if payloads[place] else {}
                identity = _id_of(orjson.loads(each)) if isinstance(each, str) else each
                yield identity, payload, {name: array[place] for name, array in arrays.items()}

    return rows(), file.metadata.num_rows


def _matrix(column: Any, rows: int) -> Any:
    return column.flatten().to_numpy(zero_copy_only=False).reshape(rows, -1)


_WRITERS: Final = {".jsonl": _write_jsonl, ".npy": _write_npy, ".parquet": _write_parquet}
_READERS: Final = {".jsonl": _read_jsonl, ".npy": _read_npy, ".parquet": _read_parquet}


def _unknown_form(path: Path) -> InvalidValue:
    return InvalidValue(argument="path", expected="a name that ends in .parquet, .jsonl or .npy", received=str(path))


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".jsonl")


def _json_id(value: Id) -> Any:
    return value if isinstance(value, int | str) else {"$uuid": str(value)}


def _slice(vectors: Any, first: int, last: int) -> Any:
    if isinstance(vectors, Mapping):
        return {name: array[first:last] for name, array in vectors.items()}
    return vectors[first:last]


__all__ = ["InvalidType", "export", "import_", "math", "upsert_in_batches"]
