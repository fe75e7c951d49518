"""Metrics: how many calls ended how, how long they took, and how many bytes they carried."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vecdb.server.status_code import STATUS_CODES, UNKNOWN

# Upper ends of the buckets in seconds; one more counts what is longer.
BOUNDS_SECONDS: Final = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
OTHER: Final = "other"  # methods that the server does not have: what was asked for is no label


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeries:
    """The calls of one method that ended with one status code; `buckets` has one number more than BOUNDS_SECONDS."""

    method: str
    code: int
    buckets: tuple[int, ...]
    seconds: float
    bytes_in: int
    bytes_out: int


class Metrics:
    """Counts calls of `methods`; others count together. Recording one costs about a microsecond."""

    def __init__(self, methods: Iterable[str]) -> None:
        self._methods = {method: _Counts() for method in [*methods, OTHER]}
        self._other = self._methods[OTHER]

    def record(self, method: str, code: int, seconds: float, bytes_in: int, bytes_out: int) -> None:
        """Counts a call that has ended; `code` is gRPC's number, any other is UNKNOWN."""
        counts = self._methods.get(method, self._other)
        bucket = bisect_left(BOUNDS_SECONDS, seconds)
        if not 0 <= code < len(STATUS_CODES):
            code = UNKNOWN
        with counts.lock:
            tally = counts.codes[code]
            if tally is None:
                tally = counts.codes[code] = _Tally()
            tally.buckets[bucket] += 1
            tally.seconds += seconds
            tally.bytes_in += bytes_in
            tally.bytes_out += bytes_out

    def series(self) -> list[CallSeries]:
        """What was counted so far, where anything was; each series is consistent in itself."""
        return [one for method, counts in self._methods.items() for one in counts.series(method)]


class _Tally:
    """One series that grows."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_SECONDS) + 1)
        self.seconds = 0.0
        self.bytes_in = 0
        self.bytes_out = 0


class _Counts:
    """The series of one method, by status code; made when the first call ends so."""

    __slots__ = ("codes", "lock")

    def __init__(self) -> None:
        self.codes: list[_Tally | None] = [None] * len(STATUS_CODES)
        # Uncontended it costs a tenth of a microsecond, and without it counts depend on where the GIL may change hands.
        self.lock = threading.Lock()

    def series(self, method: str) -> list[CallSeries]:
        with self.lock:
            return [
                CallSeries(
                    method=method,
                    code=code,
                    buckets=tuple(tally.buckets),
                    seconds=tally.seconds,
                    bytes_in=tally.bytes_in,
                    bytes_out=tally.bytes_out,
                )
                for code, tally in enumerate(self.codes)
                if tally is not None
            ]
