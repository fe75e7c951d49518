"""A snapshot that comes from a server, as a file here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from vecdb.client.blocking_driver import BlockingDriver
from vecdb.client.database_verbs import DatabaseVerbs
from vecdb.errors import ServerFailed
from vecdb.exchange.piece_file import file_target, write_pieces
from vecdb.progress import Progress, reporter
from vecdb.types import SnapshotReport


def write_snapshot(
    driver: BlockingDriver, verbs: DatabaseVerbs, path: str | os.PathLike[str], progress: Progress
) -> SnapshotReport:
    """Writes the snapshot to a file, atomically and durably; on an error nothing is left.

    InvalidType, InvalidValue, StorageFull, StorageFailed; ServerFailed for another number of bytes than was said.
    """
    target = file_target(path)
    found: Iterator[Any] = driver.items(verbs.snapshot())
    report: SnapshotReport = next(found)
    write_pieces(target, _whole(found, report.bytes), report.bytes, reporter(progress, "snapshot"))
    return report


def _whole(pieces: Iterator[bytes], total: int) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        done += len(piece)
        if done > total:
            raise ServerFailed(reason=f"a snapshot of {total} bytes goes on after them")
        yield piece
    if done != total:
        raise ServerFailed(reason=f"a snapshot of {total} bytes ended after {done}")
