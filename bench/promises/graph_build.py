"""Building the graph with two threads, through the collection and natively, against hnswlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

import vecdb
from vecdb.bench.promises.durable_upsert import GRAPH, create, upsert_all
from vecdb.bench.promises.hnswlib_peer import HnswlibGraph
from vecdb.bench.promises.lap import Lap, alternate, time_lap, time_reading
from vecdb.bench.promises.reading import Result, Target
from vecdb.bench.promises.setting import EF_CONSTRUCTION, THREADS, M, Setting
from vecdb.native.index import Graph, ThreadPool
from vecdb.native.rows import RowStore
from vecdb.schema import Index

PAGE_SHIFT: Final = 14


def graph_build(setting: Setting) -> list[Result]:
    """Seconds that a graph adds to a load, seconds of the native insert alone, and hnswlib's, for every row."""
    dataset = setting.dataset()
    ours, native, theirs = alternate(
        [
            lambda: collection_lap(setting),
            lambda: native_lap(setting),
            lambda: time_lap(HnswlibGraph(dataset.train).build),
        ],
        setting.repetitions,
    )
    peer, target = time_reading(theirs), Target(1, is_floor=False, is_ratio=True)
    return [
        Result(measure=name, ours=time_reading(laps), peer=peer, peer_name=HnswlibGraph.name, target=target)
        for name, laps in (
            (f"graph build, {THREADS} threads: upsert to optimized, less a load without graph", ours),
            (f"graph build, {THREADS} threads: native insert", native),
        )
    ]


def collection_lap(setting: Setting) -> Lap:
    """From the first upsert to the end of optimize(), less the same for a flat collection: what the graph costs."""
    with_graph, flat = load_lap(setting, GRAPH), load_lap(setting, vecdb.Flat())
    return Lap(with_graph.wall_seconds - flat.wall_seconds, with_graph.cpu_seconds - flat.cpu_seconds)


def load_lap(setting: Setting, index: Index) -> Lap:
    """From the first upsert to the end of optimize(), in a new database."""
    with setting.empty_folder() as folder, vecdb.connect(folder / "database", threads=THREADS) as db:
        docs = create(db, setting, index)

        def load() -> None:
            upsert_all(docs, setting)
            docs.optimize(wait=True)

        return time_lap(load)


def native_lap(setting: Setting) -> Lap:
    """Graph.insert of every row at once, from vectors that are already in their store."""
    return time_lap(native_build(setting))


def native_build(setting: Setting) -> Callable[[], None]:
    """A call that builds the graph over a store that holds every row."""
    rows = setting.dataset().train
    count, dimension = rows.shape
    store = RowStore("float32", "dot", dimension, dimension * 4, PAGE_SHIFT)
    for first in range(0, count, 1 << PAGE_SHIFT):
        page = np.zeros((1 << PAGE_SHIFT, dimension), np.float32)
        part = rows[first : first + len(page)]
        page[: len(part)] = part
        store.add_page(page.reshape(-1).view(np.uint8))
    graph, pool = Graph(store, M, EF_CONSTRUCTION), ThreadPool(THREADS)

    def build() -> None:
        graph.insert(np.arange(count, dtype=np.uint32), pool)

    return build
