"""What an index holds in memory when it is served, against hnswlib: each opened from its file in a new process."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import vecdb
from vecdb.bench.fresh_process import in_fresh_process
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.graph_rows import graph_collection, put
from vecdb.bench.promises.hnswlib_peer import HnswlibGraph
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import THREADS, K, Setting

WITHOUT_ROWS: Final = 0.2  # of hnswlib's memory, which has the rows in its graph
WITH_ROWS: Final = 0.65


def graph_memory(setting: Setting) -> list[Result]:
    """MiB of codes, graph and ids; the same with the rows that searches score again; of the index by its own count."""
    with setting.empty_folder() as folder:
        in_fresh_process(store_ours, folder / "database", setting)
        in_fresh_process(store_theirs, folder / "hnswlib.bin", setting)
        own, mapped, counted = in_fresh_process(weigh_ours, folder / "database", setting)
        theirs = in_fresh_process(weigh_theirs, folder / "hnswlib.bin", setting)
    count, peer = len(setting.dataset().train), mebibytes(theirs)
    label = f"memory of {count:,} rows opened and searched"
    return [
        Result(
            measure=f"{label}: {what}",
            ours=mebibytes(size),
            peer=peer,
            peer_name=HnswlibGraph.name,
            target=Target(bound, is_floor=False, is_ratio=True) if bound else None,
        )
        for what, size, bound in (
            ("codes, graph, ids", own, WITHOUT_ROWS),
            ("with the rows, as far as searches touched them", own + mapped, WITH_ROWS),
            ("codes and graph, by their own count", counted, None),
        )
    ]


def store_ours(path: Path, setting: Setting) -> None:
    """A database with every row, indexed and closed."""
    with graph_collection(path, setting) as docs:
        put(docs, setting, setting.dataset().ids)
        docs.optimize(wait=True)


def store_theirs(path: Path, setting: Setting) -> None:
    """An hnswlib index of every row, saved."""
    graph = HnswlibGraph(setting.dataset().train)
    graph.build()
    graph.save(path)


def weigh_ours(path: Path, setting: Setting) -> tuple[int, int, int]:
    """Bytes added by opening and searching: of the process's own memory, of mapped files, and what the index counts."""
    queries = setting.dataset().queries(setting.queries_per_lap)
    before = resident_parts()
    with vecdb.connect(path, threads=THREADS) as db:
        docs = db[COLLECTION]
        for query in queries:
            docs.search(query, k=K)
        after = resident_parts()
        counted = docs.stats().memory_bytes
    return after[0] - before[0], after[1] - before[1], counted


def weigh_theirs(path: Path, setting: Setting) -> int:
    """Bytes added by loading and searching."""
    dataset = setting.dataset()
    queries = dataset.queries(setting.queries_per_lap)
    before = resident_parts()
    graph = HnswlibGraph.load(path, dataset.dimension)
    for query in queries:
        graph.search(query)
    after = resident_parts()
    return sum(after) - sum(before)


def resident_parts() -> tuple[int, int]:
    """Bytes of this process in RAM: its own memory, and mapped files."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    own, mapped = (int(fields[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile"))
    return own, mapped


def mebibytes(size: int) -> Reading:
    """One value."""
    return Reading((size / 2**20,), "MiB")
