"""Deadline: the moment at which a call gives up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import inf
from threading import TIMEOUT_MAX, Lock, RLock
from typing import Final, TypeVar

from vecdb.errors import Timeout

T = TypeVar("T")


class Deadline:
    """`seconds` from now, or never; `at` is in time.monotonic()."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.at = inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Seconds for the native code that is called next, whose 0 means no limit. Timeout once it has passed."""
        if self.seconds is None:
            return 0.0
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def restart(self, seconds: float) -> None:
        """From now on it is `seconds` from now."""
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    def check(self) -> None:
        """Timeout once it has passed."""
        if time.monotonic() > self.at:
            raise self.passed()

    def each(self, items: Iterable[T]) -> Iterable[T]:
        """The items; Timeout before the first that it has passed for."""
        return items if self.seconds is None else self._checked(items)

    def holding(self, lock: Lock | RLock) -> AbstractContextManager[object]:
        """Holds the lock inside. Timeout if it cannot be had in time."""
        # The lock's own way in and out is not torn by an interrupt; a deadline is set in threads that have none.
        return lock if self.seconds is None else self._holding(lock)

    def passed(self) -> Timeout:
        """The error of a call that did not make it."""
        return Timeout(seconds=self.seconds or 0.0)

    @contextmanager
    def _holding(self, lock: Lock | RLock) -> Iterator[None]:
        if not lock.acquire(timeout=min(self.left(), TIMEOUT_MAX)):
            raise self.passed()
        try:
            yield
        finally:
            lock.release()

    def _checked(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            self.check()
            yield item


NEVER: Final = Deadline(None)
