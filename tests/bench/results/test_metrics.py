"""The metrics, against loops written from their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.bench.results.made_result import made_dataset, made_result
from vecdb.bench.datasets.dataset import Metric
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.metrics import METRICS, epsilon_recall, recall, relative_error, strict_recall
from vecdb.bench.results.result import Lap

ANGLES: list[Metric] = ["euclidean", "angular", "dot"]


def share(dataset: Any, result: Any, threshold: Any) -> float:
    hits = places = 0
    for true, found in zip(dataset.distances, result.distances, strict=False):
        for place in range(result.count):
            places += 1
            hits += bool(found[place] <= threshold(true[result.count - 1]))
    return hits / places


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("metric", ANGLES)
def test_recalls_count_places_within_a_distance(metric: Metric, seed: int) -> None:
    dataset = made_dataset(metric, seed=seed)
    result = made_result(dataset, seed=seed + 10, queries=25)
    place = f"seed {seed}"
    assert recall(result, dataset) == pytest.approx(share(dataset, result, lambda d: d + np.float32(1e-3))), place
    for epsilon in (0.01, 0.1):
        expected = share(dataset, result, lambda d, e=epsilon: d + abs(d) * np.float32(e))
        assert epsilon_recall(result, dataset, epsilon) == pytest.approx(expected), place
    assert METRICS["largeepsilon"].function(result, dataset) == epsilon_recall(result, dataset, 0.1)
    pairs = zip(dataset.neighbors, result.neighbors, strict=False)
    by_id = np.mean([len(set(found) & set(true[:10])) / 10 for true, found in pairs])
    assert strict_recall(result, dataset) == pytest.approx(by_id), place
    assert strict_recall(result, dataset) <= recall(result, dataset)


def test_a_tolerance_of_a_thousandth_forgives_what_strict_does_not() -> None:
    dataset = made_dataset()
    found = dataset.distances[:, :10].copy()
    found[:, 9] += 5e-4
    result = made_result(dataset, distances=found)
    assert recall(result, dataset) == 1.0
    assert strict_recall(result, dataset) == 0.9


def test_the_error_is_relative_to_the_true_distances() -> None:
    dataset = made_dataset()
    exact = made_result(dataset, distances=dataset.distances[:, :10])
    assert relative_error(exact, dataset) == 1.0
    farther = made_result(dataset, distances=dataset.distances[:, :10] * np.float32(1.25))
    assert relative_error(farther, dataset) == pytest.approx(1.25)
    assert math.isinf(relative_error(made_result(dataset, distances=np.full((30, 10), np.inf)), dataset))


def test_speeds_and_sizes() -> None:
    dataset = made_dataset()
    laps = tuple(Lap(seconds, 2 * seconds, np.linspace(0, 2 * seconds / 101, 101)) for seconds in (1.0, 0.5, 2.0))
    result = made_result(dataset, laps=laps)
    values = {name: metric.function(result, dataset) for name, metric in METRICS.items()}
    assert values["qps"] == pytest.approx(202)
    assert values["qps-median"] == pytest.approx(101)
    assert values["cpu"] == pytest.approx(2000 / 101)
    assert values["p50"] == pytest.approx(500 / 101)
    assert values["p99"] == pytest.approx(0.99 * 1000 / 101)
    assert values["p50"] < values["p95"] < values["p99"] < values["p999"]
    assert (values["build"], values["buildcpu"], values["indexsize"]) == (1.5, 2.5, 3072)
    assert (values["memory"], values["peak"]) == (50 * 1024, 60 * 1024)
    assert values["queriessize"] == pytest.approx(3072 / 202)


def test_the_names_are_those_of_ann_benchmarks() -> None:
    theirs = {"k-nn", "epsilon", "largeepsilon", "rel", "qps", "p50", "p95", "p99", "p999", "build", "candidates"}
    assert theirs | {"indexsize", "queriessize"} <= METRICS.keys()
    for name, metric in METRICS.items():
        assert metric.worst == (math.inf if metric.better == "less" else -math.inf), name


def test_a_data_set_that_knows_too_little_is_refused() -> None:
    small, large = made_dataset(queries=10), made_dataset(queries=30)
    with pytest.raises(Mistake, match="20 neighbours of 10 queries"):
        recall(made_result(large), small)
    with pytest.raises(Mistake, match="30 of 30"):
        recall(made_result(large, count=30), large)
