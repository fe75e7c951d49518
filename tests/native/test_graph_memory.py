"""What a graph's links take of memory, as the system counts, and that a graph which gave some back is as it was."""

import gc
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.native.stored_rows import all_rows, mask_of, stored
from vecdb.native.index import Graph, RowMask, ThreadPool, search

POOL = ThreadPool(2)
M = 16
LIST_BYTES = 2 * M * 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """A graph as bytes, to be compared."""

    levels: bytes
    ground: bytes
    upper: bytes
    entry: int

    @classmethod
    def of(cls, graph: Graph, rows: int) -> "Numbers":
        links = graph.ground_links(0, rows).tobytes()
        return cls(graph.levels().tobytes(), links, graph.upper_links().tobytes(), graph.entry)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def vectors(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 4), dtype=np.float32)


def test_few_rows_take_little() -> None:
    rows = stored(vectors(600, seed=81))
    graphs = [Graph(rows.store, M, 20) for _ in range(21)]
    graphs[0].insert(all_rows(600), POOL)
    before = resident_bytes()
    for graph in graphs[1:]:
        graph.insert(all_rows(600), POOL)
    assert resident_bytes() - before < 20 * (600 * LIST_BYTES + (300 << 10) + (128 << 10)), "lists, upper lists, marks"


def test_links_of_rows_that_left_go_back_and_the_rest_is_as_it_was() -> None:
    count, kept = 40_000, 3_000
    rows = stored(vectors(count, seed=82))
    graph = Graph(rows.store, M, 20)
    graph.insert(all_rows(count), POOL)
    stay, leave = all_rows(kept), all_rows(count)[kept:]
    again = np.ascontiguousarray(leave[::2])
    graph.remove(leave, POOL)
    before_it = Numbers.of(graph, count)
    gc.collect()
    before = resident_bytes()
    graph.give_back()
    assert before - resident_bytes() > 0.8 * len(leave) * LIST_BYTES
    assert Numbers.of(graph, count) == before_it
    graph.insert(again, POOL)
    members = np.sort(np.concatenate([stay, again]))
    assert graph.unsound_links() == 0
    assert graph.relink() == 0
    for query in vectors(50, seed=83):
        found, _, scanned = search(graph, rows.store, query, mask_of(members), RowMask(), 10, 200, False, False)
        nearest = members[np.argsort(rows.distances(query)[0][members])[:10]]
        assert not scanned
        assert len(np.intersect1d(found, nearest)) >= 9, "seed 83"


def test_a_graph_of_no_rows_gives_nothing_back() -> None:
    graph = Graph(stored(vectors(10, seed=84)).store, M, 20)
    graph.give_back()
    graph.insert(all_rows(10), POOL)
    graph.give_back()
    assert len(graph) == 10
    assert graph.unsound_links() == 0
