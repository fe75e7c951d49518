"""The hits of an embedded search for several queries: one set of rows and distances, read by one call for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from vecdb.collection.hits import RowNumbers, StoredHits, payload_texts_of, vectors_of
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.hits import Floats, Hits
from vecdb.hits_batch import HitsBatch, Integers
from vecdb.ids import Id
from vecdb.types import Plan, Vectors


class StoredHitsBatch(HitsBatch):
    """Rows of a snapshot, which it holds as long as it lives: they are not reused.

    Given are rows and distances (nq, k), nearest first, of which the first counts[i] of query i are set; the plans, and
    which of them each query has, (nq,).
    """

    __slots__ = ("_flat_distances", "_rows", "_select", "_snapshot", "_state", "flat_vectors", "plan_of", "plans")

    def __init__(
        self,
        state: CollectionState,
        snapshot: Snapshot,
        rows: RowNumbers,
        distances: Floats,
        counts: npt.NDArray[np.integer],
        plans: list[Plan],
        plan_of: npt.NDArray[np.uint32],
        select: Sequence[str] | None,
        with_vectors: bool,
    ) -> None:
        if counts.sum() == rows.size:
            self._rows, self._flat_distances = rows.reshape(-1), distances.reshape(-1)
        else:
            are_set = np.arange(rows.shape[1]) < counts[:, None]
            self._rows, self._flat_distances = rows[are_set], distances[are_set]
        super().__init__(counts.astype(np.int64), np.negative(self._flat_distances))
        self._state = state
        self._snapshot = snapshot
        self.plans = plans
        self.plan_of = plan_of
        self._select = select
        self.flat_vectors: Vectors | None = vectors_of(state, self._rows) if with_vectors else None

    @property
    def flat_scores(self) -> Floats:
        """The scores of all hits, (n,), query after query."""
        return self._flat_scores

    def id_batch(self) -> Integers | list[Id]:
        """The ids of all hits, query after query: an array if all are integers."""
        return self._all_ids()

    def payload_texts(self, bytes_maximum: int | None = None) -> list[bytes]:
        """The payloads of all hits as JSON, query after query; LimitExceeded as soon as more than so much is read."""
        return payload_texts_of(self._state, self._rows, self._select, bytes_maximum)

    def __iter__(self) -> Iterator[Hits]:
        _ = self.ids  # by one read for all
        return super().__iter__()

    def _read_ids(self) -> Integers | list[Id]:
        return self._state.id_batch_of(self._rows)

    def _hits(self, place: int, first: int, last: int) -> Hits:
        own = slice(first, last)
        plan = self.plans[self.plan_of[place]]
        vectors = self.flat_vectors
        if vectors is not None:
            vectors = {name: array[own] for name, array in vectors.items()}
        ids = None if self._ids is None else self._ids[place]
        rows, distances = self._rows[own], self._flat_distances[own]
        return StoredHits(self._state, self._snapshot, rows, distances, plan, self._select, vectors, ids)
