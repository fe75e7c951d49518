"""The frontier of recall and speed, and the speed at a recall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

Point = tuple[float, float]
Better = Literal["more", "less"]

MISS_LEAST: Final = 1e-5  # stands for a recall of one, which has no logarithm of the misses


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points (recall, qps) that no other is at least as good as in both, by rising recall; equals count once."""
    return [points[place] for place in frontier_places(points)]


def frontier_places(points: Sequence[Point], x_better: Better = "more", y_better: Better = "more") -> list[int]:
    """The places in `points` of those on the frontier, from the worst x to the best."""
    x_sign = 1.0 if x_better == "more" else -1.0
    y_sign = 1.0 if y_better == "more" else -1.0
    order = sorted(range(len(points)), key=lambda place: (-x_sign * points[place][0], -y_sign * points[place][1]))
    found: list[int] = []
    for place in order:
        if not found or y_sign * points[place][1] > y_sign * points[found[-1]][1]:
            found.append(place)
    return found[::-1]


def qps_at_recall(points: Sequence[Point], recall: float) -> float | None:
    """The qps at `recall` on the frontier of points (recall, qps); None if no point reaches it.

    Between two points log(qps) is linear in log(1 - recall). Below the first point it is that point's: no curve is
    extended.
    """
    below: Point | None = None
    for point in frontier(points):
        if point[0] >= recall:
            return point[1] if below is None else _between(below, point, recall)
        below = point
    return None


def _between(low: Point, high: Point, recall: float) -> float:
    start, end, wanted = (math.log(max(1 - each, MISS_LEAST)) for each in (low[0], high[0], recall))
    if start == end:
        return high[1]
    share = (start - wanted) / (start - end)
    return math.exp((1 - share) * math.log(low[1]) + share * math.log(high[1]))
