"""Laps: who runs when, and what becomes of their times."""

from __future__ import annotations

import time
from collections.abc import Callable

from vecdb.bench.promises.lap import Lap, alternate, rate_reading, time_lap, time_reading


def test_contestants_take_turns_and_the_order_reverses() -> None:
    order: list[str] = []

    def contestant(name: str) -> Callable[[], Lap]:
        def run() -> Lap:
            order.append(name)
            return Lap(float(len(order)), 0.0)

        return run

    laps = alternate([contestant("ours"), contestant("theirs")], 3)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert [[lap.wall_seconds for lap in side] for side in laps] == [[1, 4, 5], [2, 3, 6]]


def test_waiting_costs_wall_time_and_no_cpu_time() -> None:
    lap = time_lap(lambda: time.sleep(0.05))
    assert lap.wall_seconds >= 0.05
    assert lap.cpu_seconds < 0.04


def test_laps_become_rates_and_times() -> None:
    laps = [Lap(2.0, 3.0), Lap(4.0, 5.0)]
    rates, times = rate_reading(laps, 100, "rows/s"), time_reading(laps)
    assert (rates.values, rates.unit, rates.cpu_seconds) == ((50.0, 25.0), "rows/s", (3.0, 5.0))
    assert (times.values, times.unit, times.cpu_seconds) == ((2.0, 4.0), "s", (3.0, 5.0))
