"""Readings of a workload as a table: what each algorithm did, with its ratio to the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from vecdb.bench.pages.appearance import is_ours
from vecdb.bench.pages.comparison_table import top_recall_text
from vecdb.bench.pages.points import arguments_text
from vecdb.bench.pages.spread import number_text, spread, spread_text
from vecdb.bench.pages.table import Table
from vecdb.bench.workloads.readings_file import Readings

# What a search may gain by finding less, by the end of its name; compared only where about as much was found.
OF_A_SEARCH: Final = ("queries", "p50", "p95", "p99", "p999", "CPU a query", "a query after it, mean")
RECALL_APART: Final = 0.02


def reading_table(readings: Sequence[Readings], baseline: str = "hnswlib") -> Table:
    """Algorithms by measurements, all of one workload, at least one: what there is less of is across the page.

    A cell is `median ±spread (ratio)`. Ratios are to the baseline's reading with the same options, of those to the one
    with the same arguments, or to the first; a star marks an algorithm that was not measured in one session with it. In
    place of a search's ratio the two recalls are shown where they are more than .02 apart.
    """
    ordered = sorted(readings, key=lambda own: (not is_ours(own.algorithm), own.algorithm))
    bases = [_baseline(own, readings, baseline) for own in ordered]
    apart = [base is not None and base.session != own.session for own, base in zip(ordered, bases, strict=True)]
    labels = [f"{label} *" if other else label for label, other in zip(_labels(ordered), apart, strict=True)]
    units = {each.name: (each.unit, each.better) for own in ordered for each in own.medians()}
    columns = [[_cell(own, base, name) for name in units] for own, base in zip(ordered, bases, strict=True)]
    alike = len({_options_text(own) for own in ordered}) == 1
    notes = [f"Medians of the laps; ± is the larger deviation of a lap. In brackets: by the figure of {baseline}."]
    if any(apart):
        notes.append(f"* not in one session with {baseline}: drift of the machine is in the ratios")
    title = f"Workload {ordered[0].workload}"
    if alike and ordered[0].options:
        title += f", {_options_text(ordered[0])}"
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
    """The algorithm of each, with the options if they are not all alike, and what its readings differ in."""
    labels = []
    for own in readings:
        same = [each for each in readings if each.algorithm == own.algorithm]
        parts = [
            own.algorithm,
            arguments_text(own.arguments) if len({arguments_text(each.arguments) for each in same}) > 1 else "",
            arguments_text(own.query_arguments)
            if len({arguments_text(each.query_arguments) for each in same}) > 1
            else "",
            _options_text(own) if len({_options_text(each) for each in readings}) > 1 else "",
        ]
        labels.append(" ".join(part for part in parts if part))
    return labels


def _options_text(readings: Readings) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(readings.options.items()))


def _measurement_headings(units: Mapping[str, tuple[str, str]]) -> list[str]:
    return [f"{name} ({f'{unit}, ' if unit else ''}{better} is better)" for name, (unit, better) in units.items()]


def _cell(own: Readings, base: Readings | None, name: str) -> str:
    if name not in own.names:
        return "-"
    text = spread_text(spread(_median(own, name), own.values(name)))
    if base is None or base is own or name not in base.names or (theirs := _median(base, name)) == 0:
        return text
    recall = _recall_of(name, own, base)
    if recall is not None:
        mine, its = _median(own, recall), _median(base, recall)
        if abs(mine - its) > RECALL_APART:
            return f"{text} (recall {top_recall_text(mine)}, not {top_recall_text(its)})"
    return f"{text} ({number_text(_median(own, name) / theirs)})"


def _recall_of(name: str, own: Readings, base: Readings) -> str | None:
    """The measurement that tells how much the searches found whose speed `name` is; None if it is no speed of searches
    or nothing tells. Of the same step or condition, else the only one there is, else the mean of the steps.
    """
    label, _, last = name.rpartition(": ")
    if last not in OF_A_SEARCH:
        return None
    recalls = [each for each in own.names if "recall" in each and each in base.names]
    beside = f"{label}: recall" if label else "recall"
    if beside in recalls:
        return beside
    if len(recalls) == 1:
        return recalls[0]
    return next((each for each in recalls if each.startswith("recall, mean")), None)


def _median(own: Readings, name: str) -> float:
    return median(own.values(name))


def _baseline(own: Readings, readings: Sequence[Readings], baseline: str) -> Readings | None:
    """What it is compared with; itself if it is the baseline's, None if the baseline has none with these options."""
    if own.algorithm == baseline:
        return own
    candidates = [each for each in readings if each.algorithm == baseline and dict(each.options) == dict(own.options)]
    same = [each for each in candidates if each.query_arguments == own.query_arguments]
    whole = [each for each in same if each.arguments == own.arguments]
    return next(iter(whole or same or candidates), None)
