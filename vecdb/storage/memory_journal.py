"""The journal of a database without files: sequences, and nothing to redo."""

from __future__ import annotations

import threading
from collections.abc import Sequence


class MemoryJournal:
    """Numbers the writes of a ":memory:" database; the calls are those of Journal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    @property
    def last_sequence(self) -> int:
        """Sequence of the last write; they begin with 1."""
        return self._last

    @property
    def durable_sequence(self) -> int:
        """The last: memory is all there is."""
        return self._last

    def append(self, kind: int, parts: Sequence[object]) -> int:  # noqa: ARG002
        """The next sequence."""
        with self._lock:
            self._last += 1
            return self._last

    def wait_durable(self, sequence: int) -> None:
        """Nothing to wait for."""

    def sync(self) -> None:
        """Nothing to sync."""

    def rotate(self) -> None:
        """Nothing to begin."""

    def drop_before(self, sequence: int) -> None:
        """Nothing to drop."""

    def bytes_since(self, sequence: int) -> int:  # noqa: ARG002
        """No bytes."""
        return 0

    def close(self) -> None:
        """Nothing to close."""
