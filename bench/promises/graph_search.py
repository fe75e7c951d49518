"""Searches through the graph, one query at a time from Python, against hnswlib at the same recall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

import vecdb
from vecdb.bench.promises.dataset import Floats, Ids, recall, true_scores
from vecdb.bench.promises.durable_upsert import GRAPH, create, upsert_all
from vecdb.bench.promises.hnswlib_peer import HnswlibGraph
from vecdb.bench.promises.lap import Lap, alternate, time_lap
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import THREADS, K, Setting
from vecdb.bench.promises.sweep import rate_at_recall

RECALLS: Final = (0.95, 0.99)


def graph_search(setting: Setting) -> list[Result]:
    """Queries a second of one thread at recall@10 of .95 and .99, on float32 with the same m and ef_construction."""
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_lap)
    bounds = true_scores(dataset, queries, K)
    peer = HnswlibGraph(dataset.train)
    peer.build()
    with setting.empty_folder() as folder, vecdb.connect(folder / "database", threads=THREADS) as db:
        docs = create(db, setting, GRAPH)
        upsert_all(docs, setting)
        docs.optimize(wait=True)
        ours, theirs = Curve(), Curve()
        for ef in setting.efs:

            def search_ours(query: Floats, ef: int = ef) -> list[vecdb.Id]:
                ids: list[vecdb.Id] = docs.search(query, k=K, ef=ef).ids
                return ids

            peer.set_ef(ef)
            for curve, search in ((ours, search_ours), (theirs, peer.search)):
                found = np.array([search(query) for query in queries], np.int64).reshape(len(queries), K)
                curve.recalls.append(recall(dataset, queries, found, bounds))
            laps = alternate([search_lap(search_ours, queries), search_lap(peer.search, queries)], setting.repetitions)
            for curve, curve_laps in zip((ours, theirs), laps, strict=True):
                curve.laps.append(curve_laps)
    return [
        Result(
            measure=f"graph, one query a call, recall@{K} {target:.2f}",
            ours=ours.reading(target, len(queries)),
            peer=theirs.reading(target, len(queries)),
            peer_name=peer.name,
            target=Target(1, is_floor=True, is_ratio=True),
        )
        for target in RECALLS
    ]


class Curve:
    """Recall and laps by ef, in order."""

    def __init__(self) -> None:
        self.recalls: list[float] = []
        self.laps: list[list[Lap]] = []

    def reading(self, recall: float, count: int) -> Reading:
        """Queries a second at a recall, by repetition; laps are of `count` queries."""
        rates, cpu_seconds = [], []
        for laps in zip(*self.laps, strict=True):
            rate = rate_at_recall(self.recalls, [count / lap.wall_seconds for lap in laps], recall)
            cpu_rate = rate_at_recall(self.recalls, [count / lap.cpu_seconds for lap in laps], recall)
            if rate is not None and cpu_rate is not None:
                rates.append(rate)
                cpu_seconds.append(count / cpu_rate)
        return Reading(tuple(rates), "queries/s", tuple(cpu_seconds))


def search_lap(search: Callable[[Floats], list[vecdb.Id] | Ids], queries: Floats) -> Callable[[], Lap]:
    """A lap of one call a query."""
    singles = list(queries)

    def run() -> None:
        for query in singles:
            search(query)

    return lambda: time_lap(run)
