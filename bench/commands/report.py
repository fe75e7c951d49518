"""`vecdb-bench report`: plots and tables of all results as one HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which sets, compared with what, and where to."""
    from vecdb.bench.pages.comparison_arguments import add_comparison_arguments
    from vecdb.bench.pages.measured_set import add_set_arguments

    add_set_arguments(parser, every=True, every_count=True)
    add_comparison_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="(default: <results>/report.html)")
    parser.add_argument("--title", default="vecdb-bench", help="of the page")


def run(options: argparse.Namespace) -> int:
    """Writes the page and says where it is."""
    from vecdb.bench.pages.html_report import html_report
    from vecdb.bench.pages.measured_set import every_set

    page = html_report(every_set(options), title=options.title, baseline=options.baseline, recalls=options.recalls)
    path: Path = options.output or options.results / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    print(path)
    return 0
