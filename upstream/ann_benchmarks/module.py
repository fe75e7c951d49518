"""vecdb for ann-benchmarks: ann_benchmarks/algorithms/vecdb/module.py there."""

from typing import Any

import numpy as np
from ann_benchmarks.algorithms.base.module import BaseANN

import vecdb

METRICS = {"angular": "cosine", "euclidean": "l2"}
BATCH_ROWS = 10_000
BATCH_BYTES = 16 << 20


class Vecdb(BaseANN):
    """The HNSW graph of a collection in memory; `method_param` has M and efConstruction, the query argument is ef.

    get_memory_usage() is BaseANN's: the memory of the process, from which the size of the index follows.
    """

    def __init__(self, metric: str, method_param: dict[str, int]) -> None:
        if metric not in METRICS:
            raise ValueError(f"metric: expected one of {' '.join(METRICS)}, received {metric!r}")
        self._metric = METRICS[metric]
        self._method_param = method_param
        self._ef = 0
        self._database: Any = None
        self._rows: Any = None
        self._found: Any = []

    def fit(self, X: np.ndarray) -> None:
        """Upserts the rows (n, d) under the ids 0 .. n-1 and waits until all of them are in the graph."""
        index = vecdb.Hnsw(m=self._method_param["M"], ef_construction=self._method_param["efConstruction"])
        self._database = vecdb.connect(":memory:")
        self._rows = self._database.create_collection("rows", X.shape[1], metric=self._metric, index=index)
        step = max(1, min(BATCH_ROWS, BATCH_BYTES // (4 * X.shape[1])))
        for start in range(0, len(X), step):
            batch = np.ascontiguousarray(X[start : start + step], dtype=np.float32)
            ids = np.arange(start, start + len(batch))
            if self._metric == "cosine":  # a row of zeros has no direction: it is nobody's neighbour
                kept = np.any(batch, axis=1)
                ids, batch = ids[kept], batch[kept]
            self._rows.upsert(ids, batch)
        self._rows.optimize()

    def set_query_arguments(self, ef: int) -> None:
        """The candidates that a search keeps."""
        self._ef = ef

    def query(self, q: np.ndarray, n: int) -> list[int]:
        """The ids of the n nearest rows, nearest first."""
        return self._rows.search(q, n, ef=self._ef).ids

    def batch_query(self, X: np.ndarray, n: int) -> None:
        """All queries in one call, which uses every core; get_batch_results() has what it found."""
        self._found = self._rows.search(X, n, ef=self._ef).ids

    def get_batch_results(self) -> list[list[int]]:
        """The ids for each query of the last batch."""
        return self._found

    def done(self) -> None:
        """Closes the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def __str__(self) -> str:
        return f"vecdb ({self._method_param}, ef: {self._ef})"
