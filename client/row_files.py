"""Rows of a collection on a server to a file here, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vecdb import limits
from vecdb.client.blocking_driver import BlockingDriver
from vecdb.client.point_verbs import PointVerbs
from vecdb.client.upload import Upload
from vecdb.exchange import files
from vecdb.exchange.form import RowBatch
from vecdb.progress import Progress, reporter
from vecdb.schema import CollectionSchema
from vecdb.types import WriteResult


def export(
    driver: BlockingDriver, points: PointVerbs, schema: CollectionSchema, path: str | Path, progress: Progress
) -> int:
    """Writes every row of one moment, durably; how many. See vecdb.exchange.files."""

    def open_rows(step: int) -> tuple[int, Iterator[RowBatch]]:
        found: Iterator[Any] = driver.items(points.rows(step))
        total: int = next(found)
        return total, found

    return files.export(open_rows, schema, path, progress)


def import_(
    driver: BlockingDriver,
    points: PointVerbs,
    schema: CollectionSchema,
    path: str | Path,
    batch: int,
    progress: Progress,
) -> WriteResult:
    """Upserts every row of a file over one stream. Errors name the file and the row; the batches before it remain."""
    report = reporter(progress, "import")
    # What is no number of rows at all is left as it is, to be refused.
    usual = type(batch) is int and batch <= limits.BATCH_ROWS
    rows = min(batch, driver.capabilities.batch_rows) if usual else batch
    source, total, batches = files.open_file(schema, path, rows, counted=report is not None)
    nothing = driver.run(points.upsert([], files.no_rows(schema), None))
    written = driver.run(Upload(points, batches, total, report, source).verb())
    return written if written.count else nothing
