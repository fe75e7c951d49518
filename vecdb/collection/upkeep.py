"""The single steps of background work on a collection: absorbing its tail, healing indexes, measuring, scrubbing."""

from __future__ import annotations

import logging
import time
import weakref
from typing import Final

import numpy as np

from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.measure import measured_curve
from vecdb.collection.scrub import scrub
from vecdb.collection.state import CollectionState
from vecdb.errors import Corrupted

_LOG = logging.getLogger("vecdb")

_ABSORB_ROWS: Final = 2048  # one step: short enough that closing and searching never wait long
_INDEX_ROWS_MINIMUM: Final = 1024  # below this a scan is as fast as a graph
_HEAL_SHARE: Final = 0.02  # dead rows in an index that make healing it worth a pass over its links
_HEAL_ROWS_MINIMUM: Final = 256
_HEAL_SECONDS: Final = 5.0  # fewer dead rows than that are healed when this much time has passed
_SCRUB_BYTES: Final = 16 << 20
_CURVE_GROWTH: Final = 0.3  # change of an index that makes its recall curve worth measuring again


def index_is_worth_it(rows: int) -> bool:
    """Whether a collection of this size is searched faster by a structure than by a scan."""
    return rows >= _INDEX_ROWS_MINIMUM


def healing_is_due(dead_rows: int, live_rows: int, seconds_waited: float) -> bool:
    """Whether dead rows in the indexes are worth a pass over all links."""
    return dead_rows >= max(_HEAL_ROWS_MINIMUM, _HEAL_SHARE * live_rows) or seconds_waited >= _HEAL_SECONDS


def curve_is_due(indexed_rows: int, measured_rows: int) -> bool:
    """Whether an index has changed enough since its recall curve was measured."""
    return index_is_worth_it(indexed_rows) and abs(indexed_rows - measured_rows) > _CURVE_GROWTH * measured_rows


class Upkeep:
    """The steps; the maintenance thread alone runs them."""

    def __init__(self, commits: CommitQueue) -> None:
        self._commits = commits
        self._waiting_since: weakref.WeakKeyDictionary[CollectionState, float] = weakref.WeakKeyDictionary()

    def step(self, state: CollectionState) -> bool:
        """A little of everything; True if there is more to do at once."""
        if self.absorb(state):
            self.heal(state)
            return True
        self.heal(state)
        self.measure(state)
        return self._scrub(state)

    def absorb(self, state: CollectionState) -> bool:
        """Moves some rows from each tail into its index; True if any tail has more."""
        more = False
        for name, column in state.columns.items():
            view = state.snapshot.views[name]
            if not column.index.absorbs or not len(view.tail) or not index_is_worth_it(len(view.live)):
                continue
            rows = view.tail.rows(0, _ABSORB_ROWS)
            with state.index_lock:
                column.index.insert(rows, view.live)
                with self._commits.apply_lock:
                    state.publish_absorbed(name, rows)
            state.absorbed_rows[name] += len(rows)
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
            state.absorbed_rows[name] += len(rows)
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

    def measure(self, state: CollectionState) -> None:
        """Learns what ef gives what recall, when the index has changed much since it was last learnt."""
        for name, column in state.columns.items():
            indexed = len(state.snapshot.live) - len(state.snapshot.views[name].tail)
            if column.index.absorbs and curve_is_due(indexed, state.curves[name].rows):
                state.curves = {**state.curves, name: measured_curve(column, state.snapshot)}
                state.changed = True

    def _scrub(self, state: CollectionState) -> bool:
        """Checks a little more of what was on disk when the collection was opened."""
        if state.damage is not None or state.folder is None or state.scrubbed_rows >= state.opened_rows:
            return False
        try:
            return not scrub(state, _SCRUB_BYTES)
        except Corrupted as error:
            _LOG.error("%s", error)
            return False
