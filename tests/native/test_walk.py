"""Walks of a known graph by rows of code4, at every level in a process of its own, against a walk in Python."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vecdb.native import kernels
from vecdb.native.index import Graph, RowMask, ThreadPool, search, search_many
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4, RowStore

ROOT = Path(__file__).parents[2]
SEED = 91
COUNT, PAGE_SHIFT = 1_000, 8
QUERIES = 6
CAPACITIES = [1, 2, 3, 8, 23, 24, 25, 40, 41, 63, 64, 65, 128, 129, 500, COUNT]
LANDMARKS = 128  # rows among which a walk chooses its start
UNDER_WAY = 4  # expansions at a time where there is a kernel for the walk
LINKS = [2, 3, 16, 32, 33]  # m; lists of twice as many: 64 is the longest that has a kernel
# Any number of lines and both metrics at one width of the lists, every width at one number of lines.
WORLDS: list[tuple[Metric, int, int]] = [
    *((metric, lines, 16) for metric in kernels.METRICS for lines in (1, 2, 3)),
    *(("l2", 1, m) for m in LINKS if m != 16),
]

Rows = NDArray[np.uint32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class World:
    """A graph of one layer over codes that were made up; a query's numbers are whole, so that no level rounds them."""

    store: RowStore
    graph: Graph
    links: Rows
    queries: Floats

    def distances(self) -> Floats:
        """(queries, rows), by a scan."""
        live = RowMask.of(np.arange(COUNT, dtype=np.uint32))
        found, distances, _ = search_many(
            None, self.store, self.queries, live, RowMask(), COUNT, 1, False, ThreadPool(1)
        )
        by_row = np.empty_like(distances)
        np.put_along_axis(by_row, found.astype(np.int64), distances, axis=1)
        return by_row

    def pool(self, query: int, capacity: int) -> tuple[Rows, Floats]:
        """What a walk has kept when it ends: all of it is asked for."""
        live = RowMask.of(np.arange(COUNT, dtype=np.uint32))
        rows, distances, scanned = search(
            self.graph, self.store, self.queries[query], live, RowMask(), capacity, capacity, False, False
        )
        assert not scanned
        return rows, distances


def world(metric: Metric, lines: int, m: int) -> World:
    rng = np.random.default_rng([SEED, lines, m])
    width = 128 * lines - 16
    code4 = Code4(metric, lines, np.eye(width, dtype=np.float32), np.zeros(width, np.float32))
    codes = rng.integers(0, 256, (COUNT, code4.row_bytes), np.uint8)
    codes[100:160] = codes[100]  # copies, told apart by their number
    factors = np.stack([rng.uniform(0.5, 2, COUNT), rng.uniform(0, 1e5, COUNT)], axis=1).astype(np.float32)
    factors[100:160] = factors[100]
    factors[200:210, 0] = np.nan
    factors[210:220, 0] = np.inf
    codes[:, -8:] = factors.view(np.uint8)
    queries = rng.integers(-80, 81, (QUERIES, width)).astype(np.float32)
    queries[:, 5] = 127
    store = RowStore("code4", metric, width, code4.row_bytes, PAGE_SHIFT, code4)
    pages = np.zeros((-(-COUNT >> PAGE_SHIFT) << PAGE_SHIFT, code4.row_bytes), np.uint8)
    pages[:COUNT] = codes
    for first in range(0, len(pages), 1 << PAGE_SHIFT):
        store.add_page(pages[first : first + (1 << PAGE_SHIFT)].reshape(-1))
    links = np.empty((COUNT, 2 * m), np.uint32)
    for row in range(COUNT):
        others = rng.choice(COUNT - 1, 2 * m, replace=False)
        links[row] = others + (others >= row)
        links[row, int(rng.integers(2 * m // 2, 2 * m + 1)) :] = row  # unused places
    links[:, 0] = (np.arange(COUNT) + 1) % COUNT  # every row is met in the end
    for row in range(COUNT):
        links[row, 1:][links[row, 1:] == links[row, 0]] = row
    graph = Graph(store, m, 50)
    graph.restore(np.ones(COUNT, np.uint8), links, np.empty(0, np.uint32), 17)
    assert graph.unsound_links() == 0
    return World(store, graph, links, queries)


def walk(links: Rows, distances: Floats, capacity: int, under_way: int) -> list[tuple[float, int]]:
    """Expands the nearest of the `capacity` nearest rows met, until all are; it is at `under_way` of them at a time.

    Of those the first but one have their lists read before the first one's rows are scored.
    """
    start = min((float(distances[row]), row) for row in (place * COUNT // LANDMARKS for place in range(LANDMARKS)))
    pool = [start]
    met, taken = {start[1]}, set()
    chosen: list[int] = []
    opened: list[set[int]] = []
    while True:
        for _, row in pool:
            if len(chosen) < under_way and row not in taken:
                taken.add(row)
                chosen.append(row)
        if not chosen:
            return pool
        for row in chosen[len(opened) : max(1, under_way - 1)]:
            opened.append(set(links[row].tolist()) - met)
            met |= opened[-1]
        chosen.pop(0)
        pool = sorted(pool + [(float(distances[link]), link) for link in opened.pop(0)])[:capacity]


def write_pools(path: str) -> None:
    """Runs in a process of its own."""
    arrays: dict[str, NDArray[np.generic]] = {"level": np.array(kernels.active())}
    for choice in WORLDS:
        one = world(*choice)
        for query in range(QUERIES):
            for capacity in CAPACITIES:
                rows, distances = one.pool(query, capacity)
                name = f"{choice} {query} {capacity}"
                arrays[f"{name} rows"], arrays[f"{name} distances"] = rows, distances
    np.savez(path, **arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", kernels.levels())
def test_a_walk_keeps_what_the_rule_says(level: str, tmp_path: Path) -> None:
    path = str(tmp_path / "pools.npz")
    program = f"from tests.native.test_walk import write_pools; write_pools({path!r})"
    environment = {**os.environ, "VECDB_ISA": level, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    arrays = dict(np.load(path))
    assert str(arrays["level"]) == level
    for choice in WORLDS:
        one = world(*choice)
        all_distances = one.distances()
        under_way = UNDER_WAY if level in ("avx2", "avx512") and one.links.shape[1] <= 64 else 1
        for query in range(QUERIES):
            for capacity in CAPACITIES:
                name = f"{choice} {query} {capacity}"
                pool = walk(one.links, all_distances[query], capacity, under_way)
                message = f"seed {SEED}, {name}"
                assert arrays[f"{name} rows"].tolist() == [row for _, row in pool], message
                assert arrays[f"{name} distances"].tolist() == [distance for distance, _ in pool], message


@pytest.mark.parametrize("choice", WORLDS, ids=str)
def test_a_pool_that_has_room_for_all_ends_with_all(choice: tuple[Metric, int, int]) -> None:
    one = world(*choice)
    for query, distances in enumerate(one.distances()):
        rows, found = one.pool(query, 2 * COUNT)
        order = np.lexsort((np.arange(COUNT), distances))
        assert rows.tolist() == order.tolist(), f"seed {SEED}"
        np.testing.assert_array_equal(found, distances[order], err_msg=f"seed {SEED}")
