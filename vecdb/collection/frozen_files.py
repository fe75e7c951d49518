"""The files of an open database as of one sequence, kept as they are while writes go on."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vecdb.collection.catalog import KEY_VALUE_POSITION
from vecdb.collection.checkpoint import checkpoint
from vecdb.collection.database_files import MANIFEST_NAME, STORE_FOLDER, database_files, is_store_file
from vecdb.collection.session import Session
from vecdb.errors import InvalidValue
from vecdb.storage.archive import ArchiveEntry
from vecdb.storage.directory_lock import SharedReaders
from vecdb.storage.disk import disk_error
from vecdb.storage.key_value import RocksKeyValue
from vecdb.storage.manifest import Manifest, load_manifest, store_manifest

LEFTOVERS: Final = ".vecdb-frozen-*"  # folders of those that a crash left behind


class FrozenFiles:
    """Holds the files until close(), or until it is forgotten.

    Writing goes on: it takes other rows and makes other files, for a row or a file that a checkpoint shows is not used
    again before every reader has left, and this is one. Only RocksDB removes its files without asking, so it makes a
    copy of links. A database opened to be read has its files written anew, in `scratch`.
    """

    def __init__(self, session: Session, scratch: Path) -> None:
        folder = session.catalog.folder
        if folder is None:
            raise InvalidValue(
                argument="path", expected="a database with files, not one in memory", received=":memory:"
            )
        self._session = session
        self._source = folder
        self._own = (scratch if session.read_only else folder) / f"{LEFTOVERS[:-1]}{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self.manifest = Manifest()
        self._release = weakref.finalize(self, _release, SharedReaders(folder), self._own, os.getpid())
        self._release.atexit = False
        try:
            session.between_steps(self._freeze)
        except BaseException:
            self.close()
            raise

    def entries(self) -> Iterator[ArchiveEntry]:
        """Every file, by its name below the folder of a database. Corrupted if one is missing."""
        for file in database_files(self.manifest):
            path = (self._own if file.name == MANIFEST_NAME else self._source) / file.name
            yield ArchiveEntry(file.name, path, _size(path) if file.bytes is None else file.bytes, file.zeros)
        store = self._own / STORE_FOLDER
        for name in sorted(filter(is_store_file, os.listdir(store))):
            yield ArchiveEntry(f"{STORE_FOLDER}/{name}", store / name, _size(store / name))

    def close(self) -> None:
        """Lets go of them. May be called twice."""
        with self._lock:
            self._release()

    def _freeze(self) -> None:
        with self._lock:
            if not self._release.alive:
                return  # whoever waited was interrupted
            catalog, store = self._session.catalog, self._session.catalog.key_value
            assert isinstance(store, RocksKeyValue), "what has files has them in RocksDB"
            try:
                self._own.mkdir()
            except OSError as error:
                raise disk_error(self._own, error) from error
            if self._session.read_only:
                position = store.copy_to(self._own / STORE_FOLDER)
                self.manifest = Manifest(
                    sequence=catalog.checkpoint_sequence,
                    next_collection=catalog.next_collection,
                    collections=tuple(catalog.entries.values()),
                    state={KEY_VALUE_POSITION: position},
                )
            else:
                checkpoint(
                    catalog,
                    self._session.commits,
                    save_indexes=True,
                    copy_store=lambda: store.copy_to(self._own / STORE_FOLDER),
                )
                self.manifest = load_manifest(self._source)
            store_manifest(self._own, self.manifest)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise disk_error(path, error) from error


def _release(readers: SharedReaders, own: Path, pid: int) -> None:
    # A forked child has a copy of everything but the right to end what its parent does.
    if os.getpid() == pid:
        shutil.rmtree(own, ignore_errors=True)
    readers.close()
