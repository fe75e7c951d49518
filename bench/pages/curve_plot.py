"""curve_plot: one metric against another for every algorithm, its frontier as a line; drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.appearance import Appearance
from vecdb.bench.pages.points import Point, metric_description
from vecdb.bench.pages.scale import apply_scale, inside
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.results.pareto import frontier_places, qps_at_recall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATIOS: Final = ("k-nn", "epsilon", "largeepsilon", "strict")  # from 0 to 1, and what matters is near 1
LINEAR: Final = ("rel",)
INK: Final = "#202428"
GRID: Final = "#d9dde1"
PAGE: Final = "#ffffff"
RANKED_AT: Final = 0.95  # the legend has the fastest at this recall on top
DOTS_PER_INCH: Final = 150
ROWS_HEIGHT: Final = 0.19  # inches of a line of the legend


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotOptions:
    """What is drawn against what: names of METRICS, names of scales (None: the one that suits), a title.

    With `raw` every point is drawn, and the line still goes through those of the frontier.
    """

    x: str = "k-nn"
    y: str = "qps-median"
    x_scale: str | None = None
    y_scale: str | None = None
    raw: bool = False
    title: str = ""


def curve_plot(points: Sequence[Point], options: PlotOptions, looks: Mapping[str, Appearance]) -> Figure:
    """The figure of some points, at least one; `looks` has the appearance of each label. Mistake without matplotlib."""
    figure_class = _figure_class()
    x_scale, y_scale = options.x_scale or suitable_scale(options.x), options.y_scale or suitable_scale(options.y)
    labels = _ranked(points, options)
    figure: Figure = figure_class(figsize=(10.5, max(5.4, 1.0 + ROWS_HEIGHT * len(labels))), layout="constrained")
    axes = figure.add_subplot()
    drawn_x: list[float] = []
    drawn_y: list[float] = []
    for label in labels:
        own = [point for point in points if point.label == label]
        x = inside([point.values[options.x] for point in own], x_scale)
        y = inside([point.values[options.y] for point in own], y_scale)
        front = frontier_places(list(zip(x, y, strict=True)), METRICS[options.x].better, METRICS[options.y].better)
        _draw(axes, label, x, y, front, looks[label], raw=options.raw)
        shown = range(len(own)) if options.raw else front
        drawn_x += [x[place] for place in shown]
        drawn_y += [y[place] for place in shown]
    apply_scale(axes, "x", x_scale, drawn_x)
    apply_scale(axes, "y", y_scale, drawn_y)
    _dress(axes, options)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8.5, handlelength=3.6, labelcolor=INK)
    return figure


def suitable_scale(metric: str) -> str:
    """The scale that shows a metric best: recall near 1 drawn large, times and sizes in powers of ten."""
    if metric in RATIOS:
        return "a3"
    return "linear" if metric in LINEAR else "log"


def save(figure: Figure, path: Path) -> None:
    """Writes a figure in the format that the path's ending names: .png .svg .pdf. Mistake for another one."""
    known = figure.canvas.get_supported_filetypes()
    if path.suffix.lstrip(".") not in known:
        raise Mistake(f"{path}: expected an ending among {', '.join(sorted(known))}, received {path.suffix!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH, facecolor=PAGE)


def _figure_class() -> type[Figure]:
    """matplotlib's Figure with the Agg canvas alone: nothing looks for a screen."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Drawn
    except ImportError as error:
        raise Mistake("matplotlib is not installed: pip install vecdb[bench]") from error

    class AggFigure(Drawn):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            FigureCanvasAgg(self)

    return AggFigure


def _ranked(points: Sequence[Point], options: PlotOptions) -> list[str]:
    """The labels, the best first: by y at a recall of RANKED_AT if x is a recall, then by the mean of y."""
    better = METRICS[options.y].better
    ranks: dict[str, tuple[float, float]] = {}
    for label in dict.fromkeys(point.label for point in points):
        own = [(point.values[options.x], point.values[options.y]) for point in points if point.label == label]
        mean = sum(y for _, y in own) / len(own)
        at_recall = None
        if options.x in RATIOS and all(y > 0 for _, y in own):
            at_recall = qps_at_recall([(x, y if better == "more" else 1 / y) for x, y in own], RANKED_AT)
        ranks[label] = (-(at_recall or 0.0), -mean if better == "more" else mean)
    return sorted(ranks, key=lambda label: ranks[label])


def _draw(
    axes: Axes, label: str, x: Sequence[float], y: Sequence[float], front: Sequence[int], look: Appearance, *, raw: bool
) -> None:
    face = PAGE if look.hollow else look.color
    marked: dict[str, Any] = {"marker": look.marker, "markersize": 6.0 if look.width > 2 else 5.0}
    marked |= {"markerfacecolor": face, "markeredgecolor": look.color, "markeredgewidth": 1.1, "color": look.color}
    if raw:
        axes.plot(x, y, linestyle="none", alpha=0.45, gid=f"{label}-points", **marked)
    axes.plot(
        [x[place] for place in front],
        [y[place] for place in front],
        label=label,
        gid=f"series-{label}",
        linestyle=look.dash,
        linewidth=look.width,
        zorder=4 if look.width > 2 else 3,
        **marked,
    )


def _dress(axes: Axes, options: PlotOptions) -> None:
    x, y = METRICS[options.x], METRICS[options.y]
    axes.set_xlabel(metric_description(options.x), color=INK)
    axes.set_ylabel(metric_description(options.y), color=INK)
    direction = f"{'up' if y.better == 'more' else 'down'} and {'right' if x.better == 'more' else 'left'} is better"
    axes.set_title(f"{options.title}  ({direction})".strip(), color=INK, fontsize=11, loc="left")
    axes.grid(True, which="major", color=GRID, linewidth=0.8)
    axes.grid(True, which="minor", color=GRID, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, which="both", labelsize=9)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(INK)
