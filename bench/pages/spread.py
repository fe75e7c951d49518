"""A figure with what it was at worst and at best over the repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A value, and the lowest and the highest of the repetitions (the value itself if there was one repetition)."""

    value: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        """The larger of the two deviations from the value, as a part of it: 0.05 is 5%; 0 for a value of 0."""
        if self.value == 0:
            return 0.0
        return max(self.high - self.value, self.value - self.low, 0.0) / abs(self.value)


def spread(value: float, repetitions: Sequence[float | None]) -> Spread:
    """The value with the range of its repetitions; those that gave nothing are left out."""
    known = [each for each in repetitions if each is not None]
    return Spread(value, min([value, *known]), max([value, *known]))


def ratio(ours: Spread, theirs: Spread, pairs: Sequence[tuple[float | None, float | None]]) -> Spread | None:
    """Ours over theirs, with the range of the ratios within each repetition; None where theirs is 0."""
    if theirs.value == 0:
        return None
    each = [mine / other for mine, other in pairs if mine is not None and other]
    return spread(ours.value / theirs.value, each)


def spread_text(figure: Spread | None, digits: int | None = None) -> str:
    """As `12,340 ±3%`; "-" for None. `digits` after the point, by default three significant ones in all."""
    if figure is None:
        return "-"
    text = number_text(figure.value) if digits is None else f"{figure.value:,.{digits}f}"
    percent = round(100 * figure.relative)
    return f"{text} ±{percent}%" if percent else text


def number_text(number: float) -> str:
    """Three significant digits, all before the point, four from .99 to 1: `12,340`, `12.3`, `0.9996`; `-` for NaN."""
    if number != number:
        return "-"
    if number in (float("inf"), float("-inf")):
        return "∞" if number > 0 else "-∞"
    size = abs(number)
    if 0.99 < size < 1:
        return f"{number:.4f}"
    if size >= 100 or number == 0:
        return f"{number:,.0f}"
    return f"{number:,.{1 if size >= 10 else 2}f}" if size >= 1 else f"{number:.3g}"
