"""Many rows at once: upserts in batches, and files (.parquet, .jsonl, .npy) in and out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from vecdb import limits
from vecdb.collection.filtering import payload_batches
from vecdb.collection.scrub import check_rows
from vecdb.collection.state import CollectionState
from vecdb.errors import DuplicateId, InvalidArgument, InvalidType, InvalidValue
from vecdb.exchange.form import Form, RowBatch, rows_within
from vecdb.exchange.jsonl import Jsonl
from vecdb.exchange.npy import Npy
from vecdb.exchange.parquet import Parquet
from vecdb.exchange.refusal import placed
from vecdb.ids import IdBatch, decode_id, encode_ids, first_duplicate
from vecdb.payload import decode_payload
from vecdb.progress import Progress, reporter
from vecdb.schema import CollectionSchema
from vecdb.storage.disk import disk_error, sync_folder
from vecdb.types import WriteResult

Upsert = Callable[[Any, Any, Any], WriteResult]

_BATCH_ROWS: Final = 1000
_EXPORT_BYTES: Final = 16 << 20  # of vectors in memory at a time
_FORMS: Final[Mapping[str, Form]] = {".parquet": Parquet(), ".jsonl": Jsonl(), ".npy": Npy()}


def upsert_in_batches(
    upsert: Upsert,
    ids: IdBatch,
    vectors: Any,
    payloads: Sequence[Mapping[str, Any] | None] | None,
    progress: Progress,
) -> WriteResult:
    """Upserts 1,000 rows at a time, reporting after each batch; the result counts them all.

    Ids are checked before the first batch, and errors count rows from the first of all.
    """
    report = reporter(progress, "upsert")
    encoded = encode_ids(ids)
    total = len(encoded)
    twice = first_duplicate(encoded)
    if twice is not None:
        raise DuplicateId(id=decode_id(encoded[twice[0]]), first_row=twice[0], second_row=twice[1])
    columns = list(vectors.values()) if isinstance(vectors, Mapping) else [vectors]
    if payloads is not None:
        columns.append(payloads)
    if total == 0 or not all(_has_rows(column, total) for column in columns):
        result = upsert(ids, vectors, payloads)  # nothing to do, or something to refuse
        if report is not None:
            report(result.count, total)
        return result
    sequence = 0
    for first in range(0, total, _BATCH_ROWS):
        some = slice(first, first + _BATCH_ROWS)
        if isinstance(vectors, Mapping):
            arrays: Any = {name: array[some] for name, array in vectors.items()}
        else:
            arrays = vectors[some]
        try:
            sequence = upsert(ids[some], arrays, None if payloads is None else payloads[some]).sequence
        except InvalidArgument as error:
            raise placed(error, first) from error
        if report is not None:
            report(min(first + _BATCH_ROWS, total), total)
    return WriteResult(count=total, sequence=sequence)


def export(state: CollectionState, check: Callable[[], None], path: str | Path, progress: Progress) -> int:
    """Writes every row of one snapshot, durably; how many. A file that is there is replaced once the new one is whole.

    `check` runs before each batch and stops the export by what it raises; nothing is left behind then.
    """
    target = _path_of(path)
    form = _form_of(target)
    if not target.parent.is_dir():
        raise InvalidValue(argument="path", expected="a path in a folder that is there", received=str(target))
    if any(each.is_dir() for each in form.paths(target)):
        raise InvalidValue(argument="path", expected="a file, not a folder", received=str(target))
    report = reporter(progress, "export")
    snapshot = state.snapshot  # while it is held its rows are not reused
    total = len(snapshot.live)
    step = rows_within(state.schema, _BATCH_ROWS, _EXPORT_BYTES)
    found = payload_batches(state, snapshot, None, step)

    def batches() -> Iterator[RowBatch]:
        done = 0
        for rows, texts in found:
            check()
            check_rows(state, rows)
            vectors = {name: column.read(rows) for name, column in state.columns.items()}
            yield RowBatch(state.ids_of(rows), [decode_payload(text) for text in texts], vectors)
            done += len(rows)
            if report is not None:
                report(done, total)

    try:
        with TemporaryDirectory(prefix=".vecdb-export-", dir=target.parent) as folder:
            form.write(Path(folder) / target.name, state.schema, total, batches())
            _put_in_place(form.paths(Path(folder) / target.name), form.paths(target))
    except OSError as error:
        raise disk_error(target, error) from error
    return total


def import_(upsert: Upsert, schema: CollectionSchema, path: str | Path, batch: int, progress: Progress) -> WriteResult:
    """Upserts every row of a file, `batch` rows at a time or fewer where they are large; each batch is all or nothing.

    An id that comes twice within a batch is refused; further apart, the later row stays. Errors name the file and the
    row, and the batches before it remain.
    """
    source = _path_of(path)
    form = _form_of(source)
    if isinstance(batch, bool) or not isinstance(batch, int):
        raise InvalidType(argument="batch", expected="an int", received=batch)
    if not 1 <= batch <= limits.BATCH_ROWS:
        raise InvalidValue(argument="batch", expected=f"1 .. {limits.BATCH_ROWS}", received=batch)
    if not source.is_file():
        raise InvalidValue(argument="path", expected="a file that is there", received=str(source))
    report = reporter(progress, "import")
    step = rows_within(schema, batch, limits.BATCH_BYTES // 2)
    no_rows = {name: np.empty((0, vector.dimension), np.float32) for name, vector in schema.vectors.items()}
    count, sequence = 0, upsert([], no_rows, None).sequence
    try:
        total = form.row_count(source) if report is not None else 0
        for some in form.read(source, schema, step):
            try:
                sequence = upsert(some.ids, some.vectors, some.payloads).sequence
            except InvalidArgument as error:
                raise placed(error, count, source) from error
            count += len(some)
            if report is not None:
                report(count, total)
    except OSError as error:
        raise disk_error(source, error) from error
    return WriteResult(count=count, sequence=sequence)


def _has_rows(column: Any, total: int) -> bool:
    return hasattr(column, "__len__") and hasattr(column, "__getitem__") and len(column) == total


def _path_of(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise InvalidType(argument="path", expected="a path", received=path)
    text = os.fspath(path)
    if not isinstance(text, str) or "\0" in text:
        raise InvalidValue(argument="path", expected="a path of text without null bytes", received=text)
    return Path(text)


def _form_of(path: Path) -> Form:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        expected = f"a name that ends in {', '.join(_FORMS)}"
        raise InvalidValue(argument="path", expected=expected, received=str(path))
    return form


def _put_in_place(written: Sequence[Path], targets: Sequence[Path]) -> None:
    for path in written:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    if len(targets) > 1:
        # Between two renames no old file stands beside a new one, to be read with it.
        targets[-1].unlink(missing_ok=True)
    for path, target in zip(written, targets, strict=True):
        path.replace(target)
    sync_folder(targets[-1].parent)
