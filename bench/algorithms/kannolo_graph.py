"""kannolo: a graph over float16 rows, in Rust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import kannolo

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.unit_rows import unit_rows


class KannoloGraph(Algorithm):
    """A DensePlainHNSW; `build` has m, ef_construction and graph_type, the query argument is `ef`.

    Angular is the dot product over unit rows. The type `permuted` puts neighbours beside each other in memory.
    """

    library: ClassVar[str] = "kannolo"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._build = build
        self._index: Any = None
        self._ef = 10

    def fit(self, X: Floats) -> None:
        """build_from_array; it uses as many threads as its pool has, RAYON_NUM_THREADS or every core."""
        rows = unit_rows(X) if self.metric == "angular" else X
        metric = "euclidean" if self.metric == "euclidean" else "dotproduct"
        self._index = kannolo.DensePlainHNSW.build_from_array(rows.ravel(), X.shape[1], metric=metric, **self._build)

    def set_query_arguments(self, *arguments: Any) -> None:
        """`ef`, the candidates kept by a search."""
        (self._ef,) = arguments

    def query(self, q: Floats, k: int) -> Ints:
        """search of one row; its ids are int64."""
        return cast(Ints, self._index.search(q, k, self._ef)[1])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """batch_search with `threads` threads."""
        ids = self._index.batch_search(Q.ravel(), k, self._ef, num_threads=self.threads)[1]
        return cast(Ints, ids.reshape(len(Q), -1)) if len(ids) == len(Q) * k else super().batch_query(Q, k)

    def index_bytes(self) -> int:
        """space_usage_bytes: rows and links."""
        return int(self._index.space_usage_bytes())

    def close(self) -> None:
        """Frees the index."""
        self._index = None
