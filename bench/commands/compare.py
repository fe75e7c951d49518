"""`vecdb-bench compare`: queries a second at given recalls, build time and memory, with ratios to the baseline."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vecdb.bench.mistake import Mistake

if TYPE_CHECKING:
    from vecdb.bench.pages.measured_set import MeasuredSet
    from vecdb.bench.pages.table import Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which set, which results of it, compared with what, and where to."""
    from vecdb.bench.pages.comparison_arguments import add_comparison_arguments
    from vecdb.bench.pages.measured_set import add_set_arguments

    add_set_arguments(parser, every=True, every_count=False)
    add_comparison_arguments(parser)
    parser.add_argument(
        "-x", "--x-axis", choices=("k-nn", "strict"), default="k-nn", help="which recall (default: k-nn)"
    )
    parser.add_argument("--batch", action="store_true", help="results of batches")
    parser.add_argument("--workload", metavar="NAME", default="search", help="readings of this one (default: search)")
    parser.add_argument(
        "--algorithm", action="append", metavar="NAME", help="show only these: repeated, or with commas in between"
    )
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables there too, between two marker comments"
    )


def run(options: argparse.Namespace) -> int:
    """Prints the tables of each set, and writes them into the file of --markdown."""
    from vecdb.bench.pages.marked_section import write_section
    from vecdb.bench.pages.measured_set import COUNT, each_or_warn, every_set

    shown = each_or_warn(every_set(options, COUNT), lambda found: (found, _tables(found, options)))
    titles = [
        f"{found.dataset}: {found.rows:,} rows, {found.dimension} dimensions, {found.count} neighbours"
        for found, _ in shown
    ]
    parts = [[title, *(table.text() for table in tables)] for title, (_, tables) in zip(titles, shown, strict=True)]
    print("\n\n\n".join("\n\n".join(part) for part in parts))
    if options.markdown is not None:
        for title, (found, tables) in zip(titles, shown, strict=True):
            kind = f"compare {found.dataset} {found.count} {'batch' if options.batch else options.workload}"
            write_section(options.markdown, kind, "\n\n".join([title, *(table.markdown() for table in tables)]))
    return 0


def _tables(found: MeasuredSet, options: argparse.Namespace) -> list[Table]:
    from vecdb.bench.pages.comparison import compare
    from vecdb.bench.pages.comparison_table import comparison_tables
    from vecdb.bench.pages.points import of_algorithms
    from vecdb.bench.pages.reading_table import reading_table

    if options.workload not in ("search", "batch"):
        readings = found.readings.get(options.workload)
        if not readings:
            known = ", ".join(found.readings) or "none"
            raise Mistake(
                f"{found.dataset}: expected a workload with readings ({known}), received {options.workload!r}"
            )
        return [reading_table(readings, options.baseline)]
    batch = options.batch or options.workload == "batch"
    points = found.batch if batch else found.single
    comparison = compare(points, options.recalls, options.baseline, options.x_axis)
    shown = {point.label for point in of_algorithms(points, options.algorithm)}
    rows = tuple(row for row in comparison.rows if row.algorithm in shown)
    return comparison_tables(replace(comparison, rows=rows))
