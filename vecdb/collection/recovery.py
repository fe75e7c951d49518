"""Opening a database on disk: the last checkpoint, then everything the journal holds after it, done again."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from vecdb.collection.catalog import Catalog, position_of
from vecdb.collection.checkpoint import unnamed_folders
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.frozen_files import LEFTOVERS
from vecdb.collection.records import decode
from vecdb.errors import Corrupted, InvalidValue, StorageFailed, brief
from vecdb.native.index import ThreadPool
from vecdb.storage.directory_lock import without_readers
from vecdb.storage.disk import sync_folder
from vecdb.storage.format_file import check_format, format_path, store_format
from vecdb.storage.journal import Journal, read
from vecdb.storage.key_value import RocksKeyValue
from vecdb.storage.manifest import Manifest, load_manifest, manifest_path, store_manifest
from vecdb.storage.memory_journal import MemoryJournal
from vecdb.storage.memory_key_value import MemoryKeyValue


def open_memory(pool: ThreadPool, background: ThreadPool) -> tuple[Catalog, CommitQueue]:
    """An empty database without files."""
    catalog = Catalog(None, MemoryKeyValue(), Manifest(), pool, background)
    return catalog, CommitQueue(MemoryJournal(), catalog, waits=False)


def open_folder(folder: Path, pool: ThreadPool, background: ThreadPool, *, sync: bool) -> tuple[Catalog, CommitQueue]:
    """The database at `folder`, made if there is none, as of its last durable change. The caller holds its lock.

    Corrupted, VersionMismatch, StorageFull, StorageFailed.
    """
    _create(folder)
    for leftover in folder.glob(LEFTOVERS):
        shutil.rmtree(leftover, ignore_errors=True)
    manifest = load_manifest(folder)
    journal = Journal(folder / "journal", sync=sync, at_least=manifest.sequence)
    try:
        key_value = RocksKeyValue(folder / "kv", at_least=position_of(manifest))
    except BaseException:
        journal.close()
        raise
    try:
        with without_readers(folder) as alone:
            catalog = Catalog(folder, key_value, manifest, pool, background, reuse_rows=alone)
            _redo(catalog, folder / "journal", manifest.sequence)
            if alone:
                named = {**{entry.number: entry for entry in manifest.collections}, **catalog.entries}
                for path in unnamed_folders(folder / "collections", named):
                    shutil.rmtree(path, ignore_errors=True)
        return catalog, CommitQueue(journal, catalog, waits=sync)
    except BaseException:
        key_value.close()
        journal.close()
        raise


def open_read_only(folder: Path, pool: ThreadPool, background: ThreadPool) -> tuple[Catalog, CommitQueue]:
    """The database at `folder` as of its last checkpoint, beside a writer or without one. The caller is a SharedReader.

    Corrupted, VersionMismatch; StorageFailed if a crash cut a checkpoint short and nobody opened it for writing since.
    """
    check_format(folder, read_only=True)
    for _ in range(_ATTEMPTS):
        manifest = load_manifest(folder)
        key_value = RocksKeyValue(folder / "kv", read_only=True)
        catalog = Catalog(folder, key_value, manifest, pool, background, read_only=True)
        if key_value.position == catalog.position and load_manifest(folder).sequence == manifest.sequence:
            commits = CommitQueue(MemoryJournal(), catalog, waits=False)
            commits.applied_sequence = manifest.sequence
            return catalog, commits
        # A checkpoint is under way: its manifest comes after the store's files.
        key_value.close()
        time.sleep(_ATTEMPT_SECONDS)
    raise StorageFailed(path=str(folder), detail="no whole checkpoint to read; open the database for writing once")


def _redo(catalog: Catalog, folder: Path, after: int) -> None:
    """Carries out the journal's changes again. Rows and keys a crash left newer or half written are overwritten."""
    for frame in read(folder, after):
        try:
            change = decode(frame.kind, frame.body)
        except ValueError as error:
            raise Corrupted(path=str(folder), detail=f"sequence {frame.sequence}: {error}") from error
        catalog.apply(change, frame.sequence)
    for state in catalog.states.values():
        state.free_rows = state.rows_to_reuse(state.written_rows)


def check_contents(folder: Path) -> None:
    """InvalidValue if `folder` has no database but something else: files of ours would not belong there."""
    if format_path(folder).exists():
        return
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in _OWN_NAMES)
    if foreign:
        expected = f"a database or an empty folder, not one with {brief(foreign[0])}"
        raise InvalidValue(argument="path", expected=expected, received=str(folder))


def _create(folder: Path) -> None:
    """Lays out a new database in a folder that has none. FORMAT comes last: without it a crash left it half made."""
    if format_path(folder).exists():
        check_format(folder)
        return
    check_contents(folder)
    if manifest_path(folder).exists() and load_manifest(folder).sequence > 0:
        raise Corrupted(path=str(format_path(folder)), detail="missing beside the manifest of a database")
    (folder / "collections").mkdir(exist_ok=True)
    Journal(folder / "journal", sync=True, create=True).close()
    RocksKeyValue(folder / "kv", create=True).close()
    if not manifest_path(folder).exists():
        store_manifest(folder, Manifest())
    store_format(folder)
    sync_folder(folder)


_ATTEMPTS: Final = 100
_ATTEMPT_SECONDS: Final = 0.05
_OWN_NAMES: Final = frozenset(("LOCK", "READERS", "MANIFEST", "journal", "collections", "kv"))
