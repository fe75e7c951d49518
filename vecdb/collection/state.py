"""The rows of one collection and how a change alters them: the one way in, for writers and for recovery alike."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.free_rows import FreeRows
from vecdb.collection.keys import Keys, pack_rows
from vecdb.collection.recall_curve import RecallCurve
from vecdb.collection.records import Delete, Update, Upsert
from vecdb.collection.reply_bytes import reply_too_large
from vecdb.collection.row_heads import RowHeads
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.vector_column import VectorColumn
from vecdb.errors import CollectionNotFound, Corrupted
from vecdb.ids import Id, decode_id
from vecdb.index.vector_index import View
from vecdb.native.heads import HEAD_BYTES, INLINE_ID_BYTES
from vecdb.native.index import RowMask, ThreadPool
from vecdb.schema import CollectionSchema
from vecdb.storage.key_value import KeyValue
from vecdb.storage.manifest import CollectionEntry
from vecdb.storage.memory_rows import MemoryRows
from vecdb.storage.row_file import RowFile

RowNumbers = npt.NDArray[np.uint32]

NO_ROWS: RowNumbers = np.empty(0, np.uint32)
_ROWS_AT_A_TIME: Final = 128  # whose payloads are read before their bytes are counted


class CollectionState:
    """A collection that is open: its schema, rows, indexes and the snapshot readers take.

    apply() and the publishing methods are called under the database's apply lock; `snapshot` is read without one.
    """

    def __init__(
        self,
        entry: CollectionEntry,
        schema: CollectionSchema,
        folder: Path | None,
        key_value: KeyValue,
        pool: ThreadPool,
        background: ThreadPool,
        *,
        live: RowMask,
        sequence: int,
        read_only: bool = False,
        reuse_rows: bool = True,
        load_indexes: bool = True,
    ) -> None:
        self.number = entry.number
        self.schema = schema
        self.folder = folder
        self.key_value = key_value
        self.keys = Keys(entry.number)
        self.dropped = False
        self.damage: Corrupted | None = None
        self.index_lock = threading.Lock()  # held while an index changes, taken before the apply lock
        if folder is not None and not read_only:
            (folder / "rows").mkdir(parents=True, exist_ok=True)
        head_rows: RowFile | MemoryRows = (
            MemoryRows(HEAD_BYTES)
            if folder is None
            else RowFile(folder / "rows", "heads", HEAD_BYTES, at_least=entry.next_row, read_only=read_only)
        )
        self.heads = RowHeads(head_rows)
        self.columns: dict[str, VectorColumn] = {}
        self.generations: dict[str, int] = {}
        for name, vector in schema.vectors.items():
            index = entry.indexes.get(name)
            self.generations[name] = index.generation if index else 0
            self.columns[name] = VectorColumn(
                name,
                vector,
                folder,
                rows=entry.next_row,
                index_file=folder / index.file if folder is not None and index is not None and load_indexes else None,
                pool=pool,
                background=background,
                read_only=read_only,
            )
        self.curves = {name: RecallCurve.from_json(entry.state.get(f"recall:{name}")) for name in self.columns}
        self.retired: deque[tuple[Callable[[], Snapshot | None], RowNumbers]] = deque()
        self.row_bytes = sum(column.row_bytes for column in self.columns.values())
        self.read_row_bytes = sum(column.read_row_bytes for column in self.columns.values())
        self.snapshot = self._first_snapshot(live, sequence)
        self._reuse_rows = reuse_rows
        self.free_rows = self.rows_to_reuse(entry.next_row)
        self.changed = False  # since the last checkpoint
        self.written_rows = entry.next_row  # rows below it exist in the files
        self.absorbed_rows = dict.fromkeys(self.columns, 0)  # since the index was last saved
        self.dead_rows: list[RowNumbers] = []  # seen by no reader any more, still in an index
        self.opened_at = time.monotonic()
        self.scrubbed_rows = 0
        self.opened_rows = entry.next_row

    def _first_snapshot(self, live: RowMask, sequence: int) -> Snapshot:
        views = {}
        stale = RowMask()
        for name, column in self.columns.items():
            members = column.index.members()
            dead = members.minus(live)
            stale = stale.with_changes(dead.rows(), None)
            views[name] = View(live, live.minus(members) if column.index.absorbs else RowMask(), len(dead) > 0)
        if len(stale):
            self.retired.append((_gone, stale.rows()))
        return Snapshot(sequence, live, views)

    def rows_to_reuse(self, next_row: int) -> FreeRows:
        """What is free when nothing is under way: rows that are neither live nor still to be taken out of an index."""
        free = RowMask.below(next_row if self._reuse_rows else 0).minus(self.snapshot.live)
        for _, rows in self.retired:
            free = free.with_changes(None, rows)
        return FreeRows(next_row, free.rows())

    def apply(self, change: Upsert | Update | Delete, sequence: int) -> None:
        """Carries out a change and publishes it. Repeating it, after a failure or a crash, gives the same state."""
        if sequence <= self.snapshot.sequence:
            return  # all of it was done before an interrupt: a second time its rows would be retired twice
        if isinstance(change, Upsert):
            self._apply_upsert(change, sequence)
        elif isinstance(change, Update):
            self.key_value.write(list(zip(self.keys.payloads(change.rows), change.payloads, strict=True)), [])
            self.publish(sequence, NO_ROWS, NO_ROWS)
        else:
            self.key_value.write([], self.keys.ids(change.ids))
            self.publish(sequence, NO_ROWS, change.rows)

    def _apply_upsert(self, change: Upsert, sequence: int) -> None:
        rows = change.rows
        if len(rows) == 0:
            self.publish(sequence, rows, change.retired)
            return
        needed = int(rows.max()) + 1
        self.heads.ensure(needed)
        for column in self.columns.values():
            column.ensure(needed)
        self.written_rows = max(self.written_rows, needed)
        for column, data in zip(self.columns.values(), change.vectors, strict=True):
            column.write(rows, data)
        self.heads.write(rows, change.ids, change.vectors)
        puts = list(zip(self.keys.ids(change.ids), pack_rows(rows), strict=True))
        puts += zip(self.keys.payloads(rows), change.payloads, strict=True)
        if max(map(len, change.ids)) > INLINE_ID_BYTES:
            long_keys = zip(self.keys.long_ids(rows), change.ids, strict=True)
            puts += [(key, each) for key, each in long_keys if len(each) > INLINE_ID_BYTES]
        self.key_value.write(puts, [])
        self.publish(sequence, rows, change.retired)

    def publish(self, sequence: int, added: RowNumbers, retired: RowNumbers) -> None:
        """Shows readers `added` rows and hides `retired` ones, as one."""
        before = self.snapshot
        live = before.live.with_changes(added, retired)
        views = {}
        for name, view in before.views.items():
            absorbs = self.columns[name].index.absorbs
            tail = view.tail.with_changes(added, retired) if absorbs else view.tail
            masked = view.masked or (absorbs and len(retired) > len(view.tail) - (len(tail) - len(added)))
            views[name] = View(live, tail, masked)
        self._show(Snapshot(sequence, live, views), retired)
        self.changed = True

    def publish_absorbed(self, name: str, rows: RowNumbers) -> None:
        """Rows of one vector are in its index: they leave its tail. Rows retired meanwhile are in the index, dead."""
        before = self.snapshot
        view = before.views[name]
        dead = RowMask.of(rows).minus(before.live)
        view = View(before.live, view.tail.with_changes(None, rows), view.masked or len(dead) > 0)
        self._show(Snapshot(before.sequence, before.live, {**before.views, name: view}), NO_ROWS)

    def publish_healed(self, name: str, masked: bool) -> None:
        """Dead rows were taken out of one vector's index; `masked` tells whether more are in it."""
        before = self.snapshot
        view = View(before.live, before.views[name].tail, masked)
        self._show(Snapshot(before.sequence, before.live, {**before.views, name: view}), NO_ROWS)

    def forget_index(self, name: str) -> None:
        """Puts an empty index in the place of one whose file is damaged. Called under the index lock as well.

        All rows are its tail: they are scanned, and absorbed anew. Its next file is of the next generation, for the
        checkpoint still names the damaged one.
        """
        self.columns[name].forget_index()
        before = self.snapshot
        view = View(before.live, before.live, False)
        self._show(Snapshot(before.sequence, before.live, {**before.views, name: view}), NO_ROWS)

    def _show(self, snapshot: Snapshot, retired: RowNumbers) -> None:
        """Replaces the snapshot. Rows retired by it are dead once this and every earlier snapshot are gone."""
        if self.retired and self.retired[-1][0]() is None and not len(self.retired[-1][1]):
            self.retired.pop()  # protects nothing: the list does not grow with every write
        self.retired.append((weakref.ref(self.snapshot), retired))
        self.snapshot = snapshot

    def id_batch_of(self, rows: RowNumbers) -> npt.NDArray[np.int64] | list[Id]:
        """The ids of rows: an int64 array if all are integers, else a list. Corrupted."""
        integers = self.heads.integers(rows)
        return self.ids_of(rows) if integers is None else integers

    def ids_of(self, rows: RowNumbers) -> list[Id]:
        """The ids of rows. Corrupted."""
        ids, long_places = self.heads.ids(rows)
        if long_places:
            values = self.key_value.get_many(self.keys.long_ids(rows[long_places]))
            for place, value in zip(long_places, values, strict=True):
                if value is None:
                    raise self.lost(f"the id of row {int(rows[place])} is missing")
                ids[place] = decode_id(value)
        return ids  # type: ignore[return-value]

    def payloads_of(self, rows: RowNumbers, bytes_maximum: int | None = None) -> list[bytes]:
        """The payloads of rows, as JSON. Corrupted; LimitExceeded above `bytes_maximum` in all."""
        values = self.stored_payloads(rows, bytes_maximum)
        for row, value in zip(rows.tolist(), values, strict=True):
            if value is None:
                raise self.lost(f"the payload of row {row} is missing")
        return values  # type: ignore[return-value]

    def stored_payloads(
        self, rows: RowNumbers, bytes_maximum: int | None, deadline: Deadline = NEVER
    ) -> list[bytes | None]:
        """The payloads of rows, None where there is none. LimitExceeded, before much more than that is in memory."""
        keys = self.keys.payloads(rows)
        if bytes_maximum is None:
            return self.key_value.get_many(keys)
        values: list[bytes | None] = []
        size = 0
        for first in deadline.each(range(0, len(keys), _ROWS_AT_A_TIME)):
            some = self.key_value.get_many(keys[first : first + _ROWS_AT_A_TIME])
            size += sum([len(value) for value in some if value is not None])
            if size > bytes_maximum:
                raise reply_too_large(bytes_maximum, size)
            values += some
        return values

    def lost(self, detail: str) -> Corrupted | CollectionNotFound:
        """What to raise where the store lacks something: damage, unless the collection was dropped meanwhile."""
        if self.dropped:
            return CollectionNotFound(name=self.schema.name)
        where = self.folder.parent.parent / "kv" if self.folder else ":memory:"
        return Corrupted(path=str(where), detail=f"collection '{self.schema.name}': {detail}")

    def release_rows(self, batches: int) -> None:
        """The first batches of rows that wait are free: whole pages of their vectors go back to the system."""
        rows = self.free_rows.about_to_be_free(batches)
        for column in self.columns.values():
            column.rows.discard(rows)  # before they can be written again
        self.free_rows.release(batches)

    def sync(self) -> None:
        """Makes the rows durable. StorageFailed."""
        self.heads.rows.sync()
        for column in self.columns.values():
            column.rows.sync()

    def close(self) -> None:
        """Lets go of the files; views handed out stay valid."""
        self.heads.rows.close()
        for column in self.columns.values():
            column.rows.close()


def _gone() -> None:
    """In place of a weak reference to a snapshot that nobody holds."""
