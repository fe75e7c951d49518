"""What only some libraries can do: a class inherits these beside Algorithm, and workloads ask for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.algorithms.condition import Column, Condition


class Updatable(ABC):
    """Rows come and go after fit(); the queries that follow see it."""

    @abstractmethod
    def insert(self, ids: Ints, X: Floats) -> None:
        """Inserts rows X (n, d) under ids (n,), none of them twice; a row whose id is there is replaced."""

    @abstractmethod
    def delete(self, ids: Ints) -> None:
        """Deletes the rows of these ids (n,); none of them is found afterwards."""


class Stored(ABC):
    """Rows on disk, by the library's own means."""

    @abstractmethod
    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        """Writes batches of ids (n,) and rows (n, d) into an empty folder: the next is taken when one is durable.

        It stands in place of fit(), and queries find every row when it returns; an index may still be growing. After
        close() the folder is what reopen() wants.
        """

    @abstractmethod
    def reopen(self, folder: Path) -> None:
        """Makes a folder that ingest() filled and close() left ready for query(), in a process that did neither."""


class Filterable(ABC):
    """Searches among the rows that a condition on attributes holds for."""

    @abstractmethod
    def fit_attributes(self, X: Floats, attributes: Mapping[str, Column]) -> None:
        """fit(X), with the attributes of the rows: columns of n values by name. It stands in place of fit()."""

    @abstractmethod
    def set_filter(self, condition: Condition) -> None:
        """The queries that follow find only rows that the condition holds for.

        It prepares what the library can prepare; what it cannot, each query pays for. A condition without tests holds
        for every row.
        """


class Concurrent:
    """A mark: several threads may call query() at once."""
