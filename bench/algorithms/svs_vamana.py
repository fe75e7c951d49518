"""scalable-vs (SVS): one layer of a Vamana graph over float32 or float16."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import numpy as np
import svs

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.unit_rows import unit_rows

ALPHA_DISTANCE: Final = 1.2  # of pruning: what SVS recommends for distances, and for products
ALPHA_PRODUCT: Final = 0.95
PREFETCH_LOOKAHEAD: Final = 8
PREFETCH_STEP: Final = 1


class SvsVamana(Algorithm):
    """An svs.Vamana; `build` has its graph_max_degree and window_size, and `dtype`; the query argument is the window.

    Angular is the dot product over unit rows. SVS' own codes (LVQ, LeanVec) run on some makers' processors only and
    are not here. The visited set and a longer look-ahead of prefetches are a gain of 10 to 25 of 100.
    """

    library: ClassVar[str] = "scalable-vs"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._dtype = np.dtype(build["dtype"])
        self._graph = {name: value for name, value in build.items() if name != "dtype"}
        self._index: Any = None
        self._parameters: Any = None

    def fit(self, X: Floats) -> None:
        """build with `threads` threads; then one, for query()."""
        rows = unit_rows(X) if self.metric == "angular" else X
        euclidean = self.metric == "euclidean"
        self._index = svs.Vamana.build(
            svs.VamanaBuildParameters(alpha=ALPHA_DISTANCE if euclidean else ALPHA_PRODUCT, **self._graph),
            rows.astype(self._dtype, copy=False),
            svs.DistanceType.L2 if euclidean else svs.DistanceType.MIP,
            num_threads=self.threads,
        )
        self._index.num_threads = 1
        if self._parameters is not None:
            self._index.search_parameters = self._parameters

    def set_query_arguments(self, *arguments: Any) -> None:
        """`window`, the candidates kept by a search."""
        (window,) = arguments
        self._parameters = svs.VamanaSearchParameters(
            buffer_config=svs.SearchBufferConfig(window),
            search_buffer_visited_set=True,
            prefetch_lookahead=PREFETCH_LOOKAHEAD,
            prefetch_step=PREFETCH_STEP,
        )
        if self._index is not None:
            self._index.search_parameters = self._parameters

    def query(self, q: Floats, k: int) -> Ints:
        """search of one row."""
        return cast(Ints, self._index.search(q, k)[0][0])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """One search with `threads` threads, which are started for it."""
        self._index.num_threads = self.threads
        try:
            return cast(Ints, self._index.search(Q, k)[0].astype(np.int64))
        finally:
            self._index.num_threads = 1

    def close(self) -> None:
        """Frees the index and its threads."""
        self._index = None
