"""`vecdb-bench plot`: one metric against another for each algorithm, as ann-benchmarks' plot draws it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from vecdb.bench.mistake import Mistake
from vecdb.bench.results.metrics import METRICS

SCALES: Final = "linear, log, symlog, logit, or a3 where recall near 1 is drawn large (default: what suits the metric)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ann-benchmarks' plot.py, with our folders."""
    from vecdb.bench.pages.measured_set import add_set_arguments

    add_set_arguments(parser, every=False, every_count=False)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="png, svg or pdf (default: <results>/<dataset>-<count>.png)"
    )
    parser.add_argument("-x", "--x-axis", choices=METRICS, default="k-nn", help="metric (default: k-nn)")
    parser.add_argument("-y", "--y-axis", choices=METRICS, default="qps-median", help="metric (default: qps-median)")
    parser.add_argument("-X", "--x-scale", metavar="SCALE", help=SCALES)
    parser.add_argument("-Y", "--y-scale", metavar="SCALE", help="the same")
    parser.add_argument("--raw", action="store_true", help="draw all results, not those of the frontier alone")
    parser.add_argument("--batch", action="store_true", help="results of batches")
    parser.add_argument(
        "--algorithm", action="append", metavar="NAME", help="only these: repeated, or with commas in between"
    )


def run(options: argparse.Namespace) -> int:
    """Draws the plot and says where it is."""
    from vecdb.bench.pages.appearance import appearances
    from vecdb.bench.pages.curve_plot import PlotOptions, curve_plot, save
    from vecdb.bench.pages.measured_set import one_set
    from vecdb.bench.pages.points import of_algorithms
    from vecdb.bench.pages.scale import check_scale

    for scale in (options.x_scale, options.y_scale):
        if scale is not None:
            check_scale(scale)
    found = one_set(options)
    points = found.batch if options.batch else found.single
    if not points:
        raise Mistake(f"{found.dataset}: there are no results of {'batches' if options.batch else 'single queries'}")
    looks = appearances(point.label for point in points)
    plot = PlotOptions(
        x=options.x_axis,
        y=options.y_axis,
        x_scale=options.x_scale,
        y_scale=options.y_scale,
        raw=options.raw,
        title=f"{found.dataset}, {found.count} neighbours{', batches' if options.batch else ''}",
    )
    name = f"{found.dataset}-{found.count}{'-batch' if options.batch else ''}.png"
    path = options.output or options.results / name
    save(curve_plot(of_algorithms(points, options.algorithm), plot, looks), path)
    print(path)
    return 0
