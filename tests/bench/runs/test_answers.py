"""Answers of libraries are checked, and get distances of our own."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.results.made_result import distances, made_dataset
from vecdb.bench.datasets.dataset import Metric
from vecdb.bench.runs import answers
from vecdb.bench.runs.answers import WrongAnswer, checked_answers

METRICS: list[Metric] = ["euclidean", "angular", "dot"]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint64])
def test_distances_are_computed_from_the_rows(
    metric: Metric, kind: type[np.integer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "BLOCK_BYTES", 7 * 5 * 8 * 4)
    dataset = made_dataset(metric)
    found = np.random.default_rng(3).permuted(np.tile(np.arange(200), (23, 1)), axis=1)[:, :5].astype(kind)
    neighbors, own = checked_answers(dataset, found, 5)
    np.testing.assert_array_equal(neighbors, found)
    for query, row, got in zip(dataset.test, found, own, strict=False):
        np.testing.assert_allclose(got, distances(metric, query, dataset.train[row.astype(int)]), rtol=1e-5, atol=1e-6)


def test_missing_places_are_far_and_rows_count_once() -> None:
    found = np.array([[3, 7, 3, -1, -1], [-5, 2, 2, 2, 9]])
    neighbors, own = checked_answers(made_dataset(), found, 6)
    assert neighbors.tolist() == [[3, 7, -1, -1, -1, -1], [-1, 2, -1, -1, 9, -1]]
    np.testing.assert_array_equal(np.isinf(own), neighbors < 0)


@pytest.mark.parametrize(
    "found",
    [
        np.array([[200]]),
        np.array([[1.0]]),
        np.array([1, 2]),
        np.zeros((31, 2), int),
        np.zeros((2, 6), int),
    ],
)
def test_impossible_answers_are_refused(found: np.ndarray) -> None:
    with pytest.raises(WrongAnswer, match="expected"):
        checked_answers(made_dataset(), found, 5)


def test_no_answer_at_all() -> None:
    neighbors, own = checked_answers(made_dataset(), np.zeros((2, 0), int), 3)
    assert (neighbors == -1).all()
    assert np.isinf(own).all()
