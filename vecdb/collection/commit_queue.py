"""From a journalled change to an acknowledged one: durable first, then applied in the journal's order."""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

from vecdb.collection.records import KINDS, Change
from vecdb.storage.journal import Journal
from vecdb.storage.memory_journal import MemoryJournal


class Applies(Protocol):
    """What carries out a change; repeating it must be harmless."""

    def apply(self, change: Change, sequence: int) -> None:
        """Carries it out and shows it to readers."""


class CommitQueue:
    """One for all collections of a database. `apply_lock` is held while anything is applied or published.

    `waits`: a commit is on disk when it returns; else it is only with the operating system.
    """

    def __init__(self, journal: Journal | MemoryJournal, target: Applies, *, waits: bool) -> None:
        self.journal = journal
        self.waits = waits
        self.apply_lock = threading.RLock()
        self.applied_sequence = self._appended = journal.last_sequence
        self._target = target
        self._appending = threading.Lock()
        self._pending: deque[tuple[int, Change]] = deque()

    def append(self, change: Change) -> int:
        """Writes the change to the journal; its sequence. commit() makes it true. StorageFull: nothing happened."""
        parts = change.parts()
        with self._appending:
            sequence = self.journal.append(KINDS[type(change)], parts)
            self._pending.append((sequence, change))
            self._appended = sequence
            return sequence

    def commit(self, sequence: int) -> None:
        """Returns when everything up to `sequence` is durable and visible; many threads share one sync.

        StorageFailed, StorageFull: not acknowledged. What is durable stays queued, to be applied before later changes.
        """
        self.journal.wait_durable(sequence)
        with self.apply_lock:
            limit = max(sequence, self.journal.durable_sequence)
            while self._pending and self._pending[0][0] <= limit:
                at, change = self._pending[0]
                self._target.apply(change, at)
                self.applied_sequence = at
                self._pending.popleft()

    def settle(self) -> None:
        """Commits all that was appended so far."""
        self.commit(self._appended)
