"""The frontier, and speeds at recalls, against definitions tried point by point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecdb.bench.results.pareto import Point, frontier, frontier_places, qps_at_recall


def dominated(point: Point, others: list[Point]) -> bool:
    return any(x >= point[0] and y >= point[1] and (x, y) != point for x, y in others)


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_what_nothing_beats(seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = [(float(x), float(y)) for x, y in generator.integers(0, 8, (generator.integers(0, 25), 2))]
    expected = sorted({point for point in points if not dominated(point, points)})
    assert frontier(points) == expected, f"seed {seed}"
    for x_sign, x_better in ((1, "more"), (-1, "less")):
        for y_sign, y_better in ((1, "more"), (-1, "less")):
            turned = [(x_sign * x, y_sign * y) for x, y in points]
            places = frontier_places(turned, x_better, y_better)  # type: ignore[arg-type]
            assert [points[place] for place in places] == expected, f"seed {seed}"


def test_speed_between_two_points_is_on_a_line_of_logarithms() -> None:
    points = [(0.9, 1000.0), (0.99, 100.0), (0.95, 50.0)]
    middle = 1 - math.sqrt(0.1 * 0.01)
    assert qps_at_recall(points, middle) == pytest.approx(math.sqrt(1000 * 100))
    assert qps_at_recall(points, 0.9) == pytest.approx(1000)
    assert qps_at_recall(points, 0.99) == pytest.approx(100)


def test_no_curve_is_extended() -> None:
    points = [(0.9, 1000.0), (0.99, 100.0)]
    assert qps_at_recall(points, 0.5) == 1000
    assert qps_at_recall(points, 0.995) is None
    assert qps_at_recall([], 0.5) is None


def test_a_recall_of_one_is_reached() -> None:
    points = [(0.99, 1000.0), (1.0, 10.0)]
    assert qps_at_recall(points, 1.0) == pytest.approx(10)
    at = qps_at_recall(points, 0.999)
    assert at is not None
    assert 10 < at < 1000
    assert qps_at_recall([(0.9999999, 20.0), (1.0, 10.0)], 1.0) == 10


@pytest.mark.parametrize("seed", range(5))
def test_more_recall_never_costs_less(seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = list(zip(generator.uniform(0.5, 1, 12).tolist(), generator.uniform(10, 1e4, 12).tolist(), strict=True))
    speeds = [qps_at_recall(points, recall) for recall in np.linspace(0.4, max(points)[0], 50)]
    known = [speed for speed in speeds if speed is not None]
    assert len(known) == 50, f"seed {seed}"
    assert (np.diff(known) <= 1e-6).all(), f"seed {seed}"
