"""The curve of a sweep, from laps made up to lie on a known one."""

from __future__ import annotations

import math

import pytest

from vecdb.bench.promises.graph_search import Curve
from vecdb.bench.promises.lap import Lap


def curve_of(recalls: list[float], factors: list[float]) -> Curve:
    """Laps of 100 queries at 1000 * factor * sqrt(1 - recall) queries a second, a factor a repetition, half CPU."""
    curve = Curve()
    for recall in recalls:
        seconds = [100 / (1000 * factor * math.sqrt(1 - recall)) for factor in factors]
        curve.recalls.append(recall)
        curve.laps.append([Lap(each, each / 2) for each in seconds])
    return curve


def test_each_repetition_is_interpolated_by_itself() -> None:
    reading = curve_of([0.9, 0.97, 0.995], [1.0, 3.0, 2.0]).reading(0.99, 100)
    assert reading.values == pytest.approx((100, 300, 200))
    assert reading.cpu_seconds == pytest.approx((0.5, 1 / 6, 0.25))
    assert reading.median == pytest.approx(200)


def test_a_recall_out_of_reach_gives_no_values() -> None:
    assert curve_of([0.8, 0.9], [1.0, 2.0]).reading(0.95, 100).values == ()
