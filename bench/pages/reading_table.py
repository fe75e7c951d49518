"""Readings of a workload as a table: what each algorithm did, with its ratio to the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from vecdb.bench.pages.appearance import is_ours
from vecdb.bench.pages.points import arguments_text
from vecdb.bench.pages.spread import number_text, spread, spread_text
from vecdb.bench.pages.table import Table
from vecdb.bench.workloads.readings_file import Readings


def reading_table(readings: Sequence[Readings], baseline: str = "hnswlib") -> Table:
    """Algorithms by measurements, all of one workload, at least one: what there is less of is across the page.

    A cell is `median ±spread (ratio)`. Ratios are to the baseline's reading with the same query arguments, or to its
    first; a star marks an algorithm that was not measured in one session with it.
    """
    ordered = sorted(readings, key=lambda own: (not is_ours(own.algorithm), own.algorithm))
    bases = [_baseline(own, readings, baseline) for own in ordered]
    apart = [base is not None and base.session != own.session for own, base in zip(ordered, bases, strict=True)]
    labels = [f"{label} *" if other else label for label, other in zip(_labels(ordered), apart, strict=True)]
    units = {each.name: (each.unit, each.better) for own in ordered for each in own.medians()}
    columns = [[_cell(own, base, name) for name in units] for own, base in zip(ordered, bases, strict=True)]
    notes = [f"Medians of the laps; ± is the larger deviation of a lap. In brackets: by the figure of {baseline}."]
    if any(apart):
        notes.append(f"* not in one session with {baseline}: drift of the machine is in the ratios")
    title = f"Workload {ordered[0].workload}"
    if len(units) <= len(ordered):
        return Table(
            title=title,
            headings=["algorithm", *_measurement_headings(units)],
            rows=[[label, *column] for label, column in zip(labels, columns, strict=True)],
            emphasised=frozenset(place for place, own in enumerate(ordered) if is_ours(own.algorithm)),
            notes=notes,
        )
    rows = [[name, *units[name], *cells] for name, *cells in zip(units, *columns, strict=True)]
    return Table(
        title=title, headings=["measurement", "unit", "better", *labels], rows=rows, text_columns=3, notes=notes
    )


def _labels(readings: Sequence[Readings]) -> list[str]:
    """The algorithm of each, and the query arguments of those that have several."""
    algorithms = [own.algorithm for own in readings]
    return [
        own.algorithm
        if algorithms.count(own.algorithm) == 1
        else f"{own.algorithm} {arguments_text(own.query_arguments)}"
        for own in readings
    ]


def _measurement_headings(units: Mapping[str, tuple[str, str]]) -> list[str]:
    return [f"{name} ({f'{unit}, ' if unit else ''}{better} is better)" for name, (unit, better) in units.items()]


def _cell(own: Readings, base: Readings | None, name: str) -> str:
    if name not in own.names:
        return "-"
    text = spread_text(spread(_median(own, name), own.values(name)))
    if base is None or base is own or name not in base.names or (theirs := _median(base, name)) == 0:
        return text
    return f"{text} ({number_text(_median(own, name) / theirs)})"


def _median(own: Readings, name: str) -> float:
    return median(own.values(name))


def _baseline(own: Readings, readings: Sequence[Readings], baseline: str) -> Readings | None:
    candidates = [each for each in readings if each.algorithm == baseline]
    same = [each for each in candidates if each.query_arguments == own.query_arguments]
    return next(iter(same or candidates), None)
