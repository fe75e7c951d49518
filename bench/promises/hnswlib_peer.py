"""hnswlib, the peer of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Self, cast

import hnswlib
import numpy as np

from vecdb.bench.promises.dataset import Floats, Ids
from vecdb.bench.promises.setting import EF_CONSTRUCTION, THREADS, K, M


class HnswlibGraph:
    """An hnswlib index of the cosine metric for X (n, d), empty until build(); ids are row numbers."""

    name = "hnswlib"

    def __init__(self, X: Floats) -> None:
        self._index = hnswlib.Index(space="cosine", dim=X.shape[1])
        self._index.init_index(max_elements=max(1, len(X)), M=M, ef_construction=EF_CONSTRUCTION, random_seed=1)
        self._rows = X

    def build(self) -> None:
        """Inserts every row, with THREADS threads."""
        self._index.add_items(self._rows, num_threads=THREADS)

    def save(self, path: Path) -> None:
        """Writes the index to a new file."""
        self._index.save_index(str(path))

    @classmethod
    def load(cls, path: Path, dimension: int) -> Self:
        """What save() wrote, without the rows it was built from."""
        graph = cls(np.empty((0, dimension), np.float32))
        graph._index = hnswlib.Index(space="cosine", dim=dimension)
        graph._index.load_index(str(path))
        return graph

    def set_ef(self, ef: int) -> None:
        """Candidates kept by the searches that follow."""
        self._index.set_ef(ef)

    def search(self, query: Floats) -> Ids:
        """The ids (1, K) nearest to a query (d,), on the calling thread."""
        labels, _ = self._index.knn_query(query, k=K, num_threads=1)
        return cast(Ids, labels.astype(np.int64, copy=False))
