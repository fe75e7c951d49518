"""Making the present state durable beside the journal, so that the journal can be cut and opening stays fast."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from pathlib import Path

from vecdb.collection.catalog import KEY_VALUE_POSITION, MASK_MAGIC, MASK_VERSION, Catalog
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.storage.checked_file import write_checked
from vecdb.storage.directory_lock import without_readers
from vecdb.storage.disk import sync_folder
from vecdb.storage.manifest import CollectionEntry, IndexEntry, Manifest, store_manifest


@dataclass(slots=True)
class _Captured:
    """One collection at the checkpoint's sequence."""

    state: CollectionState
    snapshot: Snapshot
    written_rows: int
    waiting: int  # batches of rows that wait to be free
    save: list[str]  # vectors whose index gets a new file


def checkpoint(
    catalog: Catalog,
    commits: CommitQueue,
    *,
    save_indexes: bool,
    copy_store: Callable[[], object] | None = None,
) -> int:
    """Writes a checkpoint of everything applied so far; its sequence. Searches and, but for an instant, writes go on.

    `save_indexes`: every index that took in or lost rows gets a new file, else only those that changed much.
    `copy_store` is called when the store is flushed and holds exactly what the checkpoint does; writes wait for it.
    StorageFull, StorageFailed: the last checkpoint stays the current one.
    """
    folder = catalog.folder
    if folder is None:
        return commits.applied_sequence
    journal = commits.journal
    with commits.apply_lock:
        # The store's files then hold what the sequence says and not a change more, as readers beside us need it.
        # Nothing gets there before the journal has it.
        journal.sync()
        if copy_store is not None:
            commits.settle()  # of a change that failed half way the copy has no journal to do it again from
        position = catalog.key_value.flush()
        if copy_store is not None:
            copy_store()
        sequence = commits.applied_sequence
        entries = dict(catalog.entries)
        next_collection = catalog.next_collection
        # list(): others are opened meanwhile. A drop may be half way, on a full disk.
        states = [state for state in list(catalog.states.values()) if not state.dropped]
        captured = [_capture(state, save_indexes) for state in states]
        captured = [each for each in captured if each.state.changed or each.save]
        if sequence == catalog.checkpoint_sequence and position == catalog.position and not captured:
            return sequence
        for each in captured:
            each.state.changed = False
    try:
        if any(entries[each.state.number].state_file is None for each in captured):
            sync_folder(folder / "collections")  # a folder there is new
        for each in captured:
            entries[each.state.number] = _store_collection(entries[each.state.number], each, sequence)
        manifest = Manifest(
            sequence=sequence,
            next_collection=next_collection,
            collections=tuple(entries.values()),
            state={KEY_VALUE_POSITION: position},
        )
        store_manifest(folder, manifest)
    except BaseException:
        for each in captured:
            each.state.changed = True
        raise
    catalog.checkpoint_sequence, catalog.position = sequence, position
    with commits.apply_lock:
        for each in captured:
            if each.state.number in catalog.entries:
                catalog.entries[each.state.number] = entries[each.state.number]
    for each in captured:
        for name in each.save:
            each.state.absorbed_rows[name] = 0
    journal.rotate()
    journal.drop_before(sequence + 1)
    with without_readers(folder) as alone:
        if alone:
            _release(catalog, commits, captured, entries)
    return sequence


def _release(
    catalog: Catalog, commits: CommitQueue, captured: list[_Captured], entries: dict[int, CollectionEntry]
) -> None:
    """Lets go of rows and files that no manifest and no reader beside us needs any more."""
    assert catalog.folder is not None
    folder = catalog.folder / "collections"
    for each in captured:
        if set(each.save) >= {name for name, column in each.state.columns.items() if column.index.absorbs}:
            each.state.release_rows(each.waiting)
        _remove_unnamed_files(folder / str(each.state.number), entries[each.state.number])
    with commits.apply_lock:
        # A folder is made after its collection is in the catalog, and neither changes now.
        unnamed = unnamed_folders(folder, {*entries, *catalog.entries, *catalog.states})
    for path in unnamed:
        shutil.rmtree(path, ignore_errors=True)


def index_is_due(rows: int, changed_rows: int, waiting_rows: int) -> bool:
    """Whether an index changed enough for a new file: a quarter of it did, or a tenth of its rows wait to be free."""
    return changed_rows * 4 > rows or waiting_rows * 10 > rows


def _capture(state: CollectionState, save_indexes: bool) -> _Captured:
    snapshot = state.snapshot
    waiting, waiting_rows = state.free_rows.waiting()
    save = []
    for name, column in state.columns.items():
        if not column.index.absorbs:
            continue
        changed = state.absorbed_rows[name]
        indexed = len(snapshot.live) - len(snapshot.views[name].tail)
        if (save_indexes and (changed or waiting_rows)) or index_is_due(indexed, changed, waiting_rows):
            save.append(name)
    return _Captured(state, snapshot, state.written_rows, waiting, save)


def _store_collection(entry: CollectionEntry, captured: _Captured, sequence: int) -> CollectionEntry:
    state = captured.state
    assert state.folder is not None
    state.sync()
    indexes = dict(entry.indexes)
    for name in captured.save:
        state.generations[name] += 1
        generation = state.generations[name]
        file = f"index/v{name}-{generation}.graph"
        (state.folder / "index").mkdir(exist_ok=True)
        state.columns[name].index.save(state.folder / file)
        indexes[name] = IndexEntry(generation=generation, file=file)
    state_file = f"live-{sequence}.mask"
    write_checked(state.folder / state_file, MASK_MAGIC, MASK_VERSION, [captured.snapshot.live.words()])
    curves = {f"recall:{name}": curve.to_json() for name, curve in state.curves.items() if curve.rows}
    return replace(
        entry, next_row=captured.written_rows, state_file=state_file, indexes=indexes, state={**entry.state, **curves}
    )


def unnamed_folders(folder: Path, named: Container[int]) -> list[Path]:
    """The folders of dropped collections that no manifest names any more."""
    names = os.listdir(folder) if folder.is_dir() else []
    return [folder / name for name in names if not name.isdigit() or int(name) not in named]


def _remove_unnamed_files(folder: Path, entry: CollectionEntry) -> None:
    """Removes the files of earlier generations."""
    named = {entry.state_file, *(index.file for index in entry.indexes.values())}
    for file in [*folder.glob("live-*.mask"), *folder.glob("index/*.graph")]:
        if str(file.relative_to(folder)) not in named:
            file.unlink(missing_ok=True)
