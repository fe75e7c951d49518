"""From a journalled change to an acknowledged one: durable first, then applied in the journal's order."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Protocol

from vecdb.collection.records import KINDS, Change
from vecdb.errors import Closed
from vecdb.storage.journal import Journal
from vecdb.storage.memory_journal import MemoryJournal

# Without waiting for the journal, the store is flushed before its own buffer (WRITE_BUFFER_BYTES of RocksKeyValue) is
# full: a flush by itself would make durable what the journal's files do not have yet.
_UNSYNCED_BYTES: Final = 64 << 20


class Applies(Protocol):
    """What carries out a change; repeating it must be harmless."""

    def apply(self, change: Change, sequence: int) -> None:
        """Carries it out and shows it to readers."""

    def flush(self) -> None:
        """Makes what was carried out durable, as far as it is not in files of its own."""


class CommitQueue:
    """One for all collections of a database. `apply_lock` is held while anything is applied or published.

    `waits`: a commit is on disk when it returns; else it is only with the operating system.
    """

    def __init__(self, journal: Journal | MemoryJournal, target: Applies, *, waits: bool) -> None:
        self.journal = journal
        self.waits = waits
        self.apply_lock = threading.RLock()
        self.applied_sequence = journal.last_sequence
        self._target = target
        self._appending = threading.Lock()
        self._pending: deque[tuple[int, int, Change]] = deque()  # sequence, bytes, change
        self._unsynced_bytes = 0
        self._stuck = False  # the first pending change is durable, and applying it failed
        self._closed: str | None = None

    def append(self, change: Change) -> int:
        """Writes the change to the journal; its sequence. commit() makes it true. StorageFull: nothing happened."""
        if self._stuck:
            self.settle()  # while a durable change cannot be applied nothing more is promised
        parts = change.parts()
        size = sum(map(len, parts))
        with self._appending:
            self._check_open()
            # Queued before it is written: an interrupt between the two must not leave a record that is never applied.
            waiting = (self.journal.last_sequence + 1, size, change)
            try:
                self._pending.append(waiting)
                sequence = self.journal.append(KINDS[type(change)], parts)
            except BaseException:
                if self.journal.last_sequence < waiting[0] and self._pending and self._pending[-1] is waiting:
                    self._pending.pop()
                raise
            assert sequence == waiting[0], "only the queue appends"
            return sequence

    def commit(self, sequence: int) -> None:
        """Returns when everything up to `sequence` is durable and visible; many threads share one sync.

        StorageFailed, StorageFull: not acknowledged. What is durable stays queued, to be applied before later changes.
        """
        self.journal.wait_durable(sequence)
        with self.apply_lock:
            if self.applied_sequence < sequence:
                self._check_open()
            limit = max(sequence, self.journal.durable_sequence)
            while self._pending and self._pending[0][0] <= limit:
                at, size, change = self._pending[0]
                full = not self.waits and self._unsynced_bytes + size > _UNSYNCED_BYTES
                if full:
                    self.journal.sync()
                try:
                    self._target.apply(change, at)
                except BaseException:
                    self._stuck = True
                    raise
                self._stuck = False
                self.applied_sequence = at
                self._pending.popleft()
                self._unsynced_bytes += size
                if full:
                    self._target.flush()
                    self._unsynced_bytes = 0

    def settle(self) -> None:
        """Commits all that was appended so far."""
        self.commit(self.journal.last_sequence)

    def close(self, what: str) -> None:
        """Commits what was appended; every later change is Closed, and nothing is being applied any more."""
        with self._appending, self.apply_lock:
            try:
                self.settle()
            finally:
                self._closed = what

    def _check_open(self) -> None:
        if self._closed is not None:
            raise Closed(what=self._closed)
