"""Who runs when, as tables."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vecdb.bench.runs.schedule import Turn, groups, turns


def test_laps_alternate_between_contestants_and_the_order_turns() -> None:
    order = [(turn.contestant, turn.place) for turn in turns([[2, 2], [2, 2], [2]])]
    assert order == [
        *[(0, 0), (1, 0), (2, 0), (1, 1), (0, 1)],
        *[(2, 0), (1, 0), (0, 0), (0, 1), (1, 1)],
    ]


def test_what_is_done_already_is_left_out() -> None:
    assert list(turns([[0, 1], [2, 0]])) == [Turn(1, 0), Turn(0, 1), Turn(1, 0)]
    assert list(turns([])) == list(turns([[], [0, 0]])) == []


@pytest.mark.parametrize("seed", range(10))
def test_every_lap_comes_exactly_as_often_as_needed(seed: int) -> None:
    generator = np.random.default_rng(seed)
    needs = [generator.integers(0, 4, generator.integers(0, 5)).tolist() for _ in range(4)]
    counted = Counter((turn.contestant, turn.place) for turn in turns(needs))
    expected = {(who, place): laps for who, own in enumerate(needs) for place, laps in enumerate(own) if laps}
    assert counted == expected, f"seed {seed}"


@pytest.mark.parametrize(
    ("contestants", "baseline", "most", "expected"),
    [
        ([0, 1, 2], 1, 10, [[1, 0, 2]]),
        ([0, 1, 2], None, 10, [[0, 1, 2]]),
        ([0, 1, 2, 3, 4], 2, 3, [[2, 0, 1], [2, 3, 4]]),
        ([0, 1, 2, 3], 0, 3, [[0, 1], [0, 2, 3]]),
        ([0, 1, 2], None, 2, [[0], [1, 2]]),
        ([0, 1, 2], 0, 1, [[0, 1], [0, 2]]),
        ([3, 5], 7, 4, [[3, 5]]),
        ([4], 4, 2, [[4]]),
        ([], 4, 2, []),
        ([], None, 2, []),
    ],
)
def test_groups_fit_and_have_the_baseline(
    contestants: list[int], baseline: int | None, most: int, expected: list[list[int]]
) -> None:
    assert groups(contestants, baseline, most) == expected
