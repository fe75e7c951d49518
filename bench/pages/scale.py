"""Scale: how an axis is stretched, by the names that ann-benchmarks gives: linear, log, symlog, logit, a3."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from vecdb.bench.datasets.dataset import Floats
from vecdb.bench.mistake import Mistake

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Transform: TypeAlias = Callable[[Floats], Floats]

NAMES: Final = ("linear", "log", "symlog", "logit")
LEAST_MISS: Final = 1e-4  # logit has no place for 0 and 1: they are drawn this far inside
TICKS: Final = (0.0, 0.1, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999, 1.0)
DECADE: Final = 10.0
LEAST_POSITIVE: Final = 1e-12  # stands for 0 where there is a logarithm
LEAST_GAP: Final = 0.055  # between two ticks, as a part of the axis
MARGIN: Final = 0.03  # beside the first and the last point


def check_scale(name: str) -> str:
    """The name, if it is a scale: one of NAMES, or `a` with an exponent from 1 as in a3. Mistake."""
    if name in NAMES or (re.fullmatch(r"a\d+(\.\d+)?", name) and float(name[1:]) >= 1):
        return name
    raise Mistake(f"expected a scale among {', '.join(NAMES)}, or a3 (recall near 1 drawn large), received {name!r}")


def inside(values: Sequence[float], scale: str) -> list[float]:
    """The values as they can be drawn on a scale: what logit, log and a3 have no place for is moved to the edge."""
    if scale == "logit":
        return [min(max(value, LEAST_MISS), 1 - LEAST_MISS) for value in values]
    if scale == "log":
        return [max(value, LEAST_POSITIVE) for value in values]
    return [min(value, 1.0) for value in values] if scale.startswith("a") else list(values)


def apply_scale(axes: Axes, axis: Literal["x", "y"], scale: str, values: Sequence[float]) -> None:
    """Stretches an axis, with limits and ticks for the values that `inside` returned for what is drawn."""
    set_scale = axes.set_xscale if axis == "x" else axes.set_yscale
    if scale != "logit" and not scale.startswith("a"):
        set_scale(scale)
        if scale == "log":
            few = max(values, default=1.0) < DECADE * min(values, default=1.0)
            _number_decades(axes.xaxis if axis == "x" else axes.yaxis, (1, 1.5, 2, 3, 4, 5, 7) if few else (1, 2, 5))
        return
    forward, backward = _logit() if scale == "logit" else _power(float(scale[1:]))
    low, high = (float(forward(np.asarray(end))) for end in (min(values, default=0.0), max(values, default=1.0)))
    margin = MARGIN * (high - low) or MARGIN
    first, last = (float(backward(np.asarray(end))) for end in (low - margin, high + margin))
    ticks = _spaced([tick for tick in TICKS if first <= tick <= last], forward, first, last)
    set_scale("function", functions=(forward, backward))
    if axis == "x":
        axes.set_xlim(first, last)
    else:
        axes.set_ylim(first, last)
    own = axes.xaxis if axis == "x" else axes.yaxis
    at_edge = 1 - LEAST_MISS if scale == "logit" else None
    own.set_ticks(ticks, [f"{'≥' if tick == at_edge else ''}{tick:g}" for tick in ticks])
    own.set_ticks([], minor=True)


def _number_decades(axis: Axis, multiples: Sequence[float]) -> None:
    """Ticks at these multiples of each power of ten, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.set_major_locator(LogLocator(subs=multiples))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _logit() -> tuple[Transform, Transform]:
    def forward(values: Floats) -> Floats:
        kept = np.clip(values, LEAST_POSITIVE, 1 - LEAST_POSITIVE)
        return np.asarray(np.log(kept / (1 - kept)))

    return forward, lambda values: np.asarray(1 / (1 + np.exp(-values)))


def _power(exponent: float) -> tuple[Transform, Transform]:
    """1 - (1 - x) ** (1 / exponent), as ann-benchmarks stretches; mirrored beyond 1, where only a margin is drawn."""

    def mirrored(values: Floats, power: float) -> Floats:
        return np.asarray(1 - np.sign(1 - values) * np.abs(1 - values) ** power)

    return lambda values: mirrored(values, 1 / exponent), lambda values: mirrored(values, exponent)


def _spaced(ticks: Sequence[float], forward: Transform, first: float, last: float) -> list[float]:
    """The ticks that have room, the highest ones first."""
    start, end = float(forward(np.asarray(first))), float(forward(np.asarray(last)))
    kept: list[float] = []
    places: list[float] = []
    for tick in sorted(ticks, reverse=True):
        place = (float(forward(np.asarray(tick))) - start) / (end - start)
        if not places or places[-1] - place >= LEAST_GAP:
            kept.append(tick)
            places.append(place)
    return kept[::-1]
