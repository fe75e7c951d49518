"""Figures with the range of their repetitions."""

from __future__ import annotations

import math

import pytest

from vecdb.bench.pages.spread import Spread, number_text, ratio, spread, spread_text


def test_a_spread_holds_the_extremes_of_what_is_known() -> None:
    assert spread(10.0, [9.0, None, 12.0]) == Spread(10.0, 9.0, 12.0)
    assert spread(10.0, []) == Spread(10.0, 10.0, 10.0)


def test_the_value_is_inside_its_range() -> None:
    assert spread(10.0, [11.0, 12.0]) == Spread(10.0, 10.0, 12.0)


def test_the_relative_deviation_is_the_larger_one() -> None:
    assert Spread(10.0, 9.0, 12.0).relative == pytest.approx(0.2)
    assert Spread(10.0, 7.0, 12.0).relative == pytest.approx(0.3)
    assert Spread(0.0, 0.0, 1.0).relative == 0.0


def test_a_ratio_is_ranged_within_the_rounds() -> None:
    """Both became twice as fast in the second round: the machine did, the ratio did not change."""
    found = ratio(Spread(30.0, 20.0, 40.0), Spread(15.0, 10.0, 20.0), [(20.0, 10.0), (40.0, 20.0)])
    assert found == Spread(2.0, 2.0, 2.0)


def test_there_is_no_ratio_to_nothing() -> None:
    assert ratio(Spread(1.0, 1.0, 1.0), Spread(0.0, 0.0, 0.0), []) is None


@pytest.mark.parametrize(
    ("figure", "digits", "text"),
    [
        (None, None, "-"),
        (Spread(12340.4, 12000.0, 12400.0), None, "12,340 ±3%"),
        (Spread(1.5, 1.5, 1.5), 2, "1.50"),
        (Spread(1.0, 1.0, 1.001), 2, "1.00"),
    ],
)
def test_spreads_as_text(figure: Spread | None, digits: int | None, text: str) -> None:
    assert spread_text(figure, digits) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1234567.8, "1,234,568"),
        (99.94, "99.9"),
        (2.0, "2.00"),
        (0.9996, "0.9996"),
        (0.98765, "0.988"),
        (0.001234, "0.00123"),
        (-12.34, "-12.3"),
        (math.nan, "-"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_as_text(number: float, text: str) -> None:
    assert number_text(number) == text
