"""CallGate: lets calls in until it is shut, and shuts when the last of them has left."""

from __future__ import annotations

import threading
from typing import Final

from vecdb.errors import Closed

_EMPTY_SECONDS: Final = 0.01


class CallGate:
    """`with gate:` around every call; Closed(what) once it is shut. A thread is inside once at most; threads share it.

    An interrupt may come where a thread enters or leaves. It leaves no lock taken, and a thread that it kept inside is
    out after its next call, or when it shuts the gate itself.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        # The lock is taken by itself: Condition's own `with` runs Python, and an interrupt there would leave it taken.
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._inside: set[int] = set()
        self._shut = False

    @property
    def is_shut(self) -> bool:
        """Whether new calls are refused."""
        return self._shut

    def shut(self) -> bool:
        """Refuses new calls and waits for those inside; False if it was shut before."""
        with self._lock:
            if self._shut:
                return False
            self._shut = True
            self._inside.discard(threading.get_ident())
            while self._inside:
                self._left.wait()
            return True

    def wait_until_empty(self) -> None:
        """Waits for those inside; others may still come in."""
        self._inside.discard(threading.get_ident())
        with self._lock:
            while self._inside:
                self._left.wait(_EMPTY_SECONDS)

    def __enter__(self) -> None:
        with self._lock:
            if self._shut:
                raise Closed(what=self._what)
            self._inside.add(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._inside.discard(threading.get_ident())
        if self._shut:
            with self._lock:
                self._left.notify_all()
