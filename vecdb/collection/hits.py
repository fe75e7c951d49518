"""The result of a search: arrays first, ids and payloads when they are asked for."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.errors import brief
from vecdb.ids import Id
from vecdb.payload import decode_payload
from vecdb.types import Hit, Plan, Vectors

Floats = npt.NDArray[np.float32]


class Hits(Sequence[Hit]):
    """The rows nearest to one query, best first.

    Ids and payloads are read on first use and kept: of the rows the search found, even if they were replaced or deleted
    since; a payload that update() changed meanwhile is read as it is then. A Hits keeps the rows it found from reuse.
    `select` names the payload fields to keep, None all of them.
    """

    __slots__ = ("_distances", "_ids", "_payloads", "_rows", "_select", "_snapshot", "_state", "_vectors", "plan")

    plan: Plan

    def __init__(
        self,
        state: CollectionState,
        snapshot: Snapshot,
        rows: npt.NDArray[np.uint32],
        distances: Floats,
        plan: Plan,
        select: Sequence[str] | None,
        with_vectors: bool,
    ) -> None:
        self._state = state
        self._snapshot: Snapshot | None = snapshot
        self._rows = rows
        self._distances = distances
        self._select = select
        self._ids: list[Id] | None = None
        self._payloads: list[dict[str, Any]] | None = None
        self._vectors = self._read_vectors() if with_vectors else None
        self.plan = plan

    @property
    def ids(self) -> list[Id]:
        """The ids, best first."""
        if self._ids is None:
            self._ids = self._state.ids_of(self._rows)
        return self._ids

    @property
    def scores(self) -> Floats:
        """Cosine similarity, dot product or negated squared L2, (n,): higher is better."""
        return -self._distances

    @property
    def distances(self) -> Floats:
        """The metric's own distance, (n,): 1 - cosine, the negated dot product, or squared L2; lower is nearer."""
        cosine = self.plan.metric == "cosine"
        return self._distances + np.float32(1) if cosine else self._distances

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The payloads, best first."""
        if self._payloads is None:
            ids = self.ids
            payloads = [decode_payload(text) for text in self._state.payloads_of(self._rows)]
            if self._select is not None:
                chosen = self._select
                payloads = [{key: each[key] for key in chosen if key in each} for each in payloads]
            self._payloads = payloads
            self._snapshot = None  # nothing more to read: the rows may go
            assert len(ids) == len(payloads)
        return self._payloads

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> list[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | list[Hit]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = operator.index(place)
        if not -len(self) <= place < len(self):
            raise IndexError(f"hit {place} of {len(self)}")
        vectors = None
        if self._vectors is not None:
            vectors = {name: array[place] for name, array in self._vectors.items()}
        score = -float(self._distances[place])
        return Hit(id=self.ids[place], score=score, payload=self.payloads[place], vectors=vectors)

    def __iter__(self) -> Iterator[Hit]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        shown = [f"{brief(each)}: {score:.4f}" for each, score in zip(self.ids[:5], self.scores[:5], strict=True)]
        return f"Hits({len(self)}{': ' if shown else ''}{', '.join(shown)}{', ...' if len(self) > 5 else ''})"

    def _read_vectors(self) -> Vectors:
        return {name: column.read(self._rows) for name, column in self._state.columns.items()}
