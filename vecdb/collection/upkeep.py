"""The single steps of background work on a collection: absorbing its tail, healing indexes, measuring, scrubbing."""

from __future__ import annotations

import logging
import time
import weakref
from collections import Counter
from typing import Final

import numpy as np

from vecdb.collection.catalog import INDEX_IS_REBUILT
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.measure import measured_curve
from vecdb.collection.scrub import scrub
from vecdb.collection.state import CollectionState
from vecdb.collection.vector_column import VectorColumn
from vecdb.errors import Corrupted
from vecdb.native.index import give_back_memory

_LOG = logging.getLogger("vecdb")

_ABSORB_ROWS: Final = 2048  # one step: short enough that closing never waits long
_ABSORB_ROWS_SEARCHED: Final = 256  # each search scans the rows of the step that is under way
_INDEX_ROWS_MINIMUM: Final = 1024  # below this a scan is as fast as a graph
_HEAL_SHARE: Final = 0.02  # dead rows in an index that make healing it worth a pass over its links
_HEAL_ROWS_MINIMUM: Final = 256
_HEAL_SECONDS: Final = 5.0  # fewer dead rows than that are healed when this much time has passed
_AUDIT_SECONDS: Final = 30.0  # of a million rows an audit takes a good half second
_SCRUB_BYTES: Final = 16 << 20
_WORKED_BYTES: Final = 16 << 20  # of vectors, after which free memory is worth giving back: it takes some milliseconds
_REST_SECONDS: Final = 0.1  # after an open; the interpreter makes a search wait for 5 ms where another thread works
_CURVE_GROWTH: Final = 0.3  # of an index, which makes its recall curve worth measuring again
_CURVE_CHANGE: Final = 0.4  # the same of rows that came or went: a fifth was replaced


def index_is_worth_it(rows: int) -> bool:
    """Whether a collection of this size is searched faster by a structure than by a scan."""
    return rows >= _INDEX_ROWS_MINIMUM


def healing_is_due(dead_rows: int, live_rows: int, seconds_waited: float) -> bool:
    """Whether dead rows in the indexes are worth a pass over all links."""
    return dead_rows >= max(_HEAL_ROWS_MINIMUM, _HEAL_SHARE * live_rows) or seconds_waited >= _HEAL_SECONDS


def curve_is_due(indexed_rows: int, measured_rows: int, changed_rows: int) -> bool:
    """Whether an index has changed enough since its recall curve was measured: `changed_rows` came or went since."""
    growth = abs(indexed_rows - measured_rows) > _CURVE_GROWTH * measured_rows
    return index_is_worth_it(indexed_rows) and (growth or changed_rows >= _CURVE_CHANGE * measured_rows)


def audit_is_due(inserted_rows: int, seconds_since: float) -> bool:
    """Whether inserted rows make it worth a walk over the whole graph to see that every row is reached."""
    return inserted_rows > 0 and seconds_since >= _AUDIT_SECONDS


class Upkeep:
    """The steps; the maintenance thread alone runs them."""

    def __init__(self, commits: CommitQueue, *, read_only: bool = False) -> None:
        self._commits = commits
        self._read_only = read_only  # steps check the files, and that is all
        self._waiting_since: weakref.WeakKeyDictionary[CollectionState, float] = weakref.WeakKeyDictionary()
        self._audited: weakref.WeakKeyDictionary[VectorColumn, float] = weakref.WeakKeyDictionary()
        # Rows that came or went since the recall curve of a vector was measured.
        self._changed_rows: weakref.WeakKeyDictionary[CollectionState, Counter[str]] = weakref.WeakKeyDictionary()
        self._worked_bytes = 0  # of vectors that went into indexes since free memory was given back

    def step(self, state: CollectionState, searched: bool = False) -> bool:
        """A little of everything, less where many searches go on; True if there is more to do at once."""
        if self._is_to_rest(state):
            return False
        if self.load(state):
            return True
        if self._read_only:
            return self._scrub(state)
        if self.absorb(state, _ABSORB_ROWS_SEARCHED if searched else _ABSORB_ROWS):
            self.heal(state)
            return True
        self.heal(state)
        self.audit(state)
        self.measure(state)
        return self._scrub(state)

    def load(self, state: CollectionState) -> bool:
        """Checks a little more of index files that are searched where they are mapped; True if there is more to do.

        One that was checked is in memory then, one that is damaged is built again.
        """
        for name, column in state.columns.items():
            try:
                with state.index_lock:
                    more = column.load_index(_SCRUB_BYTES)
            except Corrupted as error:
                _LOG.warning(INDEX_IS_REBUILT, str(error))  # not the error, whose frames hold the file
                with state.index_lock, self._commits.apply_lock:
                    state.forget_index(name)
                more = True
            if more:
                return True
        return False

    def absorb(self, state: CollectionState, most: int = _ABSORB_ROWS) -> bool:
        """Moves `most` rows from each tail into its index; True if any tail has more."""
        more = False
        for name, column in state.columns.items():
            view = state.snapshot.views[name]
            if not column.index.absorbs or not len(view.tail) or not index_is_worth_it(len(view.live)):
                continue
            rows = view.tail.rows(0, most)
            with state.index_lock:
                column.index.insert(rows, view.live)
                with self._commits.apply_lock:
                    state.publish_absorbed(name, rows)
            self._count(state, name, len(rows))
            self._worked_bytes += len(rows) * column.row_bytes
            more |= len(view.tail) > len(rows)
        return more

    def heal(self, state: CollectionState, at_once: bool = False) -> None:
        """Takes rows that no reader sees any more out of the indexes and offers their numbers for reuse."""
        with self._commits.apply_lock:
            while state.retired and state.retired[0][0]() is None:
                rows = state.retired.popleft()[1]
                if len(rows):
                    state.dead_rows.append(rows)
        if not state.dead_rows:
            return
        count = sum(map(len, state.dead_rows))
        waited = time.monotonic() - self._waiting_since.setdefault(state, time.monotonic())
        if not at_once and not healing_is_due(count, len(state.snapshot.live), waited):
            return
        self._waiting_since.pop(state, None)
        rows = np.unique(np.concatenate(state.dead_rows))
        for name, column in state.columns.items():
            if not column.index.absorbs:
                continue
            self._count(state, name, len(rows))
            with state.index_lock:
                column.index.remove(rows)
                with self._commits.apply_lock:
                    dead = column.index.members().minus(state.snapshot.live)
                    state.publish_healed(name, len(dead) > 0)
        with self._commits.apply_lock:
            if not state.dropped:
                state.key_value.write([], [*state.keys.payloads(rows), *state.keys.long_ids(rows)])
        state.dead_rows = []
        state.free_rows.offer(rows)
        if state.folder is None:
            state.release_rows(state.free_rows.waiting()[0])  # no file holds them either

    def audit(self, state: CollectionState, at_once: bool = False) -> None:
        """Links rows that no walk can reach, when some were inserted and none is left to be, now and then."""
        for column in state.columns.values():
            index = column.index
            since = self._audited.setdefault(column, time.monotonic())
            if at_once or audit_is_due(index.inserted_since_audit, time.monotonic() - since):
                with state.index_lock:
                    index.audit()
                self._audited[column] = time.monotonic()

    def is_waiting(self, state: CollectionState) -> bool:
        """Whether something is to be done later, though nothing comes to be written."""
        if self._is_to_rest(state):
            return True
        if self._read_only:
            return False
        unaudited = any(column.index.inserted_since_audit > 0 for column in state.columns.values())
        return unaudited or bool(state.retired or state.dead_rows)

    def measure(self, state: CollectionState) -> None:
        """Learns what ef gives what recall, when the index has changed much since it was last learnt."""
        changed = self._changed_rows.setdefault(state, Counter())
        for name, column in state.columns.items():
            indexed = len(state.snapshot.live) - len(state.snapshot.views[name].tail)
            if not column.index.absorbs or not curve_is_due(indexed, state.curves[name].rows, changed[name]):
                continue
            state.curves = {**state.curves, name: measured_curve(column, state.snapshot)}
            state.changed = True
            changed[name] = 0

    def give_back_memory(self, at_once: bool = False) -> None:
        """Returns what writes and indexing needed for a while to the system, which the C library would keep."""
        if at_once or self._worked_bytes >= _WORKED_BYTES:
            self._worked_bytes = 0
            give_back_memory()

    def _count(self, state: CollectionState, name: str, rows: int) -> None:
        state.absorbed_rows[name] += rows
        self._changed_rows.setdefault(state, Counter())[name] += rows

    def _is_to_rest(self, state: CollectionState) -> bool:
        """Whether it was opened just now, to be searched where its index is mapped: that has the machine to itself."""
        is_new = time.monotonic() - state.opened_at < _REST_SECONDS
        return is_new and any(column.index_is_mapped for column in state.columns.values())

    def _scrub(self, state: CollectionState) -> bool:
        """Checks a little more of what was on disk when the collection was opened."""
        if state.damage is not None or state.folder is None or state.scrubbed_rows >= state.opened_rows:
            return False
        try:
            return not scrub(state, _SCRUB_BYTES)
        except Corrupted as error:
            _LOG.error("%s", error)
            return False
