"""ShortCalls: which calls gRPC's own thread answers itself, because to wake another thread for them takes longer.

That thread takes in every call, so it must never be away for long. It answers a call only if the call can be seen to be
short, none that it answered was long a moment ago, and such calls leave it idle for a quarter of the time: where more
come, the lane has them, and the gate sees how many there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LONG_SECONDS: Final = 0.005
CALLS_AFTER_A_LONG_ONE: Final = 64  # that go to the lane
BUSY_SHARE: Final = 0.75
_SMOOTHING: Final = 0.1
_GAP_SECONDS_MAXIMUM: Final = 0.01  # a longer one counts as this: a pause says little of what comes after it


class ShortCalls:
    """Decides for one method; gRPC's thread alone uses it. `is_short` tells by the bytes of a request."""

    def __init__(self, is_short: Callable[[bytes], bool], clock: Callable[[], float] = time.perf_counter) -> None:
        self._is_short = is_short
        self._clock = clock
        self._last = clock()
        self._gap_seconds = _GAP_SECONDS_MAXIMUM  # between two calls, the newest weighing most
        self._busy_seconds = 0.0  # for which a call kept the thread, likewise
        self._to_the_lane = 0

    def came(self) -> None:
        """A request is there, whoever answers it."""
        now = self._clock()
        self._gap_seconds += (min(now - self._last, _GAP_SECONDS_MAXIMUM) - self._gap_seconds) * _SMOOTHING
        self._last = now

    def take(self, request: bytes) -> bool:
        """Whether to answer this one, while no other is under way; answered() follows."""
        if self._to_the_lane > 0:
            self._to_the_lane -= 1
            return False
        return self._busy_seconds <= BUSY_SHARE * self._gap_seconds and self._is_short(request)

    def answered(self) -> None:
        """The call that came last was."""
        seconds = self._clock() - self._last
        self._busy_seconds += (seconds - self._busy_seconds) * _SMOOTHING
        if seconds > LONG_SECONDS:
            self._to_the_lane = CALLS_AFTER_A_LONG_ONE
