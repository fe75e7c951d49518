"""The result of a search for several queries, the same at every door: arrays of all hits, Hits when asked for."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, TypeVar, overload

import numpy as np
import numpy.typing as npt

from vecdb.hits import Floats, Hits
from vecdb.ids import Id

Integers = npt.NDArray[np.int64]
_Number = TypeVar("_Number", bound=np.generic)

_NO_ID: Final = -1  # where there is no hit, in an array of integers


class HitsBatch(Sequence[Hits]):
    """The Hits of each query, in the order asked, and arrays of them all, a row a query, as wide as the most hits.

    Arrays, `ids` and the Hits of a query are read or made when first asked for, and kept; the arrays are read-only. Ids
    are those of the rows that the search found, even if they were replaced or deleted since.
    """

    __slots__ = (
        "_bounds",
        "_distances",
        "_each",
        "_flat_ids",
        "_flat_scores",
        "_id_array",
        "_ids",
        "_scores",
        "counts",
    )

    counts: Integers  # (nq,), how many hits each query has

    def __init__(self, counts: Integers, scores: Floats) -> None:
        assert counts.sum() == len(scores), f"{counts.sum()} hits with {len(scores)} scores"
        self.counts = counts
        self.counts.flags.writeable = False
        self._flat_scores = scores  # (n,), query after query, best first
        self._each: dict[int, Hits] = {}
        self._bounds: list[int] | None = None
        self._flat_ids: Integers | list[Id] | None = None
        self._ids: list[list[Id]] | None = None
        self._id_array: npt.NDArray[Any] | None = None
        self._scores: Floats | None = None
        self._distances: Floats | None = None

    @property
    def ids(self) -> list[list[Id]]:
        """The ids of each query's hits, best first."""
        if self._ids is None:
            found = self._all_ids()
            if not isinstance(found, list) and len(found) == self.id_array.size:
                self._ids = self.id_array.tolist()
            else:
                listed: list[Id] = found if isinstance(found, list) else found.tolist()
                self._ids = [listed[first:last] for first, last in pairwise(self._all_bounds())]
        return self._ids

    @property
    def id_array(self) -> npt.NDArray[Any]:
        """The ids (nq, w), best first: int64 and -1 where there is no hit; of ids of other kinds objects, and None."""
        if self._id_array is None:
            found = self._all_ids()
            if isinstance(found, list):
                objects = np.empty(len(found), object)
                objects[:] = found
                self._id_array = self._table(objects, None)
            else:
                self._id_array = self._table(found, _NO_ID)
        return self._id_array

    @property
    def scores(self) -> Floats:
        """Cosine similarity, dot product or negated squared L2, (nq, w): higher is better; -inf where none is."""
        if self._scores is None:
            self._scores = self._table(self._flat_scores, -np.inf)
        return self._scores

    @property
    def distances(self) -> Floats:
        """The metric's own distance, (nq, w): 1 - cosine, the negated dot product, or squared L2; inf where none is."""
        if self._distances is None:
            distances = np.negative(self.scores)
            if len(self) and self[0].plan.metric == "cosine":
                distances += np.float32(1)
            distances.flags.writeable = False
            self._distances = distances
        return self._distances

    def __len__(self) -> int:
        return len(self.counts)

    @overload
    def __getitem__(self, place: int) -> Hits: ...
    @overload
    def __getitem__(self, place: slice) -> list[Hits]: ...
    def __getitem__(self, place: int | slice) -> Hits | list[Hits]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = operator.index(place)
        if not -len(self) <= place < len(self):
            raise IndexError(f"query {place} of {len(self)}")
        place %= len(self)
        hits = self._each.get(place)
        if hits is None:
            bounds = self._all_bounds()
            # Another thread may have been first: then these are its hits.
            hits = self._each.setdefault(place, self._hits(place, bounds[place], bounds[place + 1]))
        return hits

    def __iter__(self) -> Iterator[Hits]:
        for place, (first, last) in enumerate(pairwise(self._all_bounds())):
            hits = self._each.get(place)
            yield self._each.setdefault(place, self._hits(place, first, last)) if hits is None else hits

    def __repr__(self) -> str:
        queries = f"{len(self)} quer{'y' if len(self) == 1 else 'ies'}"
        if not len(self):
            return f"HitsBatch({queries})"
        least, most = int(self.counts.min()), int(self.counts.max())
        return f"HitsBatch({queries} of {most if least == most else f'{least} to {most}'} hits)"

    def _all_bounds(self) -> list[int]:
        """Where the hits of each query begin among all, and where the last ends."""
        if self._bounds is None:
            self._bounds = list(accumulate(self.counts.tolist(), initial=0))
        return self._bounds

    def _all_ids(self) -> Integers | list[Id]:
        """The ids of all hits, query after query: an array if all are integers."""
        if self._flat_ids is None:
            self._flat_ids = self._read_ids()
        return self._flat_ids

    @abstractmethod
    def _read_ids(self) -> Integers | list[Id]:
        """What _all_ids() keeps."""

    @abstractmethod
    def _hits(self, place: int, first: int, last: int) -> Hits:
        """The hits of the query at `place`: those from `first` to before `last` among all."""

    def _table(self, flat: npt.NDArray[_Number], missing: object) -> npt.NDArray[_Number]:
        """(n,) of all hits as (nq, w): a view where every query has as many."""
        width = int(self.counts.max(initial=0))
        if len(flat) == len(self) * width:
            table = flat.reshape(len(self), width)
        else:
            table = np.full((len(self), width), missing, flat.dtype)
            table[np.arange(width) < self.counts[:, None]] = flat
        table.flags.writeable = False
        return table
