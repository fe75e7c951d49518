"""Searches sent ahead of their answers over one stream, against one call after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import vecdb
from vecdb.bench.promises.dataset import Floats
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.lap import alternate, rate_reading
from vecdb.bench.promises.reading import Result, Target
from vecdb.bench.promises.served_database import lap_with, served_database
from vecdb.bench.promises.setting import K, Setting


def remote_stream(setting: Setting) -> list[Result]:
    """Searches a second of search_stream() and of search(), of one client; the ids of each are read."""
    queries = list(setting.dataset().queries(setting.queries_per_lap))
    results = []
    with served_database(setting) as served, served.remote() as db:
        docs = db[COLLECTION]
        for label, select in (("", None), (", select=[]", [])):
            works = [streamed(docs, queries, select), one_by_one(docs, queries, select)]
            if works[0]() != works[1]():  # and both are warm
                raise RuntimeError("the stream finds other rows than single calls")
            laps = alternate([partial(lap_with, served.server, work) for work in works], setting.repetitions)
            stream, single = (rate_reading(each, len(queries), "searches/s") for each in laps)
            results.append(
                Result(
                    measure=f"pipelined search stream{label}",
                    ours=stream,
                    peer=single,
                    peer_name="single calls",
                    target=Target(2, is_floor=True, is_ratio=True),
                )
            )
    return results


def streamed(docs: vecdb.Collection, queries: list[Floats], select: Sequence[str] | None) -> Callable[[], object]:
    """A lap over one stream."""
    return lambda: [hits.ids for hits in docs.search_stream(queries, K, select=select)]


def one_by_one(docs: vecdb.Collection, queries: list[Floats], select: Sequence[str] | None) -> Callable[[], object]:
    """A lap of single calls."""
    return lambda: [docs.search(query, K, select=select).ids for query in queries]
