"""Whether search(recall=...) gives what it is asked for, on queries that nothing was learnt from."""

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
LEARNT_QUERIES: Final = 800  # of the data's, asked beforehand; the others are measured


def calibrated_recall(setting: Setting) -> list[Result]:
    """Measured recall, and measured less asked, at each of ASKED: by an index that was asked nothing yet, and by one
    that knows LEARNT_QUERIES other queries.
    """
    dataset = setting.dataset()
    learnt = dataset.test[: min(LEARNT_QUERIES, len(dataset.test) // 2)]
    queries = dataset.test[len(learnt) :][: setting.queries_per_batch]
    with setting.empty_folder() as folder, graph_collection(folder / "database", setting) as docs:
        put(docs, setting, dataset.ids)
        docs.optimize(wait=True)
        from_rows = efs_for(docs, learnt[0])
        for query in learnt:
            docs.search(query, k=K)
        docs.optimize(wait=True)
        from_queries = efs_for(docs, learnt[0])
        # Last, and by ef: what is measured on must not have been learnt from.
        efs = sorted({*from_rows, *from_queries})
        recalls = {ef: recall_among(dataset, dataset.ids, queries, found_ids(docs, queries, ef)) for ef in efs}
    return [
        result
        for how, chosen in (("rows alone known", from_rows), (f"{len(learnt)} other queries known", from_queries))
        for asked, ef in zip(ASKED, chosen, strict=True)
        for result in results_of(how, asked, ef, recalls[ef])
    ]


def efs_for(docs: vecdb.Collection, query: Floats) -> list[int]:
    """The candidates that searches at each of ASKED keep; K where there is no graph."""
    return [docs.search(query, k=K, recall=asked).plan.ef or K for asked in ASKED]


def results_of(how: str, asked: float, ef: int, measured: float) -> list[Result]:
    """Two lines: not less than was asked, and not much more, unless the walk could not have been shorter."""
    label = f"recall={asked:.2f}, {how} (ef {ef})"
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
