"""Recall among some of the rows, against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.workloads.exact_index import made_dataset, own_distances
from vecdb.bench.datasets.dataset import METRICS, Metric
from vecdb.bench.workloads.recall import farthest_of_all, farthest_true, first_places, recalls


@pytest.mark.parametrize("metric", METRICS)
def test_recall_is_what_a_count_finds(metric: Metric) -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        dataset = made_dataset(60, metric=metric, queries=5, seed=seed)
        row_of = np.where(random.random(60) < 0.3, np.arange(60), -1)
        live = np.flatnonzero(row_of >= 0)
        found = random.integers(-1, 60, (5, 8))
        farthest = farthest_true(metric, dataset.train[live], dataset.test, 8)
        counted = []
        for query, ids in zip(dataset.test, found, strict=True):
            distances = own_distances(metric, query, dataset.train[live])
            best = set(live[np.argsort(distances, kind="stable")[:8]].tolist())
            counted.append(len(best & set(ids.tolist())) / min(8, len(live)))
        measured = recalls(metric, dataset.train, dataset.test, found, farthest, row_of)
        assert measured.tolist() == pytest.approx(counted), f"seed {seed}"


def test_a_row_counts_once_and_only_where_it_may_be_found() -> None:
    train = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    query = np.array([[0.0]], np.float32)
    row_of = np.array([0, 1, -1, 3, 2])  # id 4 has the row of 2.0, id 2 has none
    farthest = farthest_true("euclidean", train, query, 3)
    assert farthest.tolist() == [2.0]

    def recall(*found: int) -> float:
        return float(recalls("euclidean", train, query, np.array([found]), farthest, row_of)[0])

    assert recall(0, 1, 4) == 1.0
    assert recall(0, 0, 0) == pytest.approx(1 / 3)
    assert recall(0, 1, 2) == pytest.approx(2 / 3)
    assert recall(0, 1, 3) == pytest.approx(2 / 3)
    assert recall(0, 1, -1) == pytest.approx(2 / 3)
    assert recall(0, 1, 99) == pytest.approx(2 / 3)


def test_nothing_to_find_is_all_found() -> None:
    train, queries = np.zeros((3, 2), np.float32), np.ones((2, 2), np.float32)
    none = farthest_true("euclidean", train[:0], queries, 5)
    assert recalls("euclidean", train, queries, np.full((2, 5), -1), none, np.full(3, -1)).tolist() == [1.0, 1.0]


def test_more_places_than_the_file_has_are_computed() -> None:
    dataset = made_dataset(50, queries=4)
    expected = [np.sort(own_distances("euclidean", query, dataset.train))[[9, 29]] for query in dataset.test]
    asked = np.arange(4)
    assert np.allclose(farthest_of_all(dataset, asked, 10), [pair[0] for pair in expected], atol=1e-5)
    assert np.allclose(farthest_of_all(dataset, asked, 30), [pair[1] for pair in expected], atol=1e-5)


def test_first_places() -> None:
    places = first_places(np.array([[3, 1, 3, 1, 2], [-1, -1, 0, 0, 0]]))
    assert places.tolist() == [[True, True, False, False, True], [True, False, True, False, False]]
