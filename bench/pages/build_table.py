"""How each index was built: arguments, time, memory, and the versions of its library."""

from __future__ import annotations

from collections.abc import Sequence

from vecdb.bench.pages.appearance import is_ours
from vecdb.bench.pages.points import Point, arguments_text, by_build
from vecdb.bench.pages.spread import number_text
from vecdb.bench.pages.table import Table


def build_table(points: Sequence[Point]) -> Table:
    """One row for each index, ours first."""
    builds = sorted(by_build(points).items(), key=lambda pair: (not is_ours(pair[0]), pair[0]))
    return Table(
        headings=[
            "algorithm",
            "arguments",
            "asked with",
            "versions",
            "threads",
            "build s",
            "CPU s",
            "index MB",
            "says of itself MB",
            "resident MB",
            "peak MB",
        ],
        rows=[_row(label, own) for label, own in builds],
        text_columns=4,
        emphasised=frozenset(place for place, (label, _) in enumerate(builds) if is_ours(label)),
        notes=["index: resident memory with it less resident memory before it; resident: of the whole process."],
    )


def _row(label: str, points: Sequence[Point]) -> list[str]:
    result = points[0].result
    reported = result.reported_index_bytes
    return [
        label,
        arguments_text(result.arguments),
        "; ".join(dict.fromkeys(arguments_text(point.result.query_arguments) for point in points)),
        ", ".join(f"{name} {version}" for name, version in result.versions.items()),
        str(result.threads),
        number_text(result.build_seconds),
        number_text(result.build_cpu_seconds),
        number_text(result.index_bytes / 1e6),
        "-" if reported is None else number_text(reported / 1e6),
        number_text(result.memory_after_build_bytes / 1e6),
        number_text(result.memory_peak_bytes / 1e6),
    ]
