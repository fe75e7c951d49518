"""Wake: what one thread sleeps on and any thread ends the sleep of."""

from __future__ import annotations

import contextlib
import threading


class Wake:
    """A threading.Event for one sleeper that an interrupt, wherever it comes, cannot leave locked."""

    def __init__(self) -> None:
        # Free while set. Event runs Python while it has its lock, and an interrupt there would leave it taken.
        self._unset = threading.Lock()
        self._unset.acquire()

    def set(self) -> None:
        """Ends the sleep, or the next one at once."""
        with contextlib.suppress(RuntimeError):  # it was set already
            self._unset.release()

    def clear(self) -> None:
        """Forgets that it was set."""
        self._unset.acquire(blocking=False)

    def wait(self, seconds: float) -> bool:
        """Sleeps until it is set, or so long; whether it was set. It is clear afterwards."""
        return self._unset.acquire(timeout=seconds)
