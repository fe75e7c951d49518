"""Cost: wall time, CPU time and memory of work, over all threads of this process and the processes below it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from vecdb.bench.runs.process_tree import (
    cpu_seconds,
    descendants,
    give_back_memory,
    peak_bytes,
    reset_peak,
    resident_bytes,
)
from vecdb.bench.workloads.workload import Measurement

MIB: Final = 2**20


class Stopwatch:
    """A with block; `seconds` and `cpu_seconds` are what the blocks so far took together."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._others = _cpu_of_others()
        self._own = time.process_time()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._began
        # Before looking for others, which takes longer than some queries.
        self.cpu_seconds += time.process_time() - self._own
        self.cpu_seconds += max(0.0, _cpu_of_others() - self._others)


def _cpu_of_others() -> float:
    """CPU time so far of the processes below this one, ended ones too; a build may have started a server."""
    below = descendants(os.getpid())
    return cpu_seconds(below) - time.process_time()


def build_cost(build: Callable[[], object]) -> list[Measurement]:
    """Calls `build`; what it took, in the measurements of build_measurements()."""
    give_back_memory()
    before = resident_bytes()
    reset_peak()
    with Stopwatch() as watch:
        build()
    give_back_memory()
    after = resident_bytes()
    return build_measurements(watch.seconds, watch.cpu_seconds, max(0, after - before), after, peak_bytes())


def build_measurements(
    seconds: float, processor_seconds: float, index_bytes: int, after_bytes: int, most_bytes: int
) -> list[Measurement]:
    """The build that a lap asked, under the names that all workloads give it; bytes as in Built."""
    return [
        Measurement("build", seconds, "s", "less"),
        Measurement("build, CPU", processor_seconds, "s", "less"),
        Measurement("build, memory of the index", index_bytes / MIB, "MiB", "less"),
        Measurement("build, memory after it", after_bytes / MIB, "MiB", "less"),
        Measurement("build, memory peak", most_bytes / MIB, "MiB", "less"),
    ]
