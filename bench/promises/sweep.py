"""Queries a second at a recall, read off a sweep of ef."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

MISS_MINIMUM: Final = 1e-5  # stands for a recall of one, which has no logarithm of the misses


def rate_at_recall(recalls: Sequence[float], rates: Sequence[float], recall: float) -> float | None:
    """The rate at `recall`, log(rate) being linear in log(1 - recall) between points; None if no point reaches it.

    Points are in order of ef. A first point that is already above `recall` counts as it is: no curve is extended.
    """
    assert len(recalls) == len(rates), "one rate a recall"
    for index, reached in enumerate(recalls):
        if reached >= recall:
            if index == 0 or reached == recall:
                return rates[index]
            low, high, wanted = (_log_misses(value) for value in (recalls[index - 1], reached, recall))
            share = (low - wanted) / (low - high)
            return math.exp((1 - share) * math.log(rates[index - 1]) + share * math.log(rates[index]))
    return None


def _log_misses(recall: float) -> float:
    return math.log(max(1 - recall, MISS_MINIMUM))
