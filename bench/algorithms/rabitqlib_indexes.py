"""rabitqlib: graphs and inverted lists over RaBitQ codes, by the authors of the codes."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import numpy as np
import rabitqlib

from vecdb.bench.algorithms.algorithm import MISSING, Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.unit_rows import unit_rows

GRAPH_CLUSTERS: Final = 16  # around whose centres HNSW's codes are made: what the authors use
DIMENSION_MINIMUM: Final = 64  # it takes no fewer components; zeros make up for them
NOTHING: Final = np.iinfo(np.uint32).max  # its id at a place without a row


class RabitqlibIndex(Algorithm):
    """An index of rabitqlib; angular is the dot product over unit rows. `build` has its arguments by name."""

    library: ClassVar[str] = "rabitqlib"
    has_ef: ClassVar[bool] = True  # the query argument is an ef, which may not be below k

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._build = build
        self._index: Any = None
        self._rows = 0
        self._zeros: Floats | None = None  # what a query (d,) lacks
        self._effort = 1

    @abstractmethod
    def make(self, X: Floats, metric: str) -> Any:
        """The index of the rows X (n, d) as rabitqlib's own object."""

    def fit(self, X: Floats) -> None:
        """k-means where the index needs it, then build, with `threads` threads."""
        rows = unit_rows(X) if self.metric == "angular" else X
        if X.shape[1] < DIMENSION_MINIMUM:
            self._zeros = np.zeros(DIMENSION_MINIMUM - X.shape[1], np.float32)
            rows = np.pad(rows, ((0, 0), (0, len(self._zeros))))
        self._index = self.make(rows, "l2" if self.metric == "euclidean" else "ip")
        self._rows = len(X)

    def set_query_arguments(self, *arguments: Any) -> None:
        """ef or nprobe, as the class says."""
        (self._effort,) = arguments

    def query(self, q: Floats, k: int) -> Ints:
        """search of one row."""
        if self._zeros is not None:
            q = np.concatenate((q, self._zeros))
        effort = self._effort if self._effort >= k or not self.has_ef else k
        ids = self._index.search(q[np.newaxis], k if k <= self._rows else self._rows, effort)[0][0]
        return cast(Ints, ids if ids[-1] != NOTHING else ids[ids != NOTHING])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One search with `threads` threads."""
        if k > self._rows:
            return super().batch_query(Q, k)
        if self._zeros is not None:
            Q = np.pad(Q, ((0, 0), (0, len(self._zeros))))
        effort = max(self._effort, k) if self.has_ef else self._effort
        ids = self._index.search(Q, k, effort, num_threads=self.threads)[0].astype(np.int64)
        ids[ids == NOTHING] = MISSING
        return cast(Ints, ids)

    def close(self) -> None:
        """Frees the index."""
        self._index = None


class RabitqlibSymqg(RabitqlibIndex):
    """SymphonyQG: a graph with the neighbours' 1-bit codes beside each float32 row; the query argument is `ef`.

    `build`: max_degree, quantization_bits (0: float32 rows), ef_construction.
    """

    def make(self, X: Floats, metric: str) -> Any:
        """build; it needs no k-means."""
        degree, bits = self._build["max_degree"], self._build["quantization_bits"]
        index = rabitqlib.SymqgIndex(X.shape[1], degree, metric, bits)
        index.build(X, self._build["ef_construction"], num_threads=self.threads)
        return index


class RabitqlibHnsw(RabitqlibIndex):
    """The graph over codes of `nbits` bits a component, never re-ranked, so that recall ends below 1; argument `ef`.

    `build`: M, ef_construction, nbits.
    """

    def make(self, X: Floats, metric: str) -> Any:
        """k-means of GRAPH_CLUSTERS, then build."""
        index = rabitqlib.HnswIndex(X.shape[1], len(X), metric=metric, **self._build)
        centres, clusters = clustered(X, GRAPH_CLUSTERS, self.threads, exact=False)
        index.build(X, centres, clusters, num_threads=self.threads)
        return index


class RabitqlibIvf(RabitqlibIndex):
    """Inverted lists of codes of `nbits` bits; the query argument is `nprobe`. Lists: twice the root of the rows.

    `build`: nbits, 1 to 9, never re-ranked, so that recall ends below 1; 32 keeps float32 rows and re-ranks over them.
    """

    has_ef: ClassVar[bool] = False

    def make(self, X: Floats, metric: str) -> Any:
        """k-means with exact assignment, then build."""
        lists = max(1, round(2 * math.sqrt(len(X))))
        index = rabitqlib.IvfIndex(X.shape[1], len(X), lists, metric=metric, **self._build)
        centres, clusters = clustered(X, lists, self.threads, exact=True)
        index.build(X, centres, clusters, num_threads=self.threads)
        return index


def clustered(X: Floats, clusters: int, threads: int, *, exact: bool) -> tuple[Floats, Ints]:
    """rabitqlib's own k-means of the rows (n, d): centres (clusters, d) and the cluster of each row (n,)."""
    modes = rabitqlib.FinalAssignmentMode
    mode = modes.Exact if exact else modes.Approximate
    kmeans = rabitqlib.RaBitQKMeans(X.shape[1], clusters, num_threads=threads, final_assignment=mode)
    kmeans.train(X)
    return kmeans.centroids, kmeans.assignments
