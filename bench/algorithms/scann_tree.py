"""ScaNN: a tree of partitions, 4-bit codes trained for the dot product, and a re-rank over float32."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import numpy as np
import scann

from vecdb.bench.algorithms.algorithm import MISSING, Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.unit_rows import unit_rows

TRAINED_ROWS: Final = 250_000
SPILLED: Final = {"soar_lambda": 1.5, "overretrieve_factor": 1.8}  # SOAR: a row lies in two leaves


class ScannTree(Algorithm):
    """A tree with as many leaves as the root of the rows; the query argument is a pair [leaves, reorder].

    `build`: dimensions_per_block, and anisotropic_quantization_threshold, which is for products alone, as SOAR is.
    Angular is the dot product over unit rows.
    """

    library: ClassVar[str] = "scann"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        self._block: int = build["dimensions_per_block"]
        self._threshold: float = build["anisotropic_quantization_threshold"]
        self._searcher: Any = None
        self._leaves = self._reorder = 1

    def fit(self, X: Floats) -> None:
        """Trains and builds with `threads` threads."""
        rows = unit_rows(X) if self.metric == "angular" else X
        euclidean = self.metric == "euclidean"
        builder = scann.scann_ops_pybind.builder(rows, 10, "squared_l2" if euclidean else "dot_product")
        builder.set_n_training_threads(self.threads).tree(
            max(1, round(math.sqrt(len(X)))),
            1,
            training_sample_size=min(len(X), TRAINED_ROWS),
            spherical=self.metric == "angular",
            quantize_centroids=True,
            **({} if euclidean else SPILLED),
        )
        if euclidean:
            builder.score_ah(self._block)
        else:
            builder.score_ah(self._block, anisotropic_quantization_threshold=self._threshold)
        self._searcher = builder.reorder(100).build()
        self._searcher.set_num_threads(self.threads)

    def set_query_arguments(self, *arguments: Any) -> None:
        """`leaves` that are searched, where there are as many, and rows that are re-ranked."""
        ((self._leaves, self._reorder),) = arguments

    def query(self, q: Floats, k: int) -> Ints:
        """search of one row; ScaNN uses one thread for it."""
        return cast(Ints, self._searcher.search(q, k, self._reorder, self._leaves)[0])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """search_batched_parallel with `threads` threads; a place without a row has the distance NaN."""
        found, distances = self._searcher.search_batched_parallel(Q, k, self._reorder, self._leaves)
        ids = np.where(np.isnan(distances), MISSING, found.astype(np.int64))
        return np.pad(ids, ((0, 0), (0, k - ids.shape[1])), constant_values=MISSING)

    def close(self) -> None:
        """Frees the index."""
        self._searcher = None
