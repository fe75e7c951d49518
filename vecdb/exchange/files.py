"""Rows out to a file and in from one, wherever the rows live: the caller brings its own scan and its own upsert."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb import limits
from vecdb.errors import Error, InvalidArgument, InvalidType, InvalidValue
from vecdb.exchange.batches import BATCH_ROWS, Upsert
from vecdb.exchange.form import Form, RowBatch, rows_within
from vecdb.exchange.refusal import placed
from vecdb.progress import Progress, reporter
from vecdb.schema import CollectionSchema
from vecdb.storage.disk import disk_error, sync_folder
from vecdb.types import WriteResult

# How many rows there are, and all of them in batches; it is given how many rows a batch should have.
OpenRows = Callable[[int], tuple[int, Iterable[RowBatch]]]

SUFFIXES: Final = (".parquet", ".jsonl", ".npy")

_EXPORT_BYTES: Final = 16 << 20  # of vectors in memory at a time


def export(open_rows: OpenRows, schema: CollectionSchema, path: str | Path, progress: Progress) -> int:
    """Writes every row that `open_rows` gives, durably; how many. `path` says the form by its suffix.

    A file that is there is replaced once the new one is whole; whatever stops the export leaves nothing behind. What
    `open_rows` and its batches raise passes; an OSError becomes StorageFull or StorageFailed.
    """
    target = path_of(path)
    form = form_of(target)
    if not target.parent.is_dir():
        raise InvalidValue(argument="path", expected="a path in a folder that is there", received=str(target))
    if any(each.is_dir() for each in form.paths(target)):
        raise InvalidValue(argument="path", expected="a file, not a folder", received=str(target))
    report = reporter(progress, "export")
    total, batches = open_rows(rows_within(schema, BATCH_ROWS, _EXPORT_BYTES))

    def counted() -> Iterator[RowBatch]:
        done = 0
        for batch in batches:
            yield batch
            done += len(batch)
            if report is not None:
                report(done, total)
        assert done == total, "the batches hold another number of rows than was said"

    try:
        with TemporaryDirectory(prefix=".vecdb-export-", dir=target.parent) as folder:
            form.write(Path(folder) / target.name, schema, total, counted())
            _put_in_place(form.paths(Path(folder) / target.name), form.paths(target))
    except Error:  # a Timeout of the batches is an OSError as well
        raise
    except OSError as error:
        raise disk_error(target, error) from error
    return total


def import_(upsert: Upsert, schema: CollectionSchema, path: str | Path, batch: int, progress: Progress) -> WriteResult:
    """Upserts every row of a file, `batch` rows at a time or fewer where they are large; each batch is all or nothing.

    An id that comes twice within a batch is refused; further apart, the later row stays. Errors name the file and the
    row, and the batches before it remain.
    """
    report = reporter(progress, "import")
    source, total, batches = open_file(schema, path, batch, counted=report is not None)
    count, sequence = 0, upsert([], no_rows(schema), None).sequence
    for some in batches:
        try:
            sequence = upsert(some.ids, some.vectors, some.payloads).sequence
        except InvalidArgument as error:
            raise placed(error, count, source) from error
        count += len(some)
        if report is not None:
            report(count, total)
    return WriteResult(count=count, sequence=sequence)


def open_file(
    schema: CollectionSchema, path: str | Path, batch: int, *, counted: bool
) -> tuple[Path, int, Iterator[RowBatch]]:
    """The file, how many rows it has (0 if they are not to be counted), and all of them, at most `batch` at a time.

    InvalidType or InvalidValue now, InvalidArgument, StorageFailed and StorageFull also from the batches.
    """
    source = path_of(path)
    form = form_of(source)
    if isinstance(batch, bool) or not isinstance(batch, int):
        raise InvalidType(argument="batch", expected="an int", received=batch)
    if not 1 <= batch <= limits.BATCH_ROWS:
        raise InvalidValue(argument="batch", expected=f"1 .. {limits.BATCH_ROWS}", received=batch)
    if not source.is_file():
        raise InvalidValue(argument="path", expected="a file that is there", received=str(source))
    step = rows_within(schema, batch, limits.BATCH_BYTES // 2)

    def batches() -> Iterator[RowBatch]:
        try:
            yield from form.read(source, schema, step)
        except OSError as error:
            raise disk_error(source, error) from error

    try:
        return source, form.row_count(source) if counted else 0, batches()
    except OSError as error:
        raise disk_error(source, error) from error


def no_rows(schema: CollectionSchema) -> dict[str, npt.NDArray[np.float32]]:
    """The vectors of an upsert of nothing, which tells whether anything may be written."""
    return {name: np.empty((0, vector.dimension), np.float32) for name, vector in schema.vectors.items()}


def path_of(path: object) -> Path:
    """A path given by a caller. InvalidType, InvalidValue."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidType(argument="path", expected="a path", received=path)
    text: Any = os.fspath(path)
    if not isinstance(text, str) or "\0" in text:
        raise InvalidValue(argument="path", expected="a path of text without null bytes", received=text)
    return Path(text)


def form_of(path: Path) -> Form:
    """The form that the suffix names. InvalidValue, also where what the forms need is not installed."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidValue(argument="path", expected=f"a name that ends in {', '.join(SUFFIXES)}", received=str(path))
    try:
        return _loaded(suffix)
    except ModuleNotFoundError as error:
        if error.name != "orjson":
            raise
        expected = "orjson to be there for files in and out: pip install orjson"
        raise InvalidValue(argument="path", expected=expected, received=str(error)) from error


def _loaded(suffix: str) -> Form:
    # Imported when used: a client does without orjson, which they need.
    if suffix == ".parquet":
        from vecdb.exchange.parquet import Parquet

        return Parquet()
    if suffix == ".jsonl":
        from vecdb.exchange.jsonl import Jsonl

        return Jsonl()
    from vecdb.exchange.npy import Npy

    return Npy()


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
