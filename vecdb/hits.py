"""The result of a search, the same at every door: arrays first, ids and payloads when they are asked for."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from vecdb.errors import brief
from vecdb.ids import Id
from vecdb.types import Hit, Plan, Vectors

Floats = npt.NDArray[np.float32]


class Hits(Sequence[Hit]):
    """The rows nearest to one query, best first; `plan` tells how they were found.

    Ids and payloads are those of the rows the search found, even if they were replaced or deleted since.
    """

    __slots__ = ("_distances", "plan")

    plan: Plan

    def __init__(self, distances: Floats, plan: Plan) -> None:
        self._distances = distances  # (n,), what the rows are ranked by: the negated scores
        self.plan = plan

    @property
    @abstractmethod
    def ids(self) -> list[Id]:
        """The ids, best first."""

    @property
    @abstractmethod
    def payloads(self) -> list[dict[str, Any]]:
        """The payloads, best first; of the fields that `select` named, if it did."""

    @property
    @abstractmethod
    def vectors(self) -> Vectors | None:
        """By vector name the vectors of the hits, (n, d), best first; None where the search was not asked for them."""

    @property
    def scores(self) -> Floats:
        """Cosine similarity, dot product or negated squared L2, (n,): higher is better."""
        return -self._distances

    @property
    def distances(self) -> Floats:
        """The metric's own distance, (n,): 1 - cosine, the negated dot product, or squared L2; lower is nearer."""
        cosine = self.plan.metric == "cosine"
        return self._distances + np.float32(1) if cosine else self._distances

    def __len__(self) -> int:
        return len(self._distances)

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
        arrays = self.vectors
        vectors = None if arrays is None else {name: array[place] for name, array in arrays.items()}
        score = -float(self._distances[place])
        return Hit(id=self.ids[place], score=score, payload=self.payloads[place], vectors=vectors)

    def __iter__(self) -> Iterator[Hit]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        shown = [f"{brief(each)}: {score:.4f}" for each, score in zip(self.ids[:5], self.scores[:5], strict=True)]
        return f"Hits({len(self)}{': ' if shown else ''}{', '.join(shown)}{', ...' if len(self) > 5 else ''})"
