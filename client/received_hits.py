"""The hits of a search over the network: views of one answer; ids and payloads become Python objects when asked for."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecdb.client.answer import read, unreadable
from vecdb.hits import Floats, Hits
from vecdb.ids import Id
from vecdb.proto.convert.ids import Integers, ids_from_message
from vecdb.proto.convert.matrices import from_named_matrices
from vecdb.proto.convert.payloads import payloads_from_bytes
from vecdb.proto.convert.results import plan_from_message
from vecdb.proto.v1 import search_pb2
from vecdb.types import Plan, Vectors

_SCORE: Final = np.dtype("<f4")


class ReceivedHits(Hits):
    """The hits of one query of an answer. Arrays are read-only views of its bytes."""

    __slots__ = ("_answer", "_first", "_ids", "_payloads", "_plan", "_scores")

    def __init__(self, answer: SearchAnswer, first: int, scores: Floats, plan: int) -> None:
        self._answer = answer
        self._first = first
        self._scores = scores
        self._plan = plan  # its place in the answer
        self._ids: list[Id] | None = None
        self._payloads: list[dict[str, Any]] | None = None

    @property
    def plan(self) -> Plan:  # type: ignore[override]
        """How they were found."""
        return self._answer.plan(self._plan)

    @property
    def _distances(self) -> Floats:  # type: ignore[override]
        return np.negative(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def ids(self) -> list[Id]:
        """The ids, best first."""
        if self._ids is None:
            self._ids = self._answer.ids(self._first, len(self._scores))
        return self._ids

    @property
    def scores(self) -> Floats:
        """Cosine similarity, dot product or negated squared L2, (n,): higher is better."""
        return self._scores

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The payloads, best first."""
        if self._payloads is None:
            self._payloads = self._answer.payloads(self._first, len(self._scores))
        return self._payloads

    @property
    def vectors(self) -> Vectors | None:
        """By vector name the vectors of the hits, (n, d), best first; None where the search was not asked for them."""
        return self._answer.vectors(self._first, len(self._scores))


class Part(NamedTuple):
    """What one answer holds for several queries: how many hits each has, all scores, and the place of each's plan."""

    answer: SearchAnswer
    counts: Integers
    scores: Floats
    plan_of: list[int]


class SearchAnswer:
    """One SearchResponse, which the hits of its queries share. What it holds is parsed once, for all of them."""

    __slots__ = ("_ids", "_payloads", "_plans", "_response", "_rows", "_vectors", "_with_vectors")

    def __init__(self, response: search_pb2.SearchResponse, with_vectors: bool) -> None:
        self._response = response
        self._with_vectors = with_vectors
        self._rows = len(response.scores) // _SCORE.itemsize
        self._ids: Integers | list[Id] | None = None
        self._payloads: list[dict[str, Any]] | None = None
        self._plans: list[Plan] | None = None
        self._vectors: Any = None

    def one(self) -> ReceivedHits:
        """The hits of the only query. ServerFailed if there is another number of them."""
        response = self._response
        counts, data = response.counts, response.scores
        if len(counts) != 1 or counts[0] * _SCORE.itemsize != len(data) or not response.plans:
            raise unreadable("not the hits of one query")
        scores = np.frombuffer(data, _SCORE)
        return ReceivedHits(self, 0, scores, 0)

    def part(self, queries: int, k: int) -> Part:
        """The hits of several queries. ServerFailed if they are not of so many, or some query has more than k."""
        response = self._response
        counts = np.array(list(response.counts), np.int64)
        if len(counts) != queries or counts.sum() != self._rows or len(response.scores) % _SCORE.itemsize:
            raise unreadable(f"not the hits of {queries} queries")
        if counts.max(initial=0) > k:
            raise unreadable(f"{counts.max()} hits of a query, {k} were asked for")
        plan_of = list(response.plan_of) or [0] * queries
        if len(plan_of) != queries or max(plan_of, default=-1) >= len(response.plans):
            raise unreadable("a plan is missing")
        return Part(self, counts, np.frombuffer(response.scores, _SCORE), plan_of)

    def plan(self, place: int) -> Plan:
        """One of its plans."""
        if self._plans is None:
            self._plans = [read(plan_from_message, plan) for plan in self._response.plans]
        return self._plans[place]

    def ids(self, first: int, count: int) -> list[Id]:
        """The ids of some rows."""
        some = self.all_ids()[first : first + count]
        return some if isinstance(some, list) else some.tolist()

    def all_ids(self) -> Integers | list[Id]:
        """The ids of all rows: a view of the answer's bytes if all are integers."""
        if self._ids is None:
            found = read(ids_from_message, self._response.ids, "ids")
            if len(found) != self._rows:
                raise unreadable(f"{len(found)} ids for {self._rows} hits")
            if isinstance(found, list) and set(map(type, found)) == {int}:
                found = np.array(found, np.int64)
            if isinstance(found, np.ndarray) and found.min(initial=0) < 0:
                raise unreadable("a negative id")
            self._ids = found
        return self._ids

    def payloads(self, first: int, count: int) -> list[dict[str, Any]]:
        """The payloads of some rows, empty ones where none were sent."""
        if self._payloads is None:
            found = read(payloads_from_bytes, self._response.payloads, self._rows, "payloads")
            self._payloads = [payload or {} for payload in found]
        return self._payloads[first : first + count]

    def vectors(self, first: int, count: int) -> Vectors | None:
        """The vectors of some rows, None if they were not asked for."""
        if not self._with_vectors:
            return None
        if self._vectors is None:
            found = read(from_named_matrices, self._response.vectors, "vectors")
            if any(len(array) != self._rows for array in found.values()):
                raise unreadable(f"not {self._rows} rows of vectors")
            self._vectors = dict(found)
        return {name: array[first : first + count] for name, array in self._vectors.items()}
