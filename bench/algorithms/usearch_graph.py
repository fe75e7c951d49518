"""usearch: a graph over float32, bfloat16 or 8-bit whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import numpy as np
from usearch.index import Index

from vecdb.bench.algorithms.algorithm import MISSING, Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Concurrent, Stored, Updatable
from vecdb.bench.algorithms.update_lock import UpdateLock
from vecdb.bench.disk import sync

METRICS: Final[dict[Metric, str]] = {"euclidean": "l2sq", "angular": "cos", "dot": "ip"}
FILE: Final = "index.usearch"


class UsearchGraph(Algorithm, Updatable, Stored, Concurrent):
    """A usearch Index; `build` is what it takes by name, the query argument is `expansion`, its ef.

    Asked through Index.search, its public call, which spends some 10 us in Python. Rows are rounded to `dtype` and not
    re-ranked, so i8 has a recall that ends below 1; i8 takes components of -1 .. 1, as unit rows have them. Searches
    and updates are kept apart by a lock. ingest() saves everything at its end: no batch is durable before that.
    """

    library: ClassVar[str] = "usearch"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._build = build
        self._index: Any = None
        self._expansion = 64
        self._updates = UpdateLock()

    def fit(self, X: Floats) -> None:
        """One add with `threads` threads."""
        self._create(X.shape[1])
        self._index.add(np.arange(len(X)), X, threads=self.threads)

    def set_query_arguments(self, *arguments: Any) -> None:
        """`expansion`, the candidates kept by a search."""
        (self._expansion,) = arguments
        if self._index is not None:
            self._index.expansion_search = self._expansion

    def query(self, q: Floats, k: int) -> Ints:
        """search of one row with one thread."""
        lock = self._updates.lock
        if lock is None:
            return cast(Ints, self._index.search(q, k, threads=1).keys)
        with lock:
            return cast(Ints, self._index.search(q, k, threads=1).keys)

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One search with `threads` threads."""
        if len(Q) == 1:
            return super().batch_query(Q, k)
        found = self._index.search(Q, k, threads=self.threads)
        ids = found.keys.astype(np.int64)
        ids[np.arange(k) >= found.counts[:, np.newaxis]] = MISSING
        return cast(Ints, ids)

    def insert(self, ids: Ints, X: Floats) -> None:
        """add; what is there under these ids is removed before."""
        with self._updates.updating():
            present = ids[self._index.contains(ids)]
            if len(present):
                self._index.remove(present, threads=self.threads)
            self._index.add(ids, X, threads=self.threads)

    def delete(self, ids: Ints) -> None:
        """remove: the rows stay in the graph until others take their places."""
        with self._updates.updating():
            self._index.remove(ids[self._index.contains(ids)], threads=self.threads)

    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        """add for each batch, then one save, synced."""
        for ids, X in batches:
            if self._index is None:
                self._create(X.shape[1])
            self._index.add(ids, X, threads=self.threads)
        self._index.save(folder / FILE)
        sync(folder / FILE)

    def reopen(self, folder: Path) -> None:
        """Loads what ingest() saved into memory."""
        self._index = Index.restore(folder / FILE)
        self._index.expansion_search = self._expansion

    def index_bytes(self) -> int:
        """memory_usage: what it has allocated, rows included."""
        return int(self._index.memory_usage)

    def close(self) -> None:
        """Frees the index."""
        self._index = None

    def _create(self, dimension: int) -> None:
        self._index = Index(ndim=dimension, metric=METRICS[self.metric], **self._build)
        self._index.expansion_search = self._expansion
