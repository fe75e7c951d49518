"""Disk primitives shared by the file kinds: full writes, folder syncs, and the one mapping of OSError to our errors."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path

from vecdb.errors import Corrupted, Error, StorageFailed, StorageFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BUFFERS_MAXIMUM = min(os.sysconf("SC_IOV_MAX"), 1024)


def disk_error(path: str | Path, error: OSError) -> Error:
    """StorageFull where space or a quota ran out, Corrupted where a file is missing, StorageFailed for the rest."""
    detail = error.strerror or str(error)
    if error.errno in _FULL:
        return StorageFull(path=str(path), detail=detail)
    if isinstance(error, FileNotFoundError):
        return Corrupted(path=str(path), detail="the file is missing")
    return StorageFailed(path=str(path), detail=detail)


def write_at(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
    """Writes flat byte views at `offset`, all of them; the number of bytes. OSError as it comes."""
    start = offset
    for first in range(0, len(buffers), _BUFFERS_MAXIMUM):
        pending = list(buffers[first : first + _BUFFERS_MAXIMUM])
        while pending:
            written = os.pwritev(descriptor, pending, offset)
            offset += written
            done = 0
            while done < len(pending) and written >= len(pending[done]):
                written -= len(pending[done])
                done += 1
            del pending[:done]
            if written:
                pending[0] = pending[0][written:]
    return offset - start


def replace_file(path: Path, buffers: Sequence[memoryview]) -> None:
    """Replaces `path` atomically and durably; on an error the old file stays. StorageFull, StorageFailed."""
    temporary = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            write_at(descriptor, buffers, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def sync_folder(folder: str | Path) -> None:
    """Makes names created, renamed or removed in `folder` durable. OSError as it comes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flat_bytes(buffer: object) -> memoryview:
    """The bytes of a C-contiguous buffer (bytes, memoryview, numpy array), not copied. ValueError if not contiguous."""
    view = memoryview(buffer)  # type: ignore[arg-type]  # Buffer has no name in typing before Python 3.12
    if not view.c_contiguous:
        raise ValueError("the buffer is not C-contiguous")
    return view if view.format == "B" and view.ndim == 1 else _as_bytes(view)


def _as_bytes(view: memoryview) -> memoryview:
    # A view with a zero in its shape cannot be cast.
    return view.cast("B") if view.nbytes else memoryview(b"")
