"""METRICS: what is computed of a result and the truth, by the names and definitions of ann-benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from vecdb.bench.datasets.dataset import Dataset, Floats
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.result import Result

KNN_EPSILON: Final = 1e-3
TIE_RELATIVE: Final = 1e-5  # float32 distances of one row, computed in two ways, differ by less
TIE_ABSOLUTE: Final = 1e-6
LEAST_TOTAL: Final = 0.01  # of true distances; a smaller sum has no meaningful ratio


@dataclass(frozen=True, slots=True)
class Metric:
    """A `function` of a result and its data set, its name on an axis, its worst value, and which way is better."""

    function: Callable[[Result, Dataset], float]
    description: str
    worst: float
    better: Literal["more", "less"]


def recall(result: Result, dataset: Dataset, epsilon: float = KNN_EPSILON) -> float:
    """The share of places with a row no farther than the count-th true distance plus epsilon, as ann-benchmarks."""
    return _share_within(result, _farthest(result, dataset) + epsilon)


def strict_recall(result: Result, dataset: Dataset) -> float:
    """The same without ann-benchmarks' tolerance, which is wide for unit vectors: only ties count beside the truth."""
    farthest = _farthest(result, dataset)
    return _share_within(result, farthest + np.abs(farthest) * TIE_RELATIVE + TIE_ABSOLUTE)


def epsilon_recall(result: Result, dataset: Dataset, epsilon: float = 0.01) -> float:
    """The share of places with a row within (1 + epsilon) times the count-th true distance."""
    farthest = _farthest(result, dataset)
    return _share_within(result, farthest + np.abs(farthest) * epsilon)


def relative_error(result: Result, dataset: Dataset) -> float:
    """The sum of the distances found by the sum of the true ones: 1 is exact; inf where a place is empty."""
    _farthest(result, dataset)
    true = dataset.distances[: len(result.distances), : result.count].sum(dtype=np.float64)
    found = result.distances[:, : result.count].sum(dtype=np.float64)
    return float(found / true) if abs(true) >= LEAST_TOTAL else float("inf")


def best_qps(result: Result, dataset: Dataset) -> float:  # noqa: ARG001
    """Queries a second of the best lap: ann-benchmarks' figure."""
    return 1.0 / result.best_search_time


def percentile_ms(result: Result, percent: float) -> float:
    """Milliseconds that `percent` of the best lap's queries stay within."""
    return float(np.percentile(result.best_lap.times, percent)) * 1000.0


def _percentile(percent: float) -> Metric:
    name = f"Percentile {percent:g} of a query's time (ms)"
    return Metric(lambda result, _: percentile_ms(result, percent), name, float("inf"), "less")


def _of_result(function: Callable[[Result], float], description: str, better: Literal["more", "less"]) -> Metric:
    worst = float("inf") if better == "less" else float("-inf")
    return Metric(lambda result, _: function(result), description, worst, better)


METRICS: Final[dict[str, Metric]] = {
    "k-nn": Metric(recall, "Recall", float("-inf"), "more"),
    "epsilon": Metric(epsilon_recall, "Epsilon 0.01 recall", float("-inf"), "more"),
    "largeepsilon": Metric(lambda r, d: epsilon_recall(r, d, 0.1), "Epsilon 0.1 recall", float("-inf"), "more"),
    "strict": Metric(strict_recall, "Recall without tolerance", float("-inf"), "more"),
    "rel": Metric(relative_error, "Relative error", float("inf"), "less"),
    "qps": Metric(best_qps, "Queries per second (1/s)", float("-inf"), "more"),
    "qps-median": _of_result(lambda r: r.qps_median, "Queries per second, median of laps (1/s)", "more"),
    "cpu": _of_result(lambda r: r.cpu_query_seconds * 1000, "CPU time a query, median of laps (ms)", "less"),
    "p50": _percentile(50.0),
    "p95": _percentile(95.0),
    "p99": _percentile(99.0),
    "p999": _percentile(99.9),
    "candidates": _of_result(lambda r: r.candidates, "Rows returned a query", "less"),
    "build": _of_result(lambda r: r.build_seconds, "Build time (s)", "less"),
    "buildcpu": _of_result(lambda r: r.build_cpu_seconds, "CPU time of the build (s)", "less"),
    "indexsize": _of_result(lambda r: r.index_bytes / 1024, "Index size (kB)", "less"),
    "memory": _of_result(lambda r: r.memory_after_build_bytes / 1024, "Resident memory after the build (kB)", "less"),
    "peak": _of_result(lambda r: r.memory_peak_bytes / 1024, "Peak of resident memory (kB)", "less"),
    "queriessize": _of_result(
        lambda r: r.index_bytes / 1024 * r.best_search_time, "Index size (kB) / queries per second (s)", "less"
    ),
}


def _share_within(result: Result, thresholds: Floats) -> float:
    within = result.distances[:, : result.count] <= thresholds[:, np.newaxis]
    return float(within.sum() / (len(thresholds) * result.count))


def _farthest(result: Result, dataset: Dataset) -> Floats:
    """The count-th true distance (m,) of the queries that were asked. Mistake if the data set does not know it."""
    places, queries = dataset.distances.shape[1], len(dataset.distances)
    if places < result.count or queries < len(result.distances):
        raise Mistake(
            f"{dataset.name} knows {places} neighbours of {queries} queries, "
            f"the result has {result.count} of {len(result.distances)}"
        )
    return dataset.distances[: len(result.distances), result.count - 1]
