"""Axes stretched as ann-benchmarks names it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.scale import LEAST_MISS, apply_scale, check_scale, inside


def place(scale: str, values: list[float], value: float) -> float:
    """Where a value is drawn, from 0 at the left of the axis to 1."""
    axes = Figure().add_subplot()
    apply_scale(axes, "x", scale, values)
    display = axes.transData.transform((value, 0.5))
    return float(axes.transAxes.inverted().transform(display)[0])


@pytest.mark.parametrize("name", ["linear", "log", "symlog", "logit", "a3", "a1", "a2.5"])
def test_known_scales(name: str) -> None:
    assert check_scale(name) == name


@pytest.mark.parametrize("name", ["", "a", "a0", "a0.5", "b3", "cubic", "a3x"])
def test_other_scales_are_a_mistake(name: str) -> None:
    with pytest.raises(Mistake, match="expected a scale among linear"):
        check_scale(name)


def test_a3_is_the_third_root_of_what_was_missed() -> None:
    """Recall .875 misses 1/8, whose third root is 1/2: half way between 0 and 1."""
    assert place("a3", [0.0, 1.0], 0.875) == pytest.approx(0.5)


def test_logit_gives_each_factor_of_misses_the_same_room() -> None:
    values = [0.5, 0.9, 0.99, 0.999]
    drawn = [place("logit", values, value) for value in (0.99, 0.999, 0.9999)]
    assert np.diff(drawn) == pytest.approx([drawn[1] - drawn[0]] * 2, rel=0.02)


@pytest.mark.parametrize("scale", ["linear", "log", "symlog", "logit", "a3"])
def test_all_values_are_on_the_axis_in_their_order(scale: str) -> None:
    values = inside([0.3, 0.8, 0.95, 0.999, 1.0], scale)
    axes = Figure().add_subplot()
    axes.plot(values, values)
    apply_scale(axes, "x", scale, values)
    low, high = axes.get_xlim()
    assert low < values[0] < values[-1] < high
    drawn = axes.transData.transform([(value, 0.5) for value in values])[:, 0]
    assert (np.diff(drawn) > 0).all()


@pytest.mark.parametrize("scale", ["logit", "a3", "linear"])
def test_one_value_alone_can_be_drawn(scale: str) -> None:
    axes = Figure().add_subplot()
    axes.plot([0.9], [1])
    apply_scale(axes, "x", scale, [0.9])
    low, high = axes.get_xlim()
    assert low < 0.9 < high


def test_what_a_scale_has_no_place_for_is_moved_to_its_edge() -> None:
    assert inside([0.0, 0.5, 1.0], "logit") == [LEAST_MISS, 0.5, 1 - LEAST_MISS]
    assert inside([0.0, 2.0], "log")[0] > 0
    assert inside([0.5, 1.1], "a3") == [0.5, 1.0]
    assert inside([-1.0, 2.0], "linear") == [-1.0, 2.0]


def test_ticks_are_recalls_a_reader_looks_for() -> None:
    axes = Figure().add_subplot()
    apply_scale(axes, "x", "a3", [0.85, 1.0])
    shown = [text.get_text() for text in axes.get_xticklabels()]
    assert {"0.9", "0.95", "0.99", "0.999", "1"} <= set(shown)
    axes = Figure().add_subplot()
    apply_scale(axes, "x", "logit", inside([0.85, 1.0], "logit"))
    assert axes.get_xticklabels()[-1].get_text() == "≥0.9999"


def test_powers_of_ten_are_written_as_numbers() -> None:
    axes = Figure().add_subplot()
    axes.set_ylim(90, 3000)
    apply_scale(axes, "y", "log", [100, 2500])
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    shown = [text.get_text() for text in axes.get_yticklabels()]
    assert {"100", "200", "500", "1,000", "2,000"} <= set(shown)
    assert "300" not in shown


def test_an_axis_within_a_power_of_ten_has_more_ticks() -> None:
    axes = Figure().add_subplot()
    axes.set_xlim(110, 480)
    apply_scale(axes, "x", "log", [120, 450])
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    assert {"150", "200", "300", "400"} <= {text.get_text() for text in axes.get_xticklabels()}
