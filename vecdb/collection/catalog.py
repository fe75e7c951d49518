"""Every collection of a database by number and name; opened when first used, so that ten thousand cost little."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import orjson

from vecdb.collection.keys import Keys
from vecdb.collection.records import Change, Create, Drop
from vecdb.collection.scrub import scrub
from vecdb.collection.state import CollectionState
from vecdb.errors import CollectionExists, CollectionNotFound, Corrupted
from vecdb.native.index import RowMask, ThreadPool
from vecdb.schema import CollectionSchema
from vecdb.storage.checked_file import read_checked
from vecdb.storage.key_value import KeyValue
from vecdb.storage.manifest import CollectionEntry, Manifest

MASK_MAGIC = b"VECDBLIV"
MASK_VERSION = 1
KEY_VALUE_POSITION = "key_value_position"  # in the manifest's state: what the store holds at its sequence
SCRUB_AT_OPEN_BYTES = 16 << 20  # vectors checked before the first answer; the rest follows in the background

INDEX_IS_REBUILT = "%s; the index is being rebuilt"

_LOG = logging.getLogger("vecdb")


class Catalog:
    """The collections, and the one place where a journalled change is carried out."""

    def __init__(
        self,
        folder: Path | None,
        key_value: KeyValue,
        manifest: Manifest,
        pool: ThreadPool,
        background: ThreadPool,
        *,
        read_only: bool = False,
        reuse_rows: bool = True,
    ) -> None:
        self.folder = folder
        self.key_value = key_value
        self.pool = pool
        self._background = background
        self._read_only = read_only
        self._reuse_rows = reuse_rows  # False: readers of an earlier checkpoint may still see rows that are free now
        self._lock = threading.RLock()
        self.next_collection = manifest.next_collection
        self.checkpoint_sequence = manifest.sequence
        self.position = position_of(manifest)
        self.entries = {entry.number: entry for entry in manifest.collections}
        self.numbers = {entry.name: entry.number for entry in manifest.collections}
        self.states: dict[int, CollectionState] = {}
        self.opened: Callable[[CollectionState], None] = _unheard  # who else wants to know
        self.dropped: Callable[[CollectionState], None] = _unheard
        self._created: dict[int, int] = {}  # sequences of the collections made since the database was opened

    def names(self) -> list[str]:
        """The collections' names, sorted."""
        return sorted(self.numbers)

    def new_number(self, name: str) -> int:
        """The number for a collection to be created. CollectionExists."""
        with self._lock:
            if name in self.numbers:
                raise CollectionExists(name=name)
            number = self.next_collection
            self.next_collection += 1
            return number

    def state_of(self, name: str) -> CollectionState:
        """The collection of this name, opened. CollectionNotFound; Corrupted."""
        try:
            return self.state(self.number_of(name))
        except KeyError:  # dropped in between
            raise CollectionNotFound(name=name) from None

    def number_of(self, name: str) -> int:
        """The number of the collection of this name. CollectionNotFound."""
        number = self.numbers.get(name)
        if number is None:
            raise CollectionNotFound(name=name)
        return number

    def state(self, number: int) -> CollectionState:
        """The collection of this number, opened. KeyError if there is none; Corrupted."""
        state = self.states.get(number)
        if state is not None:
            return state
        with self._lock:
            state = self.states.get(number)
            if state is None:
                state = self.states[number] = self._open(self.entries[number])
                self.opened(state)
            return state

    def apply(self, change: Change, sequence: int) -> None:
        """Carries out a change; see CommitQueue."""
        if isinstance(change, Create):
            schema = CollectionSchema.from_json(change.schema)
            entry = CollectionEntry(number=change.collection, name=schema.name, schema=orjson.loads(change.schema))
            with self._lock:
                self._created[entry.number] = sequence
                self.entries[entry.number] = entry
                self.numbers[entry.name] = entry.number
                self.next_collection = max(self.next_collection, entry.number + 1)
        elif isinstance(change, Drop):
            self._drop(change.collection)
        elif change.collection in self.entries:
            self.state(change.collection).apply(change, sequence)

    def flush(self) -> None:
        """Makes the store durable."""
        self.key_value.flush()

    def _drop(self, number: int) -> None:
        """Forgets a collection. Its files stay until a checkpoint that does not name them: recovery may need them."""
        with self._lock:
            entry = self.entries.get(number)
            if entry is not None and self.numbers.get(entry.name) == number:
                del self.numbers[entry.name]
            self.entries.pop(number, None)
            state = self.states.get(number)
            if state is not None:
                state.dropped = True
        for prefix in Keys(number).prefixes():
            self.key_value.delete_prefix(prefix)
        if state is not None:
            state.sync()  # a checkpoint that is under way may still name it
            state.close()
            del self.states[number]  # only now: a drop that was cut short is carried out again
            self.dropped(state)

    def folder_of(self, number: int) -> Path | None:
        """Where a collection has its files."""
        return self.folder / "collections" / str(number) if self.folder is not None else None

    def _open(self, entry: CollectionEntry) -> CollectionState:
        folder = self.folder_of(entry.number)
        schema = CollectionSchema.from_json(orjson.dumps(entry.schema))
        sequence = max(self.checkpoint_sequence, self._created.get(entry.number, 0))
        live = RowMask()
        if folder is not None and entry.state_file is not None:
            sections = read_checked(folder / entry.state_file, MASK_MAGIC, MASK_VERSION)
            live = RowMask.from_words(np.frombuffer(sections[0], np.uint64))

        def opened(load_indexes: bool) -> CollectionState:
            return CollectionState(
                entry,
                schema,
                folder,
                self.key_value,
                self.pool,
                self._background,
                live=live,
                sequence=sequence,
                read_only=self._read_only,
                reuse_rows=self._reuse_rows,
                load_indexes=load_indexes,
            )

        try:
            state = opened(load_indexes=True)
        except Corrupted as error:
            if not any(error.path.endswith(index.file) for index in entry.indexes.values()):
                raise
            # An index is only a faster way to what the rows say: it is built again in the background, as after
            # CollectionState.forget_index().
            _LOG.warning(INDEX_IS_REBUILT, str(error))  # not the error, whose frames hold the file
            state = opened(load_indexes=False)
        scrub(state, SCRUB_AT_OPEN_BYTES)
        return state

    def close(self) -> None:
        """Lets go of every open collection's files."""
        with self._lock:
            for state in self.states.values():
                state.close()


def position_of(manifest: Manifest) -> int:
    """What the store holds at the manifest's sequence."""
    return cast(int, manifest.state.get(KEY_VALUE_POSITION, 0))


def _unheard(state: CollectionState) -> None:
    """Before there is background work."""
