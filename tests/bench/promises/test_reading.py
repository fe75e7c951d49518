"""Medians, ratios, verdicts and numbers, against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from vecdb.bench.promises.reading import Reading, Result, Target, number_text


def test_a_reading_shows_the_median_its_spread_and_the_median_of_the_cpu_time() -> None:
    reading = Reading((30.0, 10.0, 20.0, 1000.0), "rows/s", (1.0, 4.0, 2.0, 3.0))
    assert reading.median == 25.0
    assert str(reading) == "25 rows/s [10 .. 1,000], CPU 2.5 s"


def test_one_value_has_no_spread() -> None:
    assert str(Reading((0.25,), "s")) == "0.25 s"


def test_a_reading_without_values_was_not_reached_and_meets_no_target() -> None:
    nothing = Reading((), "queries/s")
    assert math.isnan(nothing.median)
    assert str(nothing) == "not reached"
    for is_floor in (True, False):
        for is_ratio in (True, False):
            assert not Target(0, is_floor=is_floor, is_ratio=is_ratio).is_met(nothing, math.nan)


@pytest.mark.parametrize(
    ("target", "ours", "peer", "text"),
    [
        (Target(50_000, is_floor=True), 50_000, None, ">= 50,000 u: met"),
        (Target(50_000, is_floor=True), 49_999, None, ">= 50,000 u: missed"),
        (Target(0.3, is_floor=False), 0.3, None, "<= 0.3 u: met"),
        (Target(0.3, is_floor=False), 0.31, None, "<= 0.3 u: missed"),
        (Target(1, is_floor=True, is_ratio=True), 20, 10, "ratio >= 1: met"),
        (Target(1, is_floor=False, is_ratio=True), 20, 10, "ratio <= 1: missed"),
        (Target(1, is_floor=False, is_ratio=True), 9, 10, "ratio <= 1: met"),
    ],
)
def test_the_target_is_held_against_the_median_or_the_ratio(
    target: Target, ours: float, peer: float | None, text: str
) -> None:
    theirs = None if peer is None else Reading((peer,), "u")
    result = Result(measure="m", ours=Reading((ours,), "u"), peer=theirs, peer_name="them", target=target)
    assert result.cells()[-1] == text


def test_the_ratio_is_ours_by_the_peers_medians() -> None:
    result = Result(measure="m", ours=Reading((2, 3, 100), "s"), peer=Reading((4, 1, 2), "s"), peer_name="hnswlib")
    assert result.ratio == 1.5
    assert result.cells() == ("m", "3 s [2 .. 100]", "hnswlib 2 s [1 .. 4]", "1.50", "")


def test_a_result_without_a_peer_has_no_ratio() -> None:
    result = Result(measure="m", ours=Reading((2,), "s"))
    assert math.isnan(result.ratio)
    assert result.cells() == ("m", "2 s", "", "", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (117_659.4, "117,659"),
        (100, "100"),
        (99.96, "100"),
        (12.345, "12.3"),
        (1.0, "1"),
        (0.0123456, "0.0123"),
        (-2.5, "-2.5"),
        (math.inf, "inf"),
    ],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text
