"""`vecdb-bench export`: every metric of every result, and every reading, as CSV, JSON or Markdown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which sets, which workload, how and where to."""
    from vecdb.bench.pages.measured_set import add_set_arguments

    add_set_arguments(parser, every=True, every_count=True)
    parser.add_argument("--format", choices=("csv", "json", "markdown"), default="csv", help="(default: csv)")
    parser.add_argument("--workload", metavar="NAME", help="only this one: search, batch, ingest, ... (default: all)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(default: standard output)")


def run(options: argparse.Namespace) -> int:
    """Writes the records."""
    from vecdb.bench.pages.measured_set import every_set
    from vecdb.bench.pages.records import as_csv, as_json, as_markdown, records

    found = every_set(options)
    if options.format == "markdown":
        text = as_markdown(found, options.workload)
    else:
        rows = records(found, options.workload)
        text = as_csv(rows) if options.format == "csv" else as_json(rows)
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    return 0
