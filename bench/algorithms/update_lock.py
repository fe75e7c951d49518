"""UpdateLock: for libraries that must not be searched while they are changed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

GRACE_SECONDS: Final = 0.1  # longer than any search that is measured


class FairLock:
    """A lock that threads are given in the order in which they asked: nobody waits for more than those before him.

    threading.Lock goes to whoever asks at the right moment: a thread that searches without a pause takes it again
    before one that waits to write has woken, for seconds on end.
    """

    def __init__(self) -> None:
        self._mutex = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()  # each locked, until it is that thread's turn

    def __enter__(self) -> None:
        with self._mutex:
            if not self._held:
                self._held = True
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *exception: object) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()  # handed over: it stays held
            else:
                self._held = False


class UpdateLock:
    """Searches run freely until the first update; from then on one caller at a time is in the library, each in turn.

    A search takes `lock` if there is one. An index that is never updated pays nothing for it.
    """

    def __init__(self) -> None:
        self.lock: FairLock | None = None

    @contextmanager
    def updating(self) -> Iterator[None]:
        """While inside, nobody searches. The first one waits for searches that began when there was no lock."""
        if self.lock is None:
            self.lock = FairLock()
            time.sleep(GRACE_SECONDS)
        with self.lock:
            yield
