"""Interpolation on curves whose shape is known."""

from __future__ import annotations

import math

import pytest

from vecdb.bench.promises.sweep import rate_at_recall


def test_a_straight_line_of_the_logarithms_is_read_exactly() -> None:
    """rate = 1000 * (1 - recall) ** 0.5, sampled elsewhere than it is asked for."""
    recalls = [0.8, 0.9, 0.97, 0.995]
    rates = [1000 * math.sqrt(1 - recall) for recall in recalls]
    for recall in (0.85, 0.95, 0.99):
        assert rate_at_recall(recalls, rates, recall) == pytest.approx(1000 * math.sqrt(1 - recall))


def test_halfway_between_two_points_is_the_geometric_mean() -> None:
    assert rate_at_recall([0.9, 0.999], [400.0, 100.0], 0.99) == pytest.approx(200.0)


def test_a_point_at_the_recall_is_taken_as_it_is() -> None:
    assert rate_at_recall([0.9, 0.95, 0.99], [9.0, 8.0, 7.0], 0.95) == 8.0


def test_no_curve_is_extended() -> None:
    assert rate_at_recall([0.97, 0.99], [500.0, 100.0], 0.95) == 500.0
    assert rate_at_recall([0.8, 0.9], [500.0, 100.0], 0.95) is None
    assert rate_at_recall([], [], 0.95) is None


def test_a_recall_of_one_lies_beyond_every_other() -> None:
    rate = rate_at_recall([0.9, 1.0], [400.0, 100.0], 0.99)
    assert rate is not None
    assert 200 < rate < 400


def test_the_first_crossing_counts_where_recall_wavers() -> None:
    assert rate_at_recall([0.9, 0.96, 0.94, 0.97], [4.0, 3.0, 2.0, 1.0], 0.96) == 3.0
