"""Opening a database on disk: the last checkpoint, then everything the journal holds after it, done again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, cast

from vecdb.collection.catalog import Catalog
from vecdb.collection.checkpoint import KEY_VALUE_POSITION, unnamed_folders
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.records import decode
from vecdb.errors import Corrupted, InvalidValue
from vecdb.native.index import ThreadPool
from vecdb.storage.disk import sync_folder
from vecdb.storage.format_file import check_format, format_path, store_format
from vecdb.storage.journal import Journal, read
from vecdb.storage.key_value import MemoryKeyValue, RocksKeyValue
from vecdb.storage.manifest import Manifest, load_manifest, manifest_path, store_manifest
from vecdb.storage.memory_journal import MemoryJournal


def open_memory(pool: ThreadPool, background: ThreadPool) -> tuple[Catalog, CommitQueue]:
    """An empty database without files."""
    catalog = Catalog(None, MemoryKeyValue(), Manifest(), pool, background)
    return catalog, CommitQueue(MemoryJournal(), catalog, waits=False)


def open_folder(folder: Path, pool: ThreadPool, background: ThreadPool, *, sync: bool) -> tuple[Catalog, CommitQueue]:
    """The database at `folder`, made if there is none, as of its last durable change. The caller holds its lock.

    Corrupted, VersionMismatch, StorageFull, StorageFailed.
    """
    _create(folder)
    manifest = load_manifest(folder)
    journal = Journal(folder / "journal", sync=sync, at_least=manifest.sequence)
    try:
        position = cast(int, manifest.state.get(KEY_VALUE_POSITION, 0))
        key_value = RocksKeyValue(folder / "kv", at_least=position)
    except BaseException:
        journal.close()
        raise
    try:
        catalog = Catalog(folder, key_value, manifest, pool, background)
        _redo(catalog, folder / "journal", manifest.sequence)
        named = {**{entry.number: entry for entry in manifest.collections}, **catalog.entries}
        for path in unnamed_folders(folder / "collections", named):
            shutil.rmtree(path, ignore_errors=True)
        return catalog, CommitQueue(journal, catalog, waits=sync)
    except BaseException:
        key_value.close()
        journal.close()
        raise


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


def _create(folder: Path) -> None:
    """Lays out a new database in a folder that has none. FORMAT comes last: without it a crash left it half made."""
    if format_path(folder).exists():
        check_format(folder)
        return
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in _OWN_NAMES)
    if foreign:
        raise InvalidValue(argument="path", expected="a database or an empty folder", received=foreign[0])
    if manifest_path(folder).exists() and load_manifest(folder).sequence > 0:
        raise Corrupted(path=str(format_path(folder)), detail="missing beside the manifest of a database")
    (folder / "collections").mkdir(exist_ok=True)
    Journal(folder / "journal", sync=True, create=True).close()
    RocksKeyValue(folder / "kv", create=True).close()
    if not manifest_path(folder).exists():
        store_manifest(folder, Manifest())
    store_format(folder)
    sync_folder(folder)


_OWN_NAMES: Final = frozenset(("LOCK", "READERS", "MANIFEST", "journal", "collections", "kv"))
