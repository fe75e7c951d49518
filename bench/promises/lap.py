"""Timing: laps of ours and of the peers, taken in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vecdb.bench.promises.reading import Reading

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Lap:
    """Wall time and CPU time of all threads, in seconds, of one repetition."""

    wall_seconds: float
    cpu_seconds: float


class Stopwatch:
    """Runs from its creation on."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def lap(self) -> Lap:
        """Up to now, from the start."""
        return Lap(time.perf_counter() - self._wall, time.process_time() - self._cpu)


def time_lap(work: Callable[[], object]) -> Lap:
    """One call of `work`."""
    stopwatch = Stopwatch()
    work()
    return stopwatch.lap()


def alternate(contestants: Sequence[Callable[[], Value]], repetitions: int) -> list[list[Value]]:
    """The laps of each contestant; every repetition runs all of them, and every second one in reverse order."""
    laps: list[list[Value]] = [[] for _ in contestants]
    for repetition in range(repetitions):
        turns = list(enumerate(contestants))
        for number, contestant in reversed(turns) if repetition % 2 else turns:
            laps[number].append(contestant())
    return laps


def rate_reading(laps: Sequence[Lap], count: int, unit: str) -> Reading:
    """`count` things a lap, as things a second."""
    return Reading(tuple(count / lap.wall_seconds for lap in laps), unit, tuple(lap.cpu_seconds for lap in laps))


def time_reading(laps: Sequence[Lap]) -> Reading:
    """The laps in seconds."""
    return Reading(tuple(lap.wall_seconds for lap in laps), "s", tuple(lap.cpu_seconds for lap in laps))
