"""Results with their metrics: what every plot and table is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.results.result import Lap, Result

# Not medians of the laps, as everything else is: ann-benchmarks has them so.
OF_THE_BEST_LAP: Final = ("qps", "p50", "p95", "p99", "p999", "queriessize")


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One setting of one algorithm, measured: its result, every metric of METRICS by name, the data set's queries."""

    result: Result
    values: Mapping[str, float]
    queries: int

    @property
    def label(self) -> str:
        """The algorithm's name, with "-batch" where batches were measured."""
        return f"{self.result.algorithm}-batch" if self.result.batch else self.result.algorithm

    @property
    def partial(self) -> bool:
        """Whether only a part of the data set's queries was asked."""
        return len(self.result.neighbors) < self.queries

    @property
    def laps_by_session(self) -> dict[str, list[Lap]]:
        """The laps of each session, in the order they were taken; a lap that names none is of the result's."""
        sessions: dict[str, list[Lap]] = {}
        for lap in self.result.laps:
            sessions.setdefault(lap.session or self.result.session, []).append(lap)
        return sessions


def measured(results: Iterable[Result], dataset: Dataset) -> list[Point]:
    """The results, all of this data set, with all metrics."""
    return [
        Point(
            result,
            {name: float(metric.function(result, dataset)) for name, metric in METRICS.items()},
            len(dataset.test),
        )
        for result in results
    ]


def metric_heading(name: str) -> str:
    """A metric's name over a column of figures: those that are the best lap's say so."""
    return f"{name}, best lap" if name in OF_THE_BEST_LAP else name


def metric_description(name: str) -> str:
    """What a metric is, for an axis or a note: those that are the best lap's say so."""
    words = METRICS[name].description
    return f"{words}, best lap" if name in OF_THE_BEST_LAP and "best lap" not in words else words


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
