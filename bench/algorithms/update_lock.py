"""UpdateLock: for libraries that must not be searched while they are changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

GRACE_SECONDS: Final = 0.1  # longer than any search that is measured


class UpdateLock:
    """Searches run freely until the first update; from then on one caller at a time is in the library.

    A search takes `lock` if there is one. An index that is never updated pays nothing for it.
    """

    def __init__(self) -> None:
        self.lock: Lock | None = None

    @contextmanager
    def updating(self) -> Iterator[None]:
        """While inside, nobody searches. The first one waits for searches that began when there was no lock."""
        if self.lock is None:
            self.lock = Lock()
            time.sleep(GRACE_SECONDS)
        with self.lock:
            yield
