"""Batches of queries in one call, remote against embedded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import vecdb
from vecdb.bench.promises.dataset import Floats
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.lap import alternate, rate_reading, time_lap
from vecdb.bench.promises.reading import Result, Target
from vecdb.bench.promises.served_database import lap_with, served_database
from vecdb.bench.promises.setting import THREADS, K, Setting

BATCH_QUERIES: Final = 256
LAP_TIMES: Final = 4  # a lap has so many times the queries of other laps, since batches are fast


def remote_batch(setting: Setting) -> list[Result]:
    """Queries a second of one client that searches batch by batch and reads what it finds."""
    queries = setting.dataset().queries(max(LAP_TIMES * setting.queries_per_lap, BATCH_QUERIES))
    queries = queries[: len(queries) // BATCH_QUERIES * BATCH_QUERIES]
    results = []
    with served_database(setting) as served, served.embedded() as near, served.remote() as far:
        for label, read in (("ids and scores", read_scores), ("ids, scores and payloads", read_payloads)):
            embedded, remote = (partial(search_all, db[COLLECTION], queries, read) for db in (near, far))
            if embedded() != remote():  # and both are warm
                raise RuntimeError("the doors find different rows")
            laps = alternate(
                [partial(lap_with, served.server, remote), partial(time_lap, embedded)], setting.repetitions
            )
            ours, theirs = (rate_reading(each, len(queries), "queries/s") for each in laps)
            results.append(
                Result(
                    measure=f"batches of {BATCH_QUERIES}, {THREADS} threads, {label} read",
                    ours=ours,
                    peer=theirs,
                    peer_name="embedded",
                    target=Target(0.85, is_floor=True, is_ratio=True),
                )
            )
    return results


Read = Callable[[vecdb.Collection, Floats], list[object]]


def search_all(docs: vecdb.Collection, queries: Floats, read: Read) -> list[object]:
    """A lap: what was read of every query."""
    found = []
    for first in range(0, len(queries), BATCH_QUERIES):
        found += read(docs, queries[first : first + BATCH_QUERIES])
    return found


def read_scores(docs: vecdb.Collection, queries: Floats) -> list[object]:
    """One batch: ids, and the bytes of the scores."""
    found = docs.search(queries, K, select=[])
    return [found.ids, found.scores.tobytes()]


def read_payloads(docs: vecdb.Collection, queries: Floats) -> list[object]:
    """One batch, its payloads too."""
    return [(hits.ids, hits.scores.tobytes(), hits.payloads) for hits in docs.search(queries, K)]
