"""Deadline: the moment at which a call gives up."""

from __future__ import annotations

import time
from math import inf

from vecdb.errors import Timeout


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

    def passed(self) -> Timeout:
        """The error of a call that did not make it."""
        return Timeout(seconds=self.seconds or 0.0)
