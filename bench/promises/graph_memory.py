"""What an index holds in memory when it is served, against hnswlib: each opened from its file in a new process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import vecdb
from vecdb.bench.fresh_process import in_fresh_process
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.graph_rows import graph_collection, put
from vecdb.bench.promises.hnswlib_peer import HnswlibGraph
from vecdb.bench.promises.memory_maps import MemoryMaps
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import THREADS, K, Setting
from vecdb.schema import Dtype

WITHOUT_ROWS: Final = 0.2  # of hnswlib's memory, which has the rows in its graph
WITH_ROWS: Final = 0.65
ROW_FILES: Final = "*/rows/v*"


def graph_memory(setting: Setting) -> list[Result]:
    """MiB of all but the rows; the same with the rows that searches score again; of the index by its own count.

    Memory is what is resident (/proc/self/smaps). Both libraries are loaded before: what ours takes by itself, with a
    database of no rows, is the last measure.
    """
    with setting.empty_folder() as folder:
        in_fresh_process(store_ours, folder / "float32", setting, "float32")
        in_fresh_process(store_ours, folder / "float16", setting, "float16")
        in_fresh_process(store_theirs, folder / "hnswlib.bin", setting)
        ours = in_fresh_process(weigh_ours, folder / "float32", setting)
        narrow = in_fresh_process(weigh_ours, folder / "float16", setting)
        theirs = in_fresh_process(weigh_theirs, folder / "hnswlib.bin", setting)
    count, peer = len(setting.dataset().train), mebibytes(theirs)
    label = f"memory of {count:,} rows opened and searched"
    return [
        *(
            Result(
                measure=f"{label}: {what}",
                ours=mebibytes(size),
                peer=peer,
                peer_name=HnswlibGraph.name,
                target=Target(bound, is_floor=False, is_ratio=True) if bound else None,
            )
            for what, size, bound in (
                ("codes, graph, ids", ours.without_rows, WITHOUT_ROWS),
                ("with the rows, as far as searches touched them", ours.with_rows, WITH_ROWS),
                ("with the rows, of float16", narrow.with_rows, WITH_ROWS),
                ("codes and graph, by their own count", ours.counted, None),
            )
        ),
        Result(measure="memory of the library and a database of no rows", ours=mebibytes(ours.library)),
    ]


def store_ours(path: Path, setting: Setting, dtype: Dtype) -> None:
    """A database with every row, indexed and closed."""
    with graph_collection(path, setting, dtype) as docs:
        put(docs, setting, setting.dataset().ids)
        docs.optimize(wait=True)


def store_theirs(path: Path, setting: Setting) -> None:
    """An hnswlib index of every row, saved."""
    graph = HnswlibGraph(setting.dataset().train)
    graph.build()
    graph.save(path)


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes that a database adds to a process in which the library is loaded, and what the library takes."""

    without_rows: int
    with_rows: int
    counted: int  # by the index itself
    library: int


def weigh_ours(path: Path, setting: Setting) -> Weight:
    """What opening and searching the database in a folder adds."""
    queries = setting.dataset().queries(setting.queries_per_lap)
    alone = resident(MemoryMaps.now())
    with setting.empty_folder() as folder, graph_collection(folder / "empty", setting) as docs:
        docs.search(queries[0], k=K)
        loaded = resident(MemoryMaps.now())
    before = MemoryMaps.now()
    with vecdb.connect(path, threads=THREADS) as db:
        docs = db[COLLECTION]
        for query in queries:
            docs.search(query, k=K)
        after = MemoryMaps.now()
        counted = docs.stats().memory_bytes
    added = resident(after) - resident(before)
    return Weight(added - after.resident_bytes(ROW_FILES), added, counted, loaded - alone)


def weigh_theirs(path: Path, setting: Setting) -> int:
    """Bytes added by loading and searching."""
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_lap)
    before = MemoryMaps.now()
    graph = HnswlibGraph.load(path, dataset.dimension)
    for query in queries:
        graph.search(query)
    return resident(MemoryMaps.now()) - resident(before)


def resident(maps: MemoryMaps) -> int:
    """Bytes in RAM, whatever they hold."""
    return maps.resident_bytes("*")


def mebibytes(size: int) -> Reading:
    """One value."""
    return Reading((size / 2**20,), "MiB")
