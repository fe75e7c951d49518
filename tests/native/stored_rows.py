"""Vectors in a RowStore, beside the numbers in float64 that its rows stand for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecdb.native import kernels
from vecdb.native.index import RowMask
from vecdb.native.kernels import Kind, Metric
from vecdb.native.rows import RowStore

EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A store and what is in it: values[row] is the vector that row's code stands for."""

    store: RowStore
    values: NDArray[np.float64]
    row_type: Kind
    metric: Metric

    def distances(self, query: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances of a query to every row in float64, and how far float32 may be from each."""
        q = query.astype(np.float64)
        if self.row_type == "int8":  # the query is rounded to codes as well
            values, scale, _, norm = kernels.prepare_int8(None, query)
            decoded = values.astype(np.float64) * scale
            dots, sizes = self.values @ decoded, np.abs(self.values) @ np.abs(decoded)
            if self.metric == "dot":
                return -dots, 8 * EPSILON * sizes
            norms = (self.values**2).sum(axis=1)
            return np.maximum(norm + norms - 2 * dots, 0), 8 * EPSILON * (norm + norms + sizes)
        with np.errstate(over="ignore", invalid="ignore"):
            terms = (q - self.values) ** 2 if self.metric == "l2" else -q * self.values
            return terms.sum(axis=1), (len(q) / 8 + 8) * EPSILON * np.abs(terms).sum(axis=1)


def stored(
    X: NDArray[np.float32], row_type: Kind = "float32", metric: Metric = "l2", page_shift: int = 8
) -> StoredRows:
    """Rows 0 .. len(X) of a store hold X; its pages have room for some more, which hold zeros."""
    dimension = X.shape[1]
    stride = (kernels.row_bytes(row_type, dimension) + 7) // 8 * 8
    codes = kernels.encode(row_type, X, stride)
    page_rows = 1 << page_shift
    padded = np.zeros((-(-max(len(X), 1) // page_rows) * page_rows, stride), np.uint8)
    padded[: len(X)] = codes
    store = RowStore(row_type, metric, dimension, stride, page_shift)
    for start in range(0, len(padded), page_rows):
        store.add_page(padded[start : start + page_rows].reshape(-1))
    return StoredRows(store, kernels.decode(row_type, codes, dimension).astype(np.float64), row_type, metric)


def all_rows(count: int) -> NDArray[np.uint32]:
    """Rows 0 .. count."""
    return np.arange(count, dtype=np.uint32)


def mask_of(rows: NDArray[np.integer] | list[int]) -> RowMask:
    """These rows as a mask."""
    return RowMask.of(np.asarray(rows, np.uint32))
