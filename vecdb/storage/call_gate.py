"""CallGate: lets calls in until it is shut, and shuts when the last of them has left."""

from __future__ import annotations

import threading

from vecdb.errors import Closed


class CallGate:
    """`with gate:` around every call; Closed(what) once it is shut. Calls do not exclude each other."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._condition = threading.Condition(threading.Lock())
        self._inside = 0
        self._shut = False

    def shut(self) -> bool:
        """Refuses new calls and waits for those inside; False if it was shut before."""
        with self._condition:
            if self._shut:
                return False
            self._shut = True
            while self._inside:
                self._condition.wait()
            return True

    def __enter__(self) -> None:
        with self._condition:
            if self._shut:
                raise Closed(what=self._what)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._inside -= 1
            if self._shut and not self._inside:
                self._condition.notify_all()
