"""The hits of several queries over the network: views of one answer, or of the answers that they came in together."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vecdb.client.received_hits import Part, ReceivedHits
from vecdb.hits import Hits
from vecdb.hits_batch import HitsBatch, Integers
from vecdb.ids import Id

_Number = TypeVar("_Number", np.float32, np.int64)


class ReceivedHitsBatch(HitsBatch):
    """The hits of the queries of some answers, in their order. The arrays of one answer are views of its bytes."""

    __slots__ = ("_first_queries", "_first_rows", "_parts")

    def __init__(self, parts: list[Part]) -> None:
        counts, scores = [part.counts for part in parts], [part.scores for part in parts]
        super().__init__(_joined(counts, np.int64), _joined(scores, np.float32))
        self._parts = parts
        self._first_queries = list(accumulate(map(len, counts), initial=0))
        self._first_rows = list(accumulate(map(len, scores), initial=0))

    def _read_ids(self) -> Integers | list[Id]:
        found = [part.answer.all_ids() for part in self._parts]
        arrays = [each for each in found if not isinstance(each, list)]
        if sum(map(len, arrays)) == len(self._flat_scores):
            return _joined(arrays, np.int64)
        return [each for some in found for each in (some if isinstance(some, list) else some.tolist())]

    def _hits(self, place: int, first: int, last: int) -> Hits:
        number = bisect_right(self._first_queries, place) - 1
        part = self._parts[number]
        plan = part.plan_of[place - self._first_queries[number]]
        return ReceivedHits(part.answer, first - self._first_rows[number], self._flat_scores[first:last], plan)


def _joined(arrays: list[npt.NDArray[_Number]], kind: type[_Number]) -> npt.NDArray[_Number]:
    """One after the other; the array itself where there is one."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, kind), *arrays])
