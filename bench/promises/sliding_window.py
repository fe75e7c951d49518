"""A sliding window over the rows in their own order: recall at the default setting, step by step."""

from __future__ import annotations

from typing import Final

import numpy as np

import vecdb
from vecdb.bench.promises.dataset import Ids
from vecdb.bench.promises.graph_rows import found_ids, graph_collection, lost_rows, put, recall_among
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import K, Setting

RECALL_FLOOR: Final = 0.95


def sliding_window(setting: Setting) -> list[Result]:
    """The lowest recall after any step, with what was just written still to be indexed, and when it has been.

    Batch after batch comes; as soon as half of them are there the oldest goes for each that comes. No ef and no recall
    is given.
    """
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_batch)
    batches = np.array_split(dataset.ids, setting.window_batches)
    window = max(1, len(batches) // 2)
    at_once: list[float] = []
    settled: list[float] = []
    with setting.empty_folder() as folder, graph_collection(folder / "database", setting) as docs:

        def recall(live: Ids) -> float:
            return recall_among(dataset, live, queries, found_ids(docs, queries))

        for number, batch in enumerate(batches):
            put(docs, setting, batch)
            if number >= window:
                docs.delete(batches[number - window])
            live = np.concatenate(batches[max(0, number + 1 - window) : number + 1])
            at_once.append(recall(live))
            docs.optimize(wait=True)
            settled.append(recall(live))
        lost = lost_rows(docs)
        bytes_a_row = disk_bytes_a_row(docs)
    label = f"sliding window of {window} of {len(batches)} batches, default search"
    floor = Target(RECALL_FLOOR, is_floor=True)
    return [
        Result(measure=f"{label}: lowest recall@{K}", ours=Reading((min(at_once),), "of 1"), target=floor),
        Result(measure=f"{label}: lowest recall@{K}, all indexed", ours=Reading((min(settled),), "of 1"), target=floor),
        Result(
            measure=f"{label}: rows that no walk reaches",
            ours=Reading((float(lost),), "rows"),
            target=Target(0, is_floor=False),
        ),
        Result(measure=f"{label}: disk a live row at the end", ours=Reading((bytes_a_row,), "bytes")),
    ]


def disk_bytes_a_row(docs: vecdb.Collection) -> float:
    """Bytes of files for each row that is there."""
    stats = docs.stats()
    return stats.disk_bytes / max(1, stats.rows)
