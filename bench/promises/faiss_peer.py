"""Faiss, the peer of the exact scan."""

from __future__ import annotations

from typing import cast

import faiss

from vecdb.bench.promises.dataset import Floats, Ids
from vecdb.bench.promises.setting import THREADS, K


class FaissFlat:
    """Faiss' IndexFlatIP over X (n, d) of unit length, searched with THREADS threads; ids are row numbers."""

    name = "Faiss"

    def __init__(self, X: Floats) -> None:
        self._index = faiss.IndexFlatIP(X.shape[1])
        self._index.add(X)

    def search(self, queries: Floats) -> Ids:
        """The ids (nq, K) nearest to queries (nq, d)."""
        faiss.omp_set_num_threads(THREADS)
        _, ids = self._index.search(queries, K)
        return cast(Ids, ids)
