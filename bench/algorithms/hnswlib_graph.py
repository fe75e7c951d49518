"""hnswlib, the baseline: the graph by those who described it, over float32."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import hnswlib
import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Concurrent, Filterable, Stored, Updatable
from vecdb.bench.algorithms.condition import Column, Condition
from vecdb.bench.algorithms.update_lock import UpdateLock
from vecdb.bench.disk import sync

SPACES: Final[dict[Metric, str]] = {"euclidean": "l2", "angular": "cosine", "dot": "ip"}
SUFFIX: Final = ".hnswlib"  # of the file ingest() leaves, whose name is the dimension: the format does not hold it


class HnswlibGraph(Algorithm, Updatable, Stored, Filterable, Concurrent):
    """An hnswlib.Index; `build` is what init_index takes by name (M, ef_construction), the query argument is `ef`.

    hnswlib does not allow searches during updates: once there was one, a lock keeps them apart. It cannot write as it
    goes either: ingest() saves everything at its end, so no single batch is durable before that.
    """

    library: ClassVar[str] = "hnswlib"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, int]) -> None:
        super().__init__(metric, threads)
        self._build = build
        self._index: Any = None
        self._ef = 10
        self._updates = UpdateLock()
        self._live: set[int] | None = None  # ids that are found; made by the first update
        self._attributes: Mapping[str, Column] = {}
        self._rows = 0
        self._allowed: Any = None  # of set_filter(): id -> whether the row may be found
        self._matching = 0

    def fit(self, X: Floats) -> None:
        """One add_items with `threads` threads."""
        self._create(X.shape[1], len(X))
        self._index.add_items(X, num_threads=self.threads)
        self._rows = len(X)

    def fit_attributes(self, X: Floats, attributes: Mapping[str, Column]) -> None:
        """fit(X); hnswlib has no attributes, they are kept for set_filter()."""
        self.fit(X)
        self._attributes = attributes

    def set_query_arguments(self, *arguments: Any) -> None:
        """`ef`, the candidates kept by a search."""
        (self._ef,) = arguments
        if self._index is not None:
            self._index.set_ef(self._ef)

    def set_filter(self, condition: Condition) -> None:
        """Tests every row once; hnswlib then calls into Python for each row that it visits."""
        if not condition.tests:
            self._allowed = None
            return
        allowed: list[bool] = condition.matches(self._attributes, self._rows).tolist()
        self._allowed, self._matching = allowed.__getitem__, sum(allowed)

    def query(self, q: Floats, k: int) -> Ints:
        """knn_query on this thread."""
        lock = self._updates.lock
        if lock is None:
            return self._nearest(q, k)
        with lock:
            return self._nearest(q, k)

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One knn_query; under a filter, whose test needs the interpreter, or after an update, one query at a time."""
        if self._allowed is None and self._updates.lock is None and k <= self._rows:
            labels, _ = self._index.knn_query(Q, k, self.threads)
            return cast(Ints, labels.astype(np.int64))
        return super().batch_query(Q, k)

    def insert(self, ids: Ints, X: Floats) -> None:
        """Rows of known ids are updated in place; new ones take the places of deleted rows, then new places."""
        with self._updates.updating():
            live = self._live_ids()
            known = np.fromiter((self._is_known(int(row), live) for row in ids), np.bool_, len(ids))
            room = self._index.get_max_elements() - self._index.get_current_count()
            if room < len(ids):
                self._index.resize_index(self._index.get_current_count() * 3 // 2 + len(ids))
            if known.any():
                self._index.add_items(X[known], ids[known], self.threads)
            if not known.all():
                self._index.add_items(X[~known], ids[~known], self.threads, replace_deleted=True)
            live.update(ids.tolist())

    def delete(self, ids: Ints) -> None:
        """mark_deleted: the rows stay in the graph until others take their places."""
        with self._updates.updating():
            live = self._live_ids()
            for row in ids.tolist():
                if row in live:
                    self._index.mark_deleted(row)
                    live.remove(row)

    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        """add_items for each batch, in an index that doubles when it is full; then one save_index, synced."""
        for ids, X in batches:
            if self._index is None:
                self._create(X.shape[1], len(X))
            if self._rows + len(X) > self._index.get_max_elements():
                self._index.resize_index(max(2 * self._rows, self._rows + len(X)))
            self._index.add_items(X, ids, self.threads)
            self._rows += len(X)
        path = folder / f"{self._index.dim}{SUFFIX}"
        self._index.save_index(str(path))
        sync(path)

    def reopen(self, folder: Path) -> None:
        """load_index of what ingest() saved."""
        (path,) = folder.glob(f"*{SUFFIX}")
        self._index = hnswlib.Index(space=SPACES[self.metric], dim=int(path.stem))
        self._index.load_index(str(path), allow_replace_deleted=True)
        self._index.set_ef(self._ef)
        self._rows = self._index.get_current_count()

    def index_bytes(self) -> int:
        """Bytes of its file: rows and links."""
        return int(self._index.index_file_size())

    def close(self) -> None:
        """Frees the index."""
        self._index = None

    def _create(self, dimension: int, rows: int) -> None:
        self._index = hnswlib.Index(space=SPACES[self.metric], dim=dimension)
        self._index.init_index(max_elements=rows, random_seed=1, allow_replace_deleted=True, **self._build)
        self._index.set_ef(self._ef)

    def _nearest(self, q: Floats, k: int) -> Ints:
        try:
            if self._allowed is None:
                return cast(Ints, self._index.knn_query(q, k, 1)[0][0])
            if self._matching == 0:
                return np.empty(0, np.int64)
            return cast(Ints, self._index.knn_query(q, min(k, self._matching), 1, self._allowed)[0][0])
        except RuntimeError:
            # It gives k rows or none, and has no call that says how many it found.
            return self._nearest(q, k // 2) if k > 1 else np.empty(0, np.int64)

    def _live_ids(self) -> set[int]:
        if self._live is None:
            self._live = set(self._index.get_ids_list())
        return self._live

    def _is_known(self, row: int, live: set[int]) -> bool:
        """Whether the graph has a place of this id; if it is marked as deleted, it no longer is.

        An id must never have two places: hnswlib would lose one of them when it fills the other again.
        """
        if row in live:
            return True
        try:
            self._index.unmark_deleted(row)
        except RuntimeError:
            return False
        return True
