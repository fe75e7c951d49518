"""Algorithm: one index of one library, in the form in which every library is measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from vecdb.bench.datasets.dataset import Floats, Ints, Metric

__all__ = ["MISSING", "Algorithm", "Floats", "Ints", "Metric", "padded"]

MISSING = -1  # the id at a place of batch_query() that no row was found for


class Algorithm(ABC):
    """An index with its build arguments; it lives in a process of its own and belongs to one thread unless Concurrent.

    A subclass takes its build arguments after these two, by position, as the definition lists them. Building and
    batches use `threads` threads, query() uses one. Importing its module, or the constructor, raises ImportError where
    the library is missing, and OSError or RuntimeError where it refuses this processor.
    """

    library: ClassVar[str]  # the name that pip installs it by; its version is recorded

    def __init__(self, metric: Metric, threads: int) -> None:
        self.metric = metric
        self.threads = threads

    @abstractmethod
    def fit(self, X: Floats) -> None:
        """Builds the index of rows X (n, d) float32, C-contiguous; their ids are 0 .. n-1. Called once, at first."""

    @abstractmethod
    def set_query_arguments(self, *arguments: Any) -> None:
        """What the queries that follow are asked with: one group of the definition's query arguments."""

    @abstractmethod
    def query(self, q: Floats, k: int) -> Ints:
        """The ids of at most k rows for a query (d,) float32, nearest first: the timed call, on one thread.

        Where the library gives a list, it may be the list, as its user would have it: padded() makes it an array.
        """

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """The ids (nq, k) for queries (nq, d), nearest first, MISSING where fewer were found, with `threads` threads.

        The library's own batch call; here, for libraries that have none, one query after the other.
        """
        return padded([self.query(q, k) for q in Q], k)

    def index_bytes(self) -> int | None:
        """The index's size as the library itself tells it; None if it does not."""
        return None

    def close(self) -> None:  # noqa: B027
        """Lets go of everything, files and processes included; the last call, and harmless when repeated."""


def padded(found: Sequence[Ints | Sequence[int]], k: int) -> Ints:
    """The answers to several queries as one array (nq, k), MISSING where a query found fewer than k rows."""
    ids = np.full((len(found), k), MISSING, np.int64)
    for row, own in zip(ids, found, strict=True):
        row[: len(own)] = own[:k]
    return ids
