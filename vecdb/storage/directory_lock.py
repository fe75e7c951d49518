"""Who has a database open: one writer, by an exclusive flock on LOCK; readers, by a shared one on READERS.

The kernel drops a flock with the last copy of its descriptor, so a killed owner leaves nothing behind to clean.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from vecdb.errors import Locked
from vecdb.storage.disk import disk_error


class DirectoryLock:
    """Holds `folder` for writing until close(). Locked(path, pid) if anyone has it, this process included."""

    def __init__(self, folder: str | Path) -> None:
        self._path = Path(folder) / "LOCK"
        try:
            self._descriptor: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise disk_error(self._path, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _owner(self._descriptor)
            self._drop()
            raise Locked(path=str(self._path), pid=pid) from None
        except OSError as error:
            self._drop()
            raise disk_error(self._path, error) from error
        self._pid = os.getpid()
        # The pid is a courtesy of the message; on a full disk the lock holds without it.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % self._pid, 0)

    def close(self) -> None:
        """Gives the folder back, also where a forked child still has a copy of the descriptor. May be called twice."""
        if self._descriptor is not None:
            # A flock belongs to all copies of the descriptor: unlocking in a child would unlock its parent.
            if os.getpid() == self._pid:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _drop(self) -> None:
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None


class SharedReaders:
    """Marks `folder` as being read until close(); any number of readers at once, beside the writer."""

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder) / "READERS"
        try:
            self._pid = os.getpid()
            self._descriptor: int | None = _open_readers(path)
            # Waits only while a writer that found no readers takes old files away.
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        except OSError as error:
            raise disk_error(path, error) from error

    def close(self) -> None:
        """The reader has left. May be called twice."""
        if self._descriptor is not None:
            if os.getpid() == self._pid:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def without_readers(folder: str | Path) -> Iterator[bool]:
    """True if no SharedReaders of `folder` is open in any process; then none opens before the block ends."""
    path = Path(folder) / "READERS"
    try:
        descriptor = _open_readers(path)
    except OSError as error:
        raise disk_error(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except BlockingIOError:
            alone = False
        yield alone
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # also where a child that was forked meanwhile has a copy
        os.close(descriptor)


def _open_readers(path: Path) -> int:
    # A reader may have no right to create files, so an existing one is opened as it is.
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)


def _owner(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
