"""EngineGauges: the database's own numbers for the metrics page, asked for rarely, since it opens every collection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vecdb.errors import Error
from vecdb.types import DatabaseStats


class EngineGauges:
    """What `stats` (Database.stats) said last, at most `every_seconds` old when it is asked for again."""

    def __init__(self, stats: Callable[[], DatabaseStats], every_seconds: float = 5.0) -> None:
        self._stats = stats
        self._every_seconds = every_seconds
        self._asking = threading.Lock()
        self._last: DatabaseStats | None = None
        self._ask_next = 0.0

    def read(self) -> DatabaseStats | None:
        """The numbers; None if the database could not tell (closed, damaged) or has not yet."""
        # While one asks, the others take what was said last: a page never waits behind another.
        if time.monotonic() >= self._ask_next and self._asking.acquire(blocking=False):
            try:
                self._last = self._stats()
            except Error:
                self._last = None
            finally:
                self._ask_next = time.monotonic() + self._every_seconds
                self._asking.release()
        return self._last
