"""Work in the background: absorbing tails, healing indexes, checkpoints, scrubbing. It never stops a search."""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vecdb import limits
from vecdb.collection.catalog import Catalog
from vecdb.collection.checkpoint import checkpoint
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.state import CollectionState
from vecdb.collection.upkeep import Upkeep
from vecdb.collection.wake import Wake
from vecdb.errors import Error

_LOG = logging.getLogger("vecdb")

_IDLE_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 5.0
_SEARCHES_SECONDS: Final = 0.25  # over which searches are counted
_SEARCHES_A_SECOND: Final = 100  # from here on their time counts for more than that of a writer
_TAIL_BYTES_SEARCHED: Final = 32 << 10  # scanned in a small part of the time of a walk
_PAUSE_SECONDS: Final = 0.02  # of a writer beside searches, for each _TAIL_BYTES_SEARCHED too many
_PAUSE_SECONDS_MAXIMUM: Final = 0.25


@dataclass(slots=True)
class _Request:
    """Somebody waits for this to be done."""

    task: Callable[[], None]
    done: bool = False
    error: Exception | None = None


class Maintenance:
    """One thread for all open collections of a database; it looks at those that were touched and still have work.

    `read_only`: all it does is to check the files.
    """

    def __init__(self, catalog: Catalog, commits: CommitQueue, *, read_only: bool = False) -> None:
        self._catalog = catalog
        self._commits = commits
        self._wake = Wake()
        # Taken by itself: an interrupt in the Python of a Condition's own `with` would leave it taken.
        self._lock = threading.RLock()
        self._progress = threading.Condition(self._lock)
        self._touched: set[CollectionState] = set()
        self._requests: deque[_Request] = deque()
        self._short_requests: deque[_Request] = deque()
        self._stopping = False
        self._upkeep = Upkeep(commits, read_only=read_only)
        # Of a collection: its searches at a moment, that moment, and whether there were many just before it.
        self._searches: weakref.WeakKeyDictionary[CollectionState, tuple[int, float, bool]] = (
            weakref.WeakKeyDictionary()
        )
        catalog.opened = self.touch
        for state in list(catalog.states.values()):
            self.touch(state)
        self._thread = threading.Thread(target=self._run, name="vecdb-maintenance", daemon=True)
        self._thread.start()
        _RUNNING.add(self)

    def touch(self, state: CollectionState) -> None:
        """There may be work in this collection."""
        with self._lock:
            self._touched.add(state)
        self._wake.set()

    def throttle(self, state: CollectionState) -> None:
        """Slows a writer down when rows come faster than the index takes them in; returns when there is room again."""
        bytes_behind = tail_bytes(state)
        pause = pause_seconds(bytes_behind, self._is_searched(state))
        if pause == 0:
            return
        until = time.monotonic() + pause
        room = _TAIL_BYTES_SEARCHED if bytes_behind < limits.TAIL_BYTES else limits.TAIL_BYTES
        with self._lock:
            while not self._stopping and not state.dropped:
                bytes_behind = tail_bytes(state)
                left = until - time.monotonic()
                if bytes_behind < room or (left <= 0 and bytes_behind < limits.TAIL_BYTES):
                    return
                self._touched.add(state)
                self._wake.set()
                self._progress.wait(0.1 if bytes_behind >= limits.TAIL_BYTES else min(left, 0.1))

    def _is_searched(self, state: CollectionState) -> bool:
        """Whether many searches walk a graph of it at present; each of them scans its tail as well."""
        count = sum(column.walks for column in state.columns.values())
        now = time.monotonic()
        before, since, searched = self._searches.get(state, (count, now, False))
        if now - since >= _SEARCHES_SECONDS:
            searched = count - before >= _SEARCHES_A_SECOND * (now - since)
            before, since = count, now
        self._searches[state] = before, since, searched
        return searched

    def optimize(self, state: CollectionState, wait: bool, report: Callable[[int, int], None] | None) -> bool:
        """Absorbs and heals all of a collection and writes a checkpoint; raises what went wrong.

        `report` gets (done, total) rows while the call waits. False if it waited and close() came first.
        """
        request = self._requested(self._requests, lambda: self._bring_up_to_date(state))
        if not wait:
            return True
        total = rows_behind(state)
        while not request.done and not self._stopping:
            with self._lock:
                if not request.done:
                    self._progress.wait(0.05)
            if report is not None and not request.done:
                report(max(total - rows_behind(state), 0), total)  # the caller's code: it runs without a lock of ours
        if request.error is not None:
            raise request.error
        if report is not None and request.done:
            report(total, total)
        return request.done

    def between_steps(self, task: Callable[[], None]) -> bool:
        """Runs a short task beside which no index changes and no checkpoint is written; raises what it raised.

        False if close() came first. A caller that was interrupted leaves its task to be run later.
        """
        request = self._requested(self._short_requests, task)
        while not request.done and not self._stopping:
            with self._lock:
                if not request.done:
                    self._progress.wait(0.05)
        if request.error is not None:
            raise request.error
        return request.done

    def close(self) -> None:
        """Stops after the step under way."""
        self._stopping = True
        self._wake.set()
        with self._lock:
            self._progress.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                if self._requests:
                    self._carry_out(self._requests)
                    busy = True
                else:
                    busy = self._look_round()
            except Exception as error:
                _LOG.error(
                    "background work failed and is tried again: %s", error, exc_info=not isinstance(error, Error)
                )
                self._wake.wait(_RETRY_SECONDS)
                continue
            if not busy:
                self._upkeep.give_back_memory()
                self._wake.wait(_IDLE_SECONDS)

    def _requested(self, requests: deque[_Request], task: Callable[[], None]) -> _Request:
        request = _Request(task)
        with self._lock:
            requests.append(request)
        self._wake.set()
        return request

    def _carry_out(self, requests: deque[_Request]) -> None:
        """The first of the requests."""
        request = requests[0]
        try:
            request.task()
        except Exception as error:
            request.error = error
            if not isinstance(error, Error):
                raise
        finally:
            with self._lock:
                requests.popleft()
                request.done = True
                self._progress.notify_all()

    def _bring_up_to_date(self, state: CollectionState) -> None:
        """Everything for one collection, at once."""
        while self._upkeep.load(state) and not self._stopping:
            self._between_steps()
        while self._progressed(self._upkeep.absorb(state)) and not self._stopping:
            self._between_steps()
        self._upkeep.heal(state, at_once=True)
        self._upkeep.audit(state, at_once=True)
        self._upkeep.measure(state)
        checkpoint(self._catalog, self._commits, save_indexes=True)
        self._upkeep.give_back_memory(at_once=True)

    def _look_round(self) -> bool:
        """One step for each touched collection; True if there is more to do at once."""
        busy = False
        with self._lock:
            touched, self._touched = self._touched, set()
        while touched and not self._stopping and not self._requests and not self._short_requests:
            state = touched.pop()
            try:
                more = not state.dropped and self._progressed(self._upkeep.step(state, self._is_searched(state)))
            except BaseException:
                touched.add(state)
                with self._lock:
                    self._touched |= touched
                raise
            busy |= more
            if more or (not state.dropped and self._upkeep.is_waiting(state)):
                with self._lock:
                    self._touched.add(state)
        with self._lock:
            self._touched |= touched
        self._between_steps()
        return busy

    def _progressed(self, more: bool) -> bool:
        """Wakes those who wait for a shorter tail."""
        with self._lock:
            self._progress.notify_all()
        return more

    def _between_steps(self) -> None:
        while self._short_requests and not self._stopping:
            self._carry_out(self._short_requests)
        behind = self._commits.journal.bytes_since(self._catalog.checkpoint_sequence)
        if behind >= limits.CHECKPOINT_BYTES:
            checkpoint(self._catalog, self._commits, save_indexes=False)


_RUNNING: weakref.WeakSet[Maintenance] = weakref.WeakSet()


def _stop_all() -> None:
    # A thread that the ending interpreter finds in native code is ended there, which aborts the process.
    for each in list(_RUNNING):
        each.close()


atexit.register(_stop_all)
os.register_at_fork(after_in_child=_RUNNING.clear)


def pause_seconds(bytes_behind: int, searched: bool) -> float:
    """How long a writer rests, at most, with so many bytes of vectors not yet indexed; infinite where there is no room.

    Without searches half of the room is filled at full speed. Every search scans the tail, so beside searches it is to
    stay short: the longer it is the longer the pause, until rows come as fast as the index takes them in.
    """
    if bytes_behind >= limits.TAIL_BYTES:
        return math.inf
    pause = max(0.0, 0.05 * (2 * bytes_behind / limits.TAIL_BYTES - 1))
    if searched:
        pause = max(pause, min(_PAUSE_SECONDS * (bytes_behind / _TAIL_BYTES_SEARCHED - 1), _PAUSE_SECONDS_MAXIMUM))
    return pause


def tail_bytes(state: CollectionState) -> int:
    """Bytes of vectors that wait to be absorbed."""
    views = state.snapshot.views
    return sum(len(views[name].tail) * column.row_bytes for name, column in state.columns.items())


def rows_behind(state: CollectionState) -> int:
    """Vectors that wait to be absorbed."""
    return sum(len(view.tail) for view in state.snapshot.views.values())
