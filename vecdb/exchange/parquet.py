"""Parquet: columns id, id_kind, payload (JSON text) and a list of float32 a vector: vector.<name>, or vector.

Files of others are read as well: their `id` holds ints, strings or UUIDs, `vector` may stand for the only vector, lists
may be of any length and number type, and without a `payload` column the other columns become the payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import orjson

from vecdb.errors import InvalidArgument, InvalidPayload, InvalidValue, InvalidVector
from vecdb.exchange.form import RowBatch
from vecdb.exchange.json_line import parsed
from vecdb.exchange.refusal import refused
from vecdb.ids import Id
from vecdb.schema import CollectionSchema

# What `id`, a column of text, stands for: so that 5 and "5" remain two ids, and other programs still see plain ids.
_KINDS: Final = {int: "int", str: "str", UUID: "uuid"}
_FROM_TEXT: Final = {"int": int, "str": str, "uuid": UUID}


class Parquet:
    """Columns as the module says. Needs pyarrow, which is imported when a file is written or read."""

    def paths(self, path: Path) -> tuple[Path, ...]:
        """The file itself."""
        return (path,)

    def write(self, path: Path, schema: CollectionSchema, rows: int, batches: Iterable[RowBatch]) -> None:  # noqa: ARG002
        """Writes a row group a batch; see Form."""
        arrow, parquet = _pyarrow()
        columns = {name: f"vector.{name}" if name else "vector" for name in schema.vectors}
        types = [("id", arrow.string()), ("id_kind", arrow.string()), ("payload", arrow.string())]
        types += [
            (columns[name], arrow.list_(arrow.float32(), each.dimension)) for name, each in schema.vectors.items()
        ]
        table = arrow.schema(types)
        with parquet.ParquetWriter(path, table) as writer:
            for batch in batches:
                arrays = [
                    arrow.array(map(str, batch.ids), arrow.string()),
                    arrow.array([_kind_of(each) for each in batch.ids], arrow.string()),
                    arrow.array([orjson.dumps(payload).decode() for payload in batch.payloads], arrow.string()),
                ]
                for name, each in schema.vectors.items():
                    numbers = arrow.array(np.ascontiguousarray(batch.vectors[name]).reshape(-1))
                    arrays.append(arrow.FixedSizeListArray.from_arrays(numbers, each.dimension))
                writer.write_batch(arrow.RecordBatch.from_arrays(arrays, schema=table))

    def row_count(self, path: Path) -> int:
        """Rows that the file's footer tells."""
        arrow, parquet = _pyarrow()
        try:
            return int(parquet.ParquetFile(path).metadata.num_rows)
        except (arrow.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    def read(self, path: Path, schema: CollectionSchema, batch_rows: int) -> Iterator[RowBatch]:
        """The rows of the file; see Form."""
        arrow, parquet = _pyarrow()
        row = 0
        try:
            with parquet.ParquetFile(path) as file:
                vector_columns = _vector_columns(path, schema, file.schema_arrow.names)
                for batch in file.iter_batches(batch_rows):
                    vectors = {
                        name: _matrix(arrow, batch.column(column), schema, name, path, row)
                        for name, column in vector_columns.items()
                    }
                    ids = _ids(batch, path, row)
                    yield RowBatch(ids, _payloads(arrow, batch, {"id", *vector_columns.values()}, path, row), vectors)
                    row += len(ids)
        except InvalidArgument:
            raise
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise _unreadable(path, error) from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        expected = "pyarrow to be there for a .parquet file: pip install vecdb[parquet]"
        raise InvalidValue(argument="path", expected=expected, received=str(error)) from error
    return pyarrow, pyarrow.parquet


def _unreadable(path: Path, error: Exception) -> Exception:
    """The system's own errors pass; damage in the file is refused."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return refused(path, "a sound parquet file", str(error))


def _kind_of(value: Id) -> str:
    return _KINDS[type(value)]


def _vector_columns(path: Path, schema: CollectionSchema, columns: list[str]) -> dict[str, str]:
    """Vector name -> column."""
    found = {}
    for name in schema.vectors:
        wanted = [f"vector.{name}"] if name else []
        wanted += ["vector"] if len(schema.vectors) == 1 or not name else []
        column = next((each for each in wanted if each in columns), None)
        if column is None:
            raise refused(path, f"a column {' or '.join(map(repr, wanted))}", columns)
        found[name] = column
    for column in ["id", "id_kind", "payload", *found.values()]:
        if columns.count(column) != 1 and (column in columns or column == "id"):
            raise refused(path, f"one column {column!r}", columns)
    return found


def _ids(batch: Any, path: Path, first_row: int) -> list[Any]:
    values: list[Any] = batch.column("id").to_pylist()
    if not {"id_kind", "payload"} <= set(batch.schema.names):
        return values
    ids = []
    for row, (value, kind) in enumerate(zip(values, batch.column("id_kind").to_pylist(), strict=True), first_row):
        if not isinstance(value, str) or kind not in _FROM_TEXT:
            raise refused(f"row {row} of {path}", f"an id as text, and its kind as {', '.join(_FROM_TEXT)}", value)
        try:
            ids.append(_FROM_TEXT[kind](value))
        except ValueError:
            raise refused(f"row {row} of {path}", f"an id of kind {kind}", value) from None
    return ids


def _payloads(arrow: Any, batch: Any, taken: set[str], path: Path, first_row: int) -> list[Any]:
    if "payload" not in batch.schema.names:
        names = [name for name in batch.schema.names if name not in taken]
        columns = [_json_values(arrow, batch.column(name)) for name in names]
        rows = zip(*columns, strict=True) if columns else ((),) * batch.num_rows
        return [dict(zip(names, row, strict=True)) for row in rows]
    payloads: list[Any] = batch.column("payload").to_pylist()
    for place, value in enumerate(payloads):
        if isinstance(value, str):
            try:
                payloads[place] = parsed(value.encode())
            except ValueError as error:
                reason = f"not JSON: {error} (in {path})"
                raise InvalidPayload(row=first_row + place, field="", reason=reason) from None
    return payloads


def _json_values(arrow: Any, column: Any) -> list[Any]:
    """Dates and timestamps as ISO 8601 text; everything else as it is."""
    if arrow.types.is_timestamp(column.type):
        column = column.cast(arrow.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    if arrow.types.is_timestamp(column.type) or arrow.types.is_date(column.type):
        return [value.isoformat() if isinstance(value, date) else value for value in values]
    return values


def _matrix(
    arrow: Any, column: Any, schema: CollectionSchema, name: str, path: Path, first_row: int
) -> npt.NDArray[Any]:
    """A column of lists as (n, d); InvalidVector names the first row without d numbers."""
    kinds = arrow.types
    if not (kinds.is_list(column.type) or kinds.is_large_list(column.type) or kinds.is_fixed_size_list(column.type)):
        raise refused(path, f"a column of lists for vector '{name}'", str(column.type))
    value_type = column.type.value_type
    if not (kinds.is_floating(value_type) or kinds.is_integer(value_type)):
        raise refused(path, f"lists of numbers for vector '{name}'", str(column.type))
    dimension = schema.vectors[name].dimension
    numbers = column.flatten()
    whole = column.null_count == 0 and numbers.null_count == 0 and len(numbers) == len(column) * dimension
    if whole and not kinds.is_fixed_size_list(column.type):
        whole = bool((np.diff(column.offsets.to_numpy()) == dimension).all())
    if not whole or (kinds.is_fixed_size_list(column.type) and column.type.list_size != dimension):
        row, value = next(
            (row, value)
            for row, value in enumerate(column.to_pylist(), first_row)
            if value is None or len(value) != dimension or None in value
        )
        if value is None:
            received = "null"
        else:
            received = f"{len(value)} of them" if len(value) != dimension else "a null among them"
        reason = f"expected {dimension} numbers, received {received} (in {path})"
        raise InvalidVector(collection=schema.name, vector=name, row=row, reason=reason)
    matrix: npt.NDArray[Any] = numbers.to_numpy(zero_copy_only=False).reshape(len(column), dimension)
    return matrix
