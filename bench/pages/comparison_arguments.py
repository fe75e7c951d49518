"""The options that say what results are compared with, and at which recalls."""

from __future__ import annotations

import argparse

from vecdb.bench.pages.comparison import RECALLS


def add_comparison_arguments(parser: argparse.ArgumentParser) -> None:
    """--recalls and --baseline."""
    parser.add_argument(
        "--recalls",
        type=recall_list,
        default=RECALLS,
        metavar="LIST",
        help=f"recalls to compare at, with commas (default: {','.join(map(str, RECALLS))})",
    )
    parser.add_argument(
        "--baseline", default="hnswlib", metavar="NAME", help="the algorithm that ratios are to (default: hnswlib)"
    )


def recall_list(text: str) -> tuple[float, ...]:
    """`.9,.99` as numbers, rising, none twice. ArgumentTypeError unless each is above 0 and at most 1."""
    try:
        recalls = sorted({float(part) for part in text.split(",")})
    except ValueError:
        recalls = []
    if not recalls or not all(0 < recall <= 1 for recall in recalls):
        raise argparse.ArgumentTypeError(f"expected recalls above 0, at most 1, with commas, received {text!r}")
    return tuple(recalls)
