"""The commands that measure again what was measured."""

from __future__ import annotations

import shlex
from collections.abc import Sequence, Set

from vecdb.bench.pages.measured_set import MeasuredSet
from vecdb.bench.pages.points import Point
from vecdb.bench.workloads.readings_file import Readings


def rerun_commands(found: MeasuredSet) -> list[str]:
    """One command line for single queries, one for batches, and one for each workload."""
    commands = [_of_points(found, points) for points in (found.single, found.batch) if points]
    return [*commands, *(_of_readings(found, readings) for readings in found.readings.values())]


def _of_points(found: MeasuredSet, points: Sequence[Point]) -> str:
    results = [point.result for point in points]
    words = _common(found, {each.algorithm for each in results}, {each.threads for each in results})
    words += ["--runs", str(max(len(each.laps) for each in results))]
    asked = max(len(each.neighbors) for each in results)
    if asked < found.queries:
        words += ["--queries", str(asked)]
    return shlex.join([*words, "--batch"] if results[0].batch else words)


def _of_readings(found: MeasuredSet, readings: Sequence[Readings]) -> str:
    words = _common(found, {each.algorithm for each in readings}, {each.threads for each in readings})
    words += ["--runs", str(max(len(each.laps) for each in readings)), "--workload", readings[0].workload]
    for name, value in readings[0].options.items():
        words += ["--option", f"{name}={value}"]
    return shlex.join(words)


def _common(found: MeasuredSet, algorithms: Set[str], threads: Set[int]) -> list[str]:
    words = ["vecdb-bench", "run", "--dataset", found.dataset, "--count", str(found.count)]
    words += ["--threads", str(max(threads)), "--algorithm", ",".join(sorted(algorithms))]
    return words
