"""Which row numbers a writer may use next: those freed first, then new ones."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import numpy.typing as npt

RowNumbers = npt.NDArray[np.uint32]


class FreeRows:
    """Row numbers from `next_row` on were never used; `free` ones below it may be used again."""

    def __init__(self, next_row: int, free: RowNumbers) -> None:
        self._lock = threading.Lock()
        self._free: deque[int] = deque(free.tolist())
        self._waiting: list[RowNumbers] = []
        self.next_row = next_row

    def assign(self, count: int) -> RowNumbers:
        """`count` rows for a new write."""
        with self._lock:
            again = [self._free.popleft() for _ in range(min(count, len(self._free)))]
            fresh = count - len(again)
            rows = np.arange(self.next_row, self.next_row + fresh, dtype=np.uint32)
            self.next_row += fresh
            return np.concatenate([np.array(again, np.uint32), rows]) if again else rows

    def give_back(self, rows: RowNumbers) -> None:
        """Assigned for a write that did not happen."""
        with self._lock:
            self._free.extend(rows.tolist())

    def offer(self, rows: RowNumbers) -> None:
        """These left every index in memory; they are free once no index file holds them either."""
        with self._lock:
            self._waiting.append(rows)

    def waiting(self) -> tuple[int, int]:
        """Batches and rows that wait for release()."""
        with self._lock:
            return len(self._waiting), sum(map(len, self._waiting))

    def about_to_be_free(self, batches: int) -> RowNumbers:
        """The rows that release(batches) would free, ascending: nobody uses them, and nobody else can be given them."""
        with self._lock:
            waiting = self._waiting[:batches]
        return np.sort(np.concatenate(waiting)) if waiting else np.empty(0, np.uint32)

    def free(self) -> int:
        """Rows below next_row that may be used now."""
        return len(self._free)

    def release(self, batches: int) -> None:
        """The first `batches` of the waiting rows are free."""
        with self._lock:
            for rows in self._waiting[:batches]:
                self._free.extend(rows.tolist())
            del self._waiting[:batches]
