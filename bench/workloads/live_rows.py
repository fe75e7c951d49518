"""What a runbook leaves in an index, step by step: as it must be, and carried out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.datasets.dataset import Floats, Ints
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search, Step


class Replay:
    """Iterates over (step, row of each id after it, -1 where there is none): what must be true of an index.

    The array is the same one all the way.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def __iter__(self) -> Iterator[tuple[Step, Ints]]:
        """In the order of the book."""
        row_of = np.full(self._book.numbers, -1, np.int64)
        for step in self._book.steps:
            ids, rows = ids_and_rows(self._book, step)
            row_of[ids] = rows
            yield step, row_of


class Live:
    """An algorithm to which a book's steps happen."""

    def __init__(self, algorithm: Algorithm, book: Book, vectors: Floats, batch_rows: int) -> None:
        self.algorithm = algorithm
        self._book = book
        self._vectors = vectors
        self._batch_rows = batch_rows
        self._fitted = False

    def change(self, step: Step) -> int:
        """Carries out a step that is no Search; the number of rows it was about."""
        ids, rows = ids_and_rows(self._book, step)
        if not self._fitted:
            self.algorithm.fit(np.ascontiguousarray(self._vectors[rows]))
            self._fitted = True
            return len(ids)
        index = cast(Updatable, self.algorithm)
        for first in range(0, len(ids), self._batch_rows):
            part = slice(first, first + self._batch_rows)
            if isinstance(step, Delete):
                index.delete(ids[part])
            else:
                index.insert(ids[part], np.ascontiguousarray(self._vectors[rows[part]]))
        return len(ids)


def ids_and_rows(book: Book, step: Step) -> tuple[Ints, Ints]:
    """The ids that a step is about and the row each has after it, -1 for none.

    Ids are the book's numbers, turned so that the first insert begins at 0.
    """
    if isinstance(step, Search):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if isinstance(step, Replace):
        numbers, rows = np.arange(step.tags_start, step.tags_end), np.arange(step.ids_start, step.ids_end)
    else:
        numbers = np.arange(step.start, step.end)
        rows = np.full(len(numbers), -1) if isinstance(step, Delete) else numbers
    first = book.steps[0]
    assert isinstance(first, Insert), "a book begins with an insert"
    return (numbers - first.start) % book.numbers, rows
