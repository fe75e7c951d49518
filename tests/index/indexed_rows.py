"""Rows of random vectors in a store, the indexes over them, and what numpy says is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from vecdb.index.flat import FlatIndex
from vecdb.index.hnsw import HnswIndex
from vecdb.index.vector_index import VectorIndex, View
from vecdb.native.index import RowMask, ThreadPool
from vecdb.native.rows import RowStore
from vecdb.schema import Dtype, Hnsw

Kind = Literal["flat", "hnsw"]
Metric = Literal["l2", "dot"]
Floats = npt.NDArray[np.float32]

PAGE_SHIFT = 10
POOL = ThreadPool(2)
SETTINGS = Hnsw(m=8, ef_construction=60)


@dataclass(frozen=True, slots=True)
class IndexedRows:
    """`X` holds every vector of the store by row; nothing is in the index yet."""

    X: Floats
    store: RowStore
    metric: Metric

    def index(self, kind: Kind, file: Path | None = None, settings: Hnsw = SETTINGS) -> VectorIndex:
        if kind == "flat":
            return FlatIndex(self.store, POOL)
        return HnswIndex(self.store, settings, POOL, POOL, file)

    def distances(self, query: Floats) -> npt.NDArray[np.float64]:
        """Of a query to every row, in float64."""
        rows, wide = self.X.astype(np.float64), query.astype(np.float64)
        return np.asarray(((rows - wide) ** 2).sum(axis=1) if self.metric == "l2" else -(rows @ wide))


def random_rows(seed: int, count: int, dimension: int, metric: Metric, dtype: Dtype = "float32") -> IndexedRows:
    X = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32).astype(dtype)
    page_rows = 1 << PAGE_SHIFT
    padded = np.zeros((-(-count // page_rows) * page_rows, dimension), dtype)
    padded[:count] = X
    store = RowStore(dtype, metric, dimension, padded.itemsize * dimension, PAGE_SHIFT)
    for first in range(0, len(padded), page_rows):
        store.add_page(padded[first : first + page_rows].view(np.uint8).reshape(-1))
    return IndexedRows(X.astype(np.float32), store, metric)


def numbers_of(*rows: int) -> npt.NDArray[np.uint32]:
    return np.array(rows, np.uint32)


def view_of(live: npt.NDArray[np.uint32], tail: npt.NDArray[np.uint32] | None = None, *, masked: bool = False) -> View:
    return View(RowMask.of(live), RowMask() if tail is None else RowMask.of(tail), masked)
