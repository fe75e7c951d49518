"""Plots: the right points, joined along the frontier, each algorithm told from the others."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tests.bench.pages.made_results import curve, made_dataset, made_result
from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.appearance import appearances
from vecdb.bench.pages.curve_plot import PlotOptions, curve_plot, save, suitable_scale
from vecdb.bench.pages.points import measured
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.results.result import Result


def plotted(*results: Result, **options: str | bool) -> Figure:
    points = measured(results, made_dataset())
    looks = appearances(point.label for point in points)
    return curve_plot(points, PlotOptions(**options), looks)  # type: ignore[arg-type]


def lines(figure: Figure) -> dict[str, Line2D]:
    drawn = figure.axes[0].get_lines()
    return {str(line.get_label()): line for line in drawn if not str(line.get_label()).startswith("_")}


def test_the_line_goes_through_the_frontier_only() -> None:
    worse = made_result("hnswlib", 0.92, 10.0)
    line = lines(plotted(*curve("hnswlib", 800), worse))["hnswlib"]
    assert np.asarray(line.get_xdata()) == pytest.approx([0.9, 0.95, 0.99, 0.999])
    assert np.asarray(line.get_ydata()) == pytest.approx([800, 400, 200, 100])


def test_raw_shows_the_other_points_too() -> None:
    figure = plotted(*curve("hnswlib", 800), made_result("hnswlib", 0.92, 10.0), raw=True)
    drawn = {round(float(x), 3) for line in figure.axes[0].get_lines() for x in np.asarray(line.get_xdata())}
    assert 0.92 in drawn
    low, high = figure.axes[0].get_ylim()
    assert low < 10 < high


def test_where_less_is_better_the_frontier_turns_round() -> None:
    """Percentiles rise with recall; a point that is slower at less recall is no part of it."""
    line = lines(plotted(*curve("a", 800), made_result("a", 0.92, 10.0), y="p99"))["a"]
    assert np.asarray(line.get_xdata()) == pytest.approx([0.9, 0.95, 0.99, 0.999])
    assert np.asarray(line.get_ydata()) == pytest.approx([1.25, 2.5, 5, 10])


def test_the_legend_has_the_fastest_on_top() -> None:
    figure = plotted(
        *curve("slow", 100), *curve("fast", 900), *curve("vecdb-hnsw", 300), made_result("loose", 0.9, 1e5)
    )
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == ["fast", "vecdb-hnsw", "slow", "loose"]


def test_where_less_is_better_the_legend_has_the_least_on_top() -> None:
    """What was measured at low recalls alone is no better for it."""
    hasty = [made_result("hasty", recall, qps) for recall, qps in ((0.5, 9e4), (0.6, 8e4), (0.96, 100))]
    figure = plotted(*hasty, *curve("steady", 800), y="p99")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["steady", "hasty"]


def test_axes_say_what_they_are_and_which_way_is_better() -> None:
    axes = plotted(*curve("a", 100), y="p99", title="T").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Recall", "Percentile 99 of a query's time (ms), best lap")
    assert axes.get_title(loc="left") == "T  (down and right is better)"


@pytest.mark.parametrize("x", METRICS)
def test_every_metric_can_be_an_axis(x: str) -> None:
    figure = plotted(*curve("a", 100), made_result("b", 1.0, 5.0, index_bytes=0), x=x, y="rel")
    figure.draw_without_rendering()
    assert set(lines(figure)) == {"a", "b"}


@pytest.mark.parametrize(("metric", "scale"), [("k-nn", "a3"), ("strict", "a3"), ("qps", "log"), ("rel", "linear")])
def test_scales_that_suit(metric: str, scale: str) -> None:
    assert suitable_scale(metric) == scale


def test_twenty_algorithms_are_all_told_apart_in_grey() -> None:
    """Each line of the legend, in grey, differs from each other in many pixels."""
    names = [f"algorithm-{number:02}" for number in range(20)]
    figure = plotted(*(result for place, name in enumerate(names) for result in curve(name, 100 + 20 * place)))
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()  # type: ignore[no-untyped-call]
    grey = np.asarray(canvas.buffer_rgba(), dtype=np.float64)[..., :3] @ [0.299, 0.587, 0.114]  # type: ignore[no-untyped-call]
    handles = []
    for line in figure.legends[0].get_lines():
        box = line.get_tightbbox()
        assert box is not None
        middle, left = grey.shape[0] - round((box.y0 + box.y1) / 2), round(box.x0)
        handles.append(grey[middle - 5 : middle + 6, left : left + 30])
    assert {handle.shape for handle in handles} == {(11, 30)}
    assert len(handles) == 20
    assert all((handle < 200).sum() > 10 for handle in handles)
    least = min(
        (int((np.abs(one - other) > 20).sum()), names[i], names[j])
        for (i, one), (j, other) in combinations(enumerate(handles), 2)
    )
    assert least[0] >= 15, least


def test_a_plot_is_written_in_the_format_of_its_ending(tmp_path: Path) -> None:
    figure = plotted(*curve("a", 100))
    beginnings = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    for ending, beginning in beginnings.items():
        path = tmp_path / "new" / f"plot{ending}"
        save(figure, path)
        assert path.read_bytes().startswith(beginning)


@pytest.mark.parametrize("name", ["plot.doc", "plot"])
def test_an_unknown_ending_is_a_mistake(name: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"expected an ending among .*png"):
        save(plotted(*curve("a", 100)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
