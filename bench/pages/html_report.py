"""html_report: everything that was measured, as one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import Final

from vecdb.bench.pages.appearance import appearances, is_ours
from vecdb.bench.pages.build_table import build_table
from vecdb.bench.pages.comparison import RECALLS, compare
from vecdb.bench.pages.comparison_table import comparison_tables
from vecdb.bench.pages.curve_plot import PlotOptions, curve_plot
from vecdb.bench.pages.inline_svg import inline_svg
from vecdb.bench.pages.measured_set import MeasuredSet
from vecdb.bench.pages.page_style import style_sheet
from vecdb.bench.pages.points import Point, arguments_text, metric_description, metric_heading
from vecdb.bench.pages.reading_table import reading_table
from vecdb.bench.pages.rerun import rerun_commands
from vecdb.bench.pages.spread import number_text
from vecdb.bench.pages.table import Table
from vecdb.bench.results.metrics import METRICS

# What is drawn against recall beside speed; of a batch, single queries have no time of their own.
FURTHER_METRICS: Final = {"single": ("p50", "p99", "cpu"), "batch": ("cpu",)}
ONE_THREAD: Final = 1.2  # CPU time over wall time that one thread may seem to have: laps are medians, clocks coarse
LONG_ROWS: Final = 30  # a longer table of a workload is folded
UNITS: Final = "kB are 1,024 bytes, MB are 1,000,000 bytes."


def html_report(
    found: Sequence[MeasuredSet],
    *,
    title: str = "vecdb-bench",
    baseline: str = "hnswlib",
    recalls: Sequence[float] = RECALLS,
) -> str:
    """The page's text: for each set its plots, tables, machine, versions, builds and the commands to run it again."""
    looks_of = {point.label for each in found for point in each.points}
    chapters = [
        "\n".join(_chapter(each, f"set{number}", looks_of, baseline, recalls)) for number, each in enumerate(found)
    ]
    links = [f'<a href="#set{number}">{escape(_name(each))}</a>' for number, each in enumerate(found)]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{style_sheet()}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="note">{escape(_when(found))}</p>',
            f"<nav>{''.join(links)}</nav>" if len(found) > 1 else "",
            *chapters,
            "</body></html>\n",
        ]
    )


def _chapter(
    found: MeasuredSet, anchor: str, labels: set[str], baseline: str, recalls: Sequence[float]
) -> Iterator[str]:
    """The parts of one set, in reading order."""
    yield f'<section id="{anchor}"><h2>{escape(_name(found))}</h2>'
    yield (
        f"<p>{found.rows:,} rows, {found.dimension} dimensions, {found.metric} distance, "
        f"{found.queries:,} queries, the {found.count} nearest of each asked for.</p>"
    )
    modes = (("single", "One query a call", found.single), ("batch", "All queries in one call", found.batch))
    for mode, heading, points in modes:
        if points:
            yield f"<h3>{heading}, {_threads(points, mode)}</h3>"
            if mode == "single":
                yield from _more_threads(points)
            yield _figure(points, PlotOptions(title="Recall and speed"), f"{anchor}-{mode}", labels)
            yield from (table.html() for table in comparison_tables(compare(points, recalls, baseline)))
            yield "<details><summary>More plots</summary>"
            for metric in FURTHER_METRICS[mode]:
                yield _figure(points, PlotOptions(y=metric), f"{anchor}-{mode}-{metric}", labels)
            yield f"</details><details><summary>Every result ({len(points)})</summary>{_every_result(points)}</details>"
    for readings in found.readings.values():
        table = reading_table(readings, baseline)
        body = replace(table, title="").html()
        if len(table.rows) > LONG_ROWS:
            body = f"<details><summary>{len(table.rows)} measurements</summary>{body}</details>"
        yield f"<h3>{escape(table.title)}</h3>{body}"
    if found.points:
        yield f"<h3>How each was built</h3>{build_table(found.points).html()}"
    yield f"<h3>Where it was measured</h3>{_machines(found)}"
    yield f"<h3>To run it again</h3><pre>{escape(chr(10).join(rerun_commands(found)))}</pre></section>"


def _figure(points: Sequence[Point], options: PlotOptions, prefix: str, labels: set[str]) -> str:
    svg = inline_svg(curve_plot(points, options, appearances(labels)), prefix)
    words = f"{metric_description(options.y)} against {metric_description(options.x)}"
    return f'<figure role="img" aria-label="{escape(words)}">{svg}</figure>'


def _name(found: MeasuredSet) -> str:
    return f"{found.dataset}, {found.count} neighbours"


def _threads(points: Sequence[Point], mode: str) -> str:
    threads = sorted({point.result.threads for point in points})
    given = " or ".join(map(str, threads)) + (" thread" if threads == [1] else " threads")
    return f"built with {given}, asked from one" if mode == "single" else given


def _more_threads(points: Sequence[Point]) -> Iterator[str]:
    """A note of the libraries that took more CPU time for a query than one thread has."""
    most: dict[str, float] = {}
    for point in points:
        threads = point.result.cpu_query_seconds * point.result.qps_median
        most[point.label] = max(threads, most.get(point.label, 0.0))
    found = [f"{label} {threads:.1f}" for label, threads in sorted(most.items()) if threads > ONE_THREAD]
    if found:
        words = f"Some used more than that thread for a query, CPU time over wall time: {', '.join(found)}."
        yield f'<p class="note">{escape(words)}</p>'


def _when(found: Sequence[MeasuredSet]) -> str:
    times = [point.result.started for each in found for point in each.points]
    times += [own.started for each in found for readings in each.readings.values() for own in readings]
    first, last = (datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d") for end in (min(times), max(times)))
    return f"Measured {first}{'' if first == last else f' to {last}'}. {UNITS}"


def _every_result(points: Sequence[Point]) -> str:
    ordered = sorted(points, key=lambda point: (point.label, point.values["k-nn"]))
    return Table(
        headings=["algorithm", "query arguments", "laps", *map(metric_heading, METRICS)],
        rows=[
            [
                f"{point.label} †" if point.partial else point.label,
                arguments_text(point.result.query_arguments),
                str(len(point.result.laps)),
                *(_metric_text(name, point.values[name]) for name in METRICS),
            ]
            for point in ordered
        ],
        text_columns=2,
        emphasised=frozenset(place for place, point in enumerate(ordered) if is_ours(point.result.algorithm)),
        notes=[
            "; ".join(f"{name}: {metric_description(name)}" for name in METRICS),
            *(["† asked only the first of the set's queries"] if any(point.partial for point in points) else []),
        ],
    ).html()


def _metric_text(name: str, value: float) -> str:
    return f"{value:.4f}" if name in ("k-nn", "epsilon", "largeepsilon", "strict", "rel") else number_text(value)


def _machines(found: MeasuredSet) -> str:
    """The facts of each machine that took part: what is the same in all sessions once, what differs as many values."""
    measured = [point.result.machine for point in found.points]
    measured += [own.machine for readings in found.readings.values() for own in readings]
    names = list(dict.fromkeys(name for machine in measured for name in machine))
    rows = [
        [name, "; ".join(dict.fromkeys(machine[name] for machine in measured if name in machine))] for name in names
    ]
    return Table(headings=["machine", ""], rows=rows, text_columns=2).html()
