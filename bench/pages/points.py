"""Results with their metrics: what every plot and table is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.results.result import Result


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One setting of one algorithm, measured: its result, and every metric of METRICS by name."""

    result: Result
    values: Mapping[str, float]

    @property
    def label(self) -> str:
        """The algorithm's name, with "-batch" where batches were measured."""
        return f"{self.result.algorithm}-batch" if self.result.batch else self.result.algorithm


def measured(results: Iterable[Result], dataset: Dataset) -> list[Point]:
    """The results, all of this data set, with all metrics."""
    return [
        Point(result, {name: float(metric.function(result, dataset)) for name, metric in METRICS.items()})
        for result in results
    ]


def of_algorithms(points: Sequence[Point], named: Sequence[str] | None) -> list[Point]:
    """The points of some algorithms, each of `named` one name or several with commas; all for None. Mistake."""
    if named is None:
        return list(points)
    names = {name for each in named for name in each.split(",") if name}
    known = {name for point in points for name in (point.label, point.result.algorithm)}
    if names - known:
        raise Mistake(f"no results of {', '.join(sorted(names - known))}; there are some of {', '.join(sorted(known))}")
    return [point for point in points if names & {point.label, point.result.algorithm}]


def by_build(points: Iterable[Point]) -> dict[str, list[Point]]:
    """The points of each index that was built, by a label: the algorithm, and the arguments if it has several."""
    builds: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        builds.setdefault((point.label, arguments_text(point.result.arguments)), []).append(point)
    algorithms = [algorithm for algorithm, _ in builds]
    return {
        algorithm if algorithms.count(algorithm) == 1 else f"{algorithm} {arguments}".rstrip(): found
        for (algorithm, arguments), found in builds.items()
    }


def arguments_text(arguments: Sequence[Any]) -> str:
    """Arguments as a reader takes them: `euclidean, m=16, ef_construction=200`."""
    return ", ".join(_argument_text(each) for each in arguments)


def _argument_text(argument: Any) -> str:
    if isinstance(argument, Mapping):
        return ", ".join(f"{name}={_argument_text(value)}" for name, value in argument.items())
    return argument if isinstance(argument, str) else json.dumps(argument)
