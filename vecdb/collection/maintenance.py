"""Work in the background: absorbing tails, healing indexes, checkpoints, scrubbing. It never stops a search."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from vecdb import limits
from vecdb.collection.catalog import Catalog
from vecdb.collection.checkpoint import checkpoint
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.measure import measured_curve
from vecdb.collection.scrub import scrub
from vecdb.collection.state import CollectionState
from vecdb.errors import Corrupted, Error

_LOG = logging.getLogger("vecdb")

_IDLE_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 5.0
_ABSORB_ROWS: Final = 2048  # one step: short enough that closing and searching never wait long
_INDEX_ROWS_MINIMUM: Final = 1024  # below this a scan is as fast as a graph
_HEAL_SHARE: Final = 0.02  # dead rows in an index that make healing it worth a pass over its links
_HEAL_ROWS_MINIMUM: Final = 256
_HEAL_SECONDS: Final = 5.0  # fewer dead rows than that are healed when this much time has passed
_SCRUB_BYTES: Final = 16 << 20
_CURVE_GROWTH: Final = 0.3  # change of an index that makes its recall curve worth measuring again


class Maintenance:
    """One thread for all open collections of a database."""

    def __init__(self, catalog: Catalog, commits: CommitQueue) -> None:
        self._catalog = catalog
        self._commits = commits
        self._wake = threading.Event()
        self._progress = threading.Condition()
        self._passes = 0
        self._wanted_full_pass = 0  # a pass of this number or later absorbs, heals and checkpoints everything
        self._stopping = False
        self._failure: Error | None = None
        self._healed_at: dict[int, float] = {}
        self._thread = threading.Thread(target=self._run, name="vecdb-maintenance", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def throttle(self, state: CollectionState) -> None:
        """Slows a writer down when rows come faster than the index takes them in; returns when there is room again."""
        bytes_behind = tail_bytes(state)
        if bytes_behind * 2 < limits.TAIL_BYTES:
            return
        if bytes_behind < limits.TAIL_BYTES:
            time.sleep(0.05 * (2 * bytes_behind / limits.TAIL_BYTES - 1))
            return
        with self._progress:
            while tail_bytes(state) >= limits.TAIL_BYTES and not self._stopping and not state.dropped:
                self._wake.set()
                self._progress.wait(0.1)

    def optimize(self, wait: bool, report: Callable[[int, int], None] | None, state: CollectionState) -> None:
        """Absorbs, heals and checkpoints everything; `report(done, total)` rows meanwhile. Raises what stopped it."""
        with self._progress:
            self._failure = None
            # The pass under way may have gone past this collection already.
            self._wanted_full_pass = wanted = self._passes + 2
        self._wake.set()
        if not wait:
            return
        total = sum(len(view.tail) for view in state.snapshot.views.values())
        with self._progress:
            while self._passes < wanted and not self._stopping:
                if self._failure is not None:
                    raise self._failure
                self._progress.wait(0.05)
                if report is not None:
                    left = sum(len(view.tail) for view in state.snapshot.views.values())
                    report(max(total - left, 0), total)
                self._wake.set()

    def close(self) -> None:
        """Stops after the step under way."""
        self._stopping = True
        self._wake.set()
        with self._progress:
            self._progress.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            full = self._passes + 1 >= self._wanted_full_pass > self._passes
            try:
                busy = self._pass(full)
            except Exception as error:
                self._note(error)
                self._wake.wait(_RETRY_SECONDS)
                self._wake.clear()
                continue
            with self._progress:
                self._passes += 1
                self._progress.notify_all()
            if not busy and self._passes >= self._wanted_full_pass:
                self._wake.wait(_IDLE_SECONDS)
                self._wake.clear()

    def _note(self, error: Exception) -> None:
        _LOG.error("background work failed and is tried again: %s", error, exc_info=not isinstance(error, Error))
        with self._progress:
            self._failure = error if isinstance(error, Error) else Error()
            self._progress.notify_all()

    def _pass(self, full: bool) -> bool:
        """One round over the open collections; True if there is more to do at once. A full one leaves nothing."""
        busy = False
        for state in list(self._catalog.states.values()):
            if self._stopping:
                return False
            more = self._absorb(state)
            while full and more and not self._stopping:
                more = self._absorb(state)
                self._checkpoint_if_due()
            busy |= more
            self._heal(state, full)
            if not more:
                self._measure(state, full)
                busy |= self._scrub(state)
        if full and not self._stopping:
            checkpoint(self._catalog, self._commits, save_indexes=True)
        else:
            self._checkpoint_if_due()
        return busy

    def _absorb(self, state: CollectionState) -> bool:
        """Moves some rows from each tail into its index; True if any tail has more."""
        more = False
        for name, column in state.columns.items():
            view = state.snapshot.views[name]
            if not column.index.absorbs or not len(view.tail) or len(view.live) < _INDEX_ROWS_MINIMUM:
                continue
            rows = view.tail.rows(0, _ABSORB_ROWS)
            with state.index_lock:
                column.index.insert(rows)
                with self._commits.apply_lock:
                    state.publish_absorbed(name, rows)
            state.absorbed_rows[name] += len(rows)
            more |= len(view.tail) > len(rows)
        with self._progress:
            self._progress.notify_all()
        return more

    def _heal(self, state: CollectionState, full: bool) -> None:
        """Takes rows that no reader sees any more out of the indexes and offers their numbers for reuse."""
        with self._commits.apply_lock:
            while state.retired and state.retired[0][0]() is None:
                rows = state.retired.popleft()[1]
                if len(rows):
                    state.dead_rows.append(rows)
        if not state.dead_rows:
            return
        count = sum(map(len, state.dead_rows))
        due = full or count >= max(_HEAL_ROWS_MINIMUM, _HEAL_SHARE * len(state.snapshot.live))
        now = time.monotonic()
        if not due and now - self._healed_at.setdefault(state.number, now) < _HEAL_SECONDS:
            return
        self._healed_at[state.number] = now
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

    def _measure(self, state: CollectionState, full: bool) -> None:
        """Learns what ef gives what recall, when the index has changed much since it was last learnt."""
        for name, column in state.columns.items():
            indexed = len(state.snapshot.live) - len(state.snapshot.views[name].tail)
            if not column.index.absorbs or indexed < _INDEX_ROWS_MINIMUM:
                continue
            known = state.curves[name].rows
            if abs(indexed - known) > _CURVE_GROWTH * known or (full and indexed != known and known == 0):
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

    def _checkpoint_if_due(self) -> None:
        behind = self._commits.journal.bytes_since(self._catalog.checkpoint_sequence)
        if behind >= limits.CHECKPOINT_BYTES:
            checkpoint(self._catalog, self._commits, save_indexes=False)


def tail_bytes(state: CollectionState) -> int:
    """Bytes of vectors that wait to be absorbed."""
    views = state.snapshot.views
    return sum(len(views[name].tail) * column.row_bytes for name, column in state.columns.items())
