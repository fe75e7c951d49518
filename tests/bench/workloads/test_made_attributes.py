"""Made attributes: how many rows each condition holds for, and which."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.workloads.exact_index import made_dataset, own_distances
from vecdb.bench.workloads.made_attributes import LABELS, make_attributes, nearest_queries, places

ROWS = 20_000
DATASET = made_dataset(ROWS, queries=12)
MADE = make_attributes(DATASET, anchor=4, seed=1)
PARTS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001, 0.0001)


@pytest.mark.parametrize("part", PARTS)
def test_ranges_hold_for_their_part_of_the_rows(part: float) -> None:
    for condition in (MADE.uniform(part), MADE.near(part), MADE.far(part)):
        assert condition.matches(MADE.columns, ROWS).sum() == max(1, round(part * ROWS))
    both = MADE.conjunction(part).matches(MADE.columns, ROWS).sum()
    assert abs(both - part * ROWS) < 5 * np.sqrt(part * ROWS) + 1


def test_labels_hold_for_their_part_of_the_rows() -> None:
    for part in PARTS:
        condition = MADE.equal(part)
        assert condition is not None
        assert condition.matches(MADE.columns, ROWS).sum() == pytest.approx(part * ROWS, rel=0.1), f"{part}"
    assert MADE.equal(0.3) is None
    assert sum(LABELS.values()) < 1


def test_near_and_far_are_about_the_vectors_and_the_others_are_not() -> None:
    distances = own_distances("euclidean", DATASET.test[4], DATASET.train)
    order = np.argsort(distances, kind="stable")
    near = MADE.near(0.01).matches(MADE.columns, ROWS)
    far = MADE.far(0.01).matches(MADE.columns, ROWS)
    assert set(np.flatnonzero(near)) == set(order[:200])
    assert set(np.flatnonzero(far)) == set(order[-200:])
    middle = np.median(distances)
    for condition in (MADE.uniform(0.2), MADE.conjunction(0.2), MADE.equal(0.2)):
        assert condition is not None
        nearer = (distances[condition.matches(MADE.columns, ROWS)] < middle).mean()
        assert nearer == pytest.approx(0.5, abs=0.05)


def test_a_seed_makes_the_same_again() -> None:
    again, other = make_attributes(DATASET, 4, 1), make_attributes(DATASET, 4, 2)
    for name, column in MADE.columns.items():
        assert (np.asarray(again.columns[name]) == np.asarray(column)).all()
    assert (np.asarray(other.columns["bench_uniform"]) != np.asarray(MADE.columns["bench_uniform"])).any()


def test_nearest_queries_begin_with_the_anchor() -> None:
    numbers = nearest_queries(DATASET, 4, 5)
    distances = own_distances("euclidean", DATASET.test[4], DATASET.test)
    assert numbers[0] == 4
    assert distances[numbers].tolist() == sorted(distances.tolist())[:5]


def test_places() -> None:
    assert places(np.array([3.0, 1.0, 2.0, 1.0])).tolist() == [3, 0, 2, 1]
