"""pyvsag (VSAG): a graph over 8-bit codes with a re-rank over float32."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import numpy as np
import pyvsag

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric

METRICS: Final[dict[Metric, str]] = {"euclidean": "l2", "angular": "cosine", "dot": "ip"}


class VsagGraph(Algorithm):
    """An hgraph; `build` is its index_param, the query argument is `ef_search`. It has no batch call: one by one."""

    library: ClassVar[str] = "pyvsag"

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, Any]) -> None:
        super().__init__(metric, threads)
        pyvsag.set_logger_off()
        self._build = build
        self._index: Any = None
        self._search = ""

    def fit(self, X: Floats) -> None:
        """build with `threads` threads."""
        parameters = {
            "dtype": "float32",
            "metric_type": METRICS[self.metric],
            "dim": X.shape[1],
            "index_param": {**self._build, "build_thread_count": self.threads},
        }
        self._index = pyvsag.Index("hgraph", json.dumps(parameters))
        self._index.build(X.ravel(), np.arange(len(X), dtype=np.int64), len(X), X.shape[1])

    def set_query_arguments(self, *arguments: Any) -> None:
        """`ef_search`, the candidates kept by a search."""
        (ef_search,) = arguments
        self._search = json.dumps({"hgraph": {"ef_search": ef_search}})

    def query(self, q: Floats, k: int) -> Ints:
        """knn_search; it reads its parameters from JSON at every call."""
        return cast(Ints, self._index.knn_search(q, k, self._search)[0])

    def close(self) -> None:
        """Frees the index."""
        self._index = None
