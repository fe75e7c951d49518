"""A sample of the queries that a vector's index was asked: what its recall is worth measuring on. In memory alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from vecdb.hits import Floats

SAMPLE_QUERIES: Final = 800
ENOUGH_QUERIES: Final = 200  # fewer say less than what the rows themselves give away
_SPACING: Final = 64  # once the sample is full, one query of so many is kept


class AskedQueries:
    """The latest SAMPLE_QUERIES of those kept: of the first all, then one in 64. Any thread adds; a race may lose one.

    `when_enough` is called when they are worth learning from: as soon as there are ENOUGH_QUERIES, and each time that
    twice as many were kept.
    """

    def __init__(self) -> None:
        self._queries: deque[Floats] = deque(maxlen=SAMPLE_QUERIES)
        self.asked = 0  # in all
        self._kept = 0
        self._next_lesson = ENOUGH_QUERIES
        self.when_enough: Callable[[], None] = _nobody_learns

    def add(self, query: Floats) -> None:
        """One query (d,) that was answered."""
        self.asked = asked = self.asked + 1
        if asked <= SAMPLE_QUERIES or not asked % _SPACING:
            self._keep(query)

    def add_many(self, queries: Floats) -> None:
        """A batch (nq, d) that was answered."""
        before, self.asked = self.asked, self.asked + len(queries)
        for place in range(len(queries)):
            asked = before + place + 1
            if asked <= SAMPLE_QUERIES or not asked % _SPACING:
                self._keep(queries[place])

    def worth_learning(self) -> bool:
        """Whether they tell more than the last ones that were learnt from."""
        return self._kept >= self._next_lesson

    def sample(self) -> Floats | None:
        """A copy (n, d) of those kept, repeats once; None if they are too few."""
        kept = {query.tobytes(): query for query in self._queries.copy()}
        return np.array(list(kept.values()), np.float32) if len(kept) >= ENOUGH_QUERIES else None

    def learnt(self) -> None:
        """The sample was learnt from as it is."""
        while self._next_lesson <= self._kept:
            self._next_lesson *= 2

    def _keep(self, query: Floats) -> None:
        self._queries.append(query.copy())
        self._kept += 1
        if self._kept == self._next_lesson:
            self.when_enough()


def _nobody_learns() -> None:
    """In place of a background that measures."""
