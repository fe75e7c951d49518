"""voyager: a graph by Spotify, made from hnswlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import numpy as np
import voyager

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Concurrent

SPACES: Final[dict[Metric, Any]] = {
    "euclidean": voyager.Space.Euclidean,
    "angular": voyager.Space.Cosine,
    "dot": voyager.Space.InnerProduct,
}


class VoyagerGraph(Algorithm, Concurrent):
    """A voyager.Index of float32; `build` is what it takes by name (M, ef_construction), the query argument is `ef`."""

    library: ClassVar[str] = "voyager"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, int]) -> None:
        super().__init__(metric, threads)
        self._build = build
        self._index: Any = None
        self._ef = 10

    def fit(self, X: Floats) -> None:
        """One add_items with `threads` threads."""
        self._index = voyager.Index(SPACES[self.metric], X.shape[1], max_elements=len(X), random_seed=1, **self._build)
        self._index.add_items(X, list(range(len(X))), num_threads=self.threads)

    def set_query_arguments(self, *arguments: Any) -> None:
        """`ef`, the candidates kept by a search."""
        (self._ef,) = arguments

    def query(self, q: Floats, k: int) -> Ints:
        """query of one row."""
        return cast(Ints, self._index.query(q, k, 1, self._ef)[0])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One query with `threads` threads."""
        return cast(Ints, self._index.query(Q, k, self.threads, self._ef)[0].astype(np.int64))

    def close(self) -> None:
        """Frees the index."""
        self._index = None
