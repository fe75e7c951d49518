"""A comparison as tables: the figures, and their ratios to the baseline and to the best peer."""

from __future__ import annotations

from vecdb.bench.pages.appearance import is_ours
from vecdb.bench.pages.comparison import Comparison, Row
from vecdb.bench.pages.spread import Spread, number_text, spread_text
from vecdb.bench.pages.table import Table


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Two tables of one row for each index: figures, then ratios; the warnings are notes of the second."""
    ours = frozenset(place for place, row in enumerate(comparison.rows) if is_ours(row.algorithm))
    recalls = [recall_text(recall) for recall in comparison.recalls]
    speeds = Table(
        title="Queries a second at a recall",
        headings=["algorithm", *recalls, "top recall", "build s", "memory MB"],
        rows=[_figures(row) for row in comparison.rows],
        emphasised=ours,
        notes=["Medians of the laps; ± is the larger deviation of a round. - : the curve does not reach that recall."],
    )
    base = comparison.baseline
    ratios = Table(
        title=f"Speed over {base}, and over the best peer",
        headings=[
            "algorithm",
            *(f"{recall} / {base}" for recall in recalls),
            f"build / {base}",
            f"memory / {base}",
            *(f"{recall} / best" for recall in recalls),
        ],
        rows=[_ratios(row) for row in comparison.rows],
        emphasised=ours,
        notes=[_best_peers(comparison), *comparison.warnings],
    )
    return [speeds, ratios]


def recall_text(recall: float) -> str:
    """`.95`, `.999`, `1`."""
    return f"{recall:.2f}".lstrip("0") if recall * 100 == round(recall * 100) < 100 else f"{recall:g}".lstrip("0")


def top_recall_text(recall: float) -> str:
    """Four digits after the point; 1 only if nothing was missed."""
    return "1" if recall >= 1 else f"{min(recall, 0.9999):.4f}".lstrip("0") or "0"


def _figures(row: Row) -> list[str]:
    return [
        f"{row.label} †" if row.partial else row.label,
        *(spread_text(figure) for figure in row.qps),
        top_recall_text(row.top_recall),
        number_text(row.build_seconds),
        number_text(row.index_bytes / 1e6),
    ]


def _ratios(row: Row) -> list[str]:
    return [
        f"{row.label}{' †' if row.partial else ''}{' *' if row.other_session else ''}",
        *(_ratio(figure) for figure in row.to_baseline),
        _plain_ratio(row.build_to_baseline),
        _plain_ratio(row.memory_to_baseline),
        *(_ratio(figure) for figure in row.to_best_peer),
    ]


def _ratio(figure: Spread | None) -> str:
    return spread_text(figure, digits=2)


def _plain_ratio(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"


def _best_peers(comparison: Comparison) -> str:
    """Names who is compared with: the same peer for several recalls once."""
    if not any(comparison.best_peers):
        return "Best peer: none reaches these recalls."
    named = [
        f"{recall_text(recall)} {peer}"
        for recall, peer in zip(comparison.recalls, comparison.best_peers, strict=True)
        if peer is not None
    ]
    return f"Best peer at each recall: {', '.join(named)}."
