"""Whether search(recall=...) gives what it is asked for, on queries that the index does not know."""

from __future__ import annotations

from typing import Final

import vecdb
from vecdb.bench.promises.dataset import Floats
from vecdb.bench.promises.graph_rows import found_ids, graph_collection, put, recall_among
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import K, Setting

ASKED: Final = (0.9, 0.95, 0.99)
BELOW: Final = 0.005
ABOVE: Final = 0.02


def calibrated_recall(setting: Setting) -> list[Result]:
    """Measured recall, and measured less asked, at each of ASKED."""
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_batch)
    with setting.empty_folder() as folder, graph_collection(folder / "database", setting) as docs:
        put(docs, setting, dataset.ids)
        docs.optimize(wait=True)
        efs = efs_for(docs, queries[0])
        recalls = [recall_among(dataset, dataset.ids, queries, found_ids(docs, queries, ef)) for ef in efs]
    return [
        result
        for asked, ef, measured in zip(ASKED, efs, recalls, strict=True)
        for result in results_of(asked, ef, measured)
    ]


def efs_for(docs: vecdb.Collection, query: Floats) -> list[int]:
    """The candidates that searches at each of ASKED keep; K where there is no graph."""
    return [docs.search(query, k=K, recall=asked).plan.ef or K for asked in ASKED]


def results_of(asked: float, ef: int, measured: float) -> list[Result]:
    """Two lines: not less than was asked, and not much more, unless the walk could not have been shorter."""
    label = f"recall={asked:.2f} (ef {ef})"
    smallest = ef <= K
    return [
        Result(
            measure=f"{label}: recall@{K}",
            ours=Reading((measured,), "of 1"),
            target=Target(asked - BELOW, is_floor=True),
        ),
        Result(
            measure=f"{label}: above what was asked" + (", at the smallest ef" if smallest else ""),
            ours=Reading((measured - asked,), "of 1"),
            target=None if smallest else Target(ABOVE, is_floor=False),
        ),
    ]
