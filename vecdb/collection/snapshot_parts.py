"""A snapshot of a database as it is made: pieces of bytes that, joined, are the file that restore() takes."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from vecdb.collection.frozen_files import FrozenFiles
from vecdb.collection.session import Session
from vecdb.storage.archive import Archive
from vecdb.types import SnapshotReport


class SnapshotParts:
    """An iterator over pieces of at most 1 MiB; `report` says what they will hold. A context manager.

    The files are held from the beginning until the last piece, an error, close(), or until this object is forgotten:
    until then rows that are replaced take new space. Closed once the database is; Corrupted, StorageFailed.
    """

    def __init__(self, session: Session, scratch: Path) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._frozen = FrozenFiles(session, scratch)
        try:
            entries = list(self._frozen.entries())
        except BaseException:
            self._frozen.close()
            raise
        archive = Archive(self._frozen.manifest.sequence, entries)
        self.report = SnapshotReport(
            sequence=self._frozen.manifest.sequence,
            collections=len(self._frozen.manifest.collections),
            files=len(entries),
            bytes=archive.bytes,
        )
        self._pieces = archive.pieces()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        self._session.check()
        with self._lock:
            self._session.check()  # the database may have closed this, which must not look like the end
            try:
                return next(self._pieces)
            except BaseException:
                self._frozen.close()
                raise

    def close(self) -> None:
        """Lets go of the files, at the end or before. May be called twice."""
        with self._lock:
            self._pieces.close()
            self._frozen.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
