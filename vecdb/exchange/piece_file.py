"""A file of bytes that come in pieces, from wherever they come."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from vecdb.errors import Error, InvalidValue
from vecdb.exchange.files import path_of
from vecdb.progress import Report
from vecdb.storage.disk import disk_error, sync_folder


def file_target(path: str | os.PathLike[str]) -> Path:
    """The file that a caller names. InvalidType or InvalidValue unless it is one, or can be made in a folder there."""
    target = path_of(path).absolute()
    if not target.parent.is_dir():
        raise InvalidValue(argument="path", expected="a path in a folder that is there", received=str(target))
    if target.is_dir():
        raise InvalidValue(argument="path", expected="a file, not a folder", received=str(target))
    return target


def write_pieces(target: Path, pieces: Iterable[bytes], total: int, report: Report | None = None) -> None:
    """Replaces a file by the pieces, atomically and durably; on an error the old one stays, and nothing else.

    `report` gets (done, total) bytes. StorageFull, StorageFailed, and what `pieces` raises.
    """
    temporary = target.with_name(f".vecdb-snapshot-{secrets.token_hex(4)}")
    done = 0
    try:
        try:
            with temporary.open("xb") as file:
                for piece in pieces:
                    done += file.write(piece)
                    if report is not None:
                        report(done, total)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(target.parent)
    except Error:  # a Timeout of the pieces is an OSError as well
        raise
    except OSError as error:
        raise disk_error(target, error) from error
