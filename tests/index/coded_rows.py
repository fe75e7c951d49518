"""Clustered rows that an index walks by codes, and what numpy says is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.index.indexed_rows import PAGE_SHIFT, POOL, Floats, Metric
from vecdb.index.hnsw import HnswIndex
from vecdb.index.vector_index import RowNumbers, View
from vecdb.native.index import RowMask
from vecdb.native.rows import RowStore
from vecdb.schema import Hnsw

SEED = 58
COUNT, DIMENSION, K, EF = 3_000, 48, 10, 100
ALL = np.arange(COUNT, dtype=np.uint32)
SETTINGS = Hnsw(m=12, ef_construction=80)
SHAPES = ["l2", "dot", "unit"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that can be written over: X is what the store reads."""

    X: Floats
    store: RowStore
    metric: Metric
    unit: bool

    def index(self, file: Path | None = None) -> HnswIndex:
        return HnswIndex(self.store, SETTINGS, POOL, POOL, file, unit=self.unit)

    def nearest(self, query: Floats, live: RowNumbers, k: int = K) -> tuple[npt.NDArray[np.float64], float]:
        """Distances to every row in float64, and the k-th of the live ones."""
        wide, asked = self.X.astype(np.float64), query.astype(np.float64)
        distances = ((wide - asked) ** 2).sum(axis=1) if self.metric == "l2" else -(wide @ asked)
        return distances, float(np.sort(distances[live])[min(k, len(live)) - 1])


def clustered(count: int, *, unit: bool = False, sample: int = 1) -> Floats:
    """Rows about 40 centres, which every sample shares."""
    centres = np.random.default_rng(SEED).standard_normal((40, DIMENSION))
    rng = np.random.default_rng([SEED, sample])
    X = centres[rng.integers(0, 40, count)] + 0.35 * rng.standard_normal((count, DIMENSION))
    return np.asarray(X / np.linalg.norm(X, axis=1, keepdims=True) if unit else X, np.float32)


def rows_of(shape: str, count: int = COUNT) -> Rows:
    metric: Metric = "l2" if shape == "l2" else "dot"
    page_rows = 1 << PAGE_SHIFT
    X = np.zeros((-(-count // page_rows) * page_rows, DIMENSION), np.float32)
    X[:count] = clustered(count, unit=shape == "unit")
    store = RowStore("float32", metric, DIMENSION, 4 * DIMENSION, PAGE_SHIFT)
    for first in range(0, len(X), page_rows):
        store.add_page(X[first : first + page_rows].view(np.uint8).reshape(-1))
    return Rows(X, store, metric, shape == "unit")


def check(rows: Rows, index: HnswIndex, view: View, *, recall: float = 0.95, k: int = K, ef: int = EF) -> None:
    """Different live rows, sorted, with the very distances of an exact search, and `recall` of the nearest."""
    live = view.live.rows()
    queries = clustered(60, unit=rows.unit, sample=2)
    count = min(k, len(live))
    many_rows, many_distances, counts = index.search_many(queries, k, ef, view, exact=False, timeout_seconds=0)
    assert counts.tolist() == [count] * len(queries)
    found = 0
    for place, query in enumerate(queries):
        message = f"seed {SEED}, query {place}"
        one, distances, _ = index.search(query, k, ef, view, exact=False, normalise=False, timeout_seconds=0)
        assert one.tolist() == many_rows[place, :count].tolist(), message
        assert distances.tolist() == many_distances[place, :count].tolist(), message
        assert len(set(one.tolist())) == len(one) == count, message
        assert set(one.tolist()) <= set(live.tolist()), message
        assert (np.diff(distances) >= 0).all(), message
        among = View(RowMask.of(np.sort(one)), RowMask(), masked=True)
        exact, bits, _ = index.search(query, k, ef, among, exact=True, normalise=False, timeout_seconds=0)
        assert one.tolist() == exact.tolist(), message
        np.testing.assert_array_equal(distances.view(np.uint32), bits.view(np.uint32), err_msg=message)
        truth, bound = rows.nearest(query, live, k)
        np.testing.assert_allclose(distances, truth[one], rtol=1e-4, atol=1e-4, err_msg=message)
        found += int(np.count_nonzero(truth[one] <= bound + 1e-6 * abs(bound)))
    assert found >= recall * count * len(queries), f"seed {SEED}: {found} of {count * len(queries)}"


def walked_by_codes(index: HnswIndex) -> bool:
    return index.graph.store.row_type == "code4"
