"""A result's figures: of the best lap, and over all of them."""

from __future__ import annotations

import numpy as np

from tests.bench.results.made_result import made_dataset, made_result
from vecdb.bench.results.result import Lap


def test_figures_are_of_the_best_lap_and_of_the_middle_one() -> None:
    laps = tuple(Lap(seconds, cpu, np.full(4, seconds / 4)) for seconds, cpu in ((2.0, 2.2), (1.0, 1.2), (4.0, 4.4)))
    result = made_result(made_dataset(), queries=4, laps=laps)
    assert result.best_lap is laps[1]
    assert result.best_search_time == 0.25
    assert (result.qps_least, result.qps_median, result.qps_most) == (1.0, 2.0, 4.0)
    assert result.cpu_query_seconds == 2.2 / 4


def test_a_lap_with_fewer_queries_is_not_the_best_for_that() -> None:
    short, long = Lap(1.0, 1.0, np.full(2, 0.5)), Lap(2.0, 2.0, np.full(8, 0.25))
    assert made_result(made_dataset(), laps=(short, long)).best_lap is long


def test_the_title_shows_every_argument() -> None:
    assert made_result(made_dataset()).title == 'made({"ef_construction": 200, "m": 16}, 40)'
