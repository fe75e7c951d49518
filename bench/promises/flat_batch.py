"""Exact search of many queries in one call, against Faiss."""

from __future__ import annotations

import vecdb
from vecdb.bench.promises.durable_upsert import create, upsert_all
from vecdb.bench.promises.faiss_peer import FaissFlat
from vecdb.bench.promises.lap import alternate, rate_reading, time_lap
from vecdb.bench.promises.reading import Result, Target
from vecdb.bench.promises.setting import THREADS, K, Setting


def flat_batch(setting: Setting) -> list[Result]:
    """Queries a second of one call with a batch of queries, on float32 with THREADS threads."""
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_batch)
    peer = FaissFlat(dataset.train)
    with setting.empty_folder() as folder, vecdb.connect(folder / "database", threads=THREADS) as db:
        docs = create(db, setting, vecdb.Flat())
        upsert_all(docs, setting)
        docs.optimize(wait=True)
        searches = (lambda: docs.search(queries, k=K).id_array, lambda: peer.search(queries))
        for search in searches:
            search()  # the first call pays for threads and scratch memory
        ours, theirs = alternate([lambda: time_lap(searches[0]), lambda: time_lap(searches[1])], setting.repetitions)
    return [
        Result(
            measure=f"flat, batch of {len(queries):,}, {THREADS} threads",
            ours=rate_reading(ours, len(queries), "queries/s"),
            peer=rate_reading(theirs, len(queries), "queries/s"),
            peer_name=peer.name,
            target=Target(1, is_floor=True, is_ratio=True),
        )
    ]
