"""PeerDatabase: a whole database as an Algorithm: a folder, rows under ids, an index that is built when told to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints
from vecdb.bench.algorithms.attribute_column import AttributeColumn, attribute_column
from vecdb.bench.algorithms.capabilities import Concurrent, Filterable, Stored
from vecdb.bench.algorithms.condition import Column
from vecdb.bench.datasets.dataset import Metric

# An index is built again when this share of the rows is not in it: these databases leave the moment to their user.
UNINDEXED_SHARE: Final = 0.2


class PeerDatabase(Algorithm, Stored, Filterable, Concurrent):
    """What is the same for all of them; insert() and delete() are here for those that are Updatable.

    fit() keeps the rows in a temporary folder. ingest() leaves the index to close(), which builds it.
    """

    batch_rows: ClassVar[int] = 1000  # rows of one write

    def __init__(self, metric: Metric, threads: int) -> None:
        super().__init__(metric, threads)
        self.columns: dict[str, AttributeColumn] = {}
        self._temporary: TemporaryDirectory[str] | None = None
        self._is_open = False
        self._live: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)  # by id: a set would count as the library's memory
        self._row_count = 0  # of those that are there
        self._unindexed_count = 0

    @abstractmethod
    def create_database(self, folder: Path, dimension: int) -> None:
        """A database without rows in an empty folder, with a field for each of self.columns, open for writing."""

    @abstractmethod
    def open_database(self, folder: Path) -> None:
        """Opens what close_database() left in a folder, for searches."""

    @abstractmethod
    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        """Inserts or replaces at most batch_rows rows; attributes that are not named have no value."""

    @abstractmethod
    def delete_rows(self, ids: Ints) -> None:
        """Deletes at most batch_rows rows."""

    @abstractmethod
    def make_durable(self) -> None:
        """Returns when everything written is as durable as this database can be asked to make it."""

    @abstractmethod
    def build_index(self) -> None:
        """Puts every row into the index, and the index in order, with self.threads threads."""

    @abstractmethod
    def close_database(self) -> None:
        """Ends it; all its files are written."""

    def fit(self, X: Floats) -> None:
        """Writes and indexes the rows X (n, d)."""
        self.fit_attributes(X, {})

    def fit_attributes(self, X: Floats, attributes: Mapping[str, Column]) -> None:
        """Writes and indexes the rows X (n, d) with attributes of n values."""
        self.columns = {name: attribute_column(name, column) for name, column in attributes.items()}
        self._temporary = TemporaryDirectory(prefix="vecdb-bench-")
        self._create(Path(self._temporary.name), X.shape[1])
        self._write(np.arange(len(X), dtype=np.int64), X, {name: own.cells for name, own in self.columns.items()})
        self._build()

    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        """Writes each batch and makes it durable before the next is taken."""
        for ids, X in batches:
            if not self._is_open:
                self._create(folder, X.shape[1])
            self._write(ids, X, {})
            self.make_durable()

    def reopen(self, folder: Path) -> None:
        """Opens the folder."""
        self.open_database(folder)
        self._is_open = True

    def insert(self, ids: Ints, X: Floats) -> None:
        """Inserts or replaces rows; a fifth of the rows later, the index is built again."""
        self._write(ids, X, {})
        if self._unindexed_count > UNINDEXED_SHARE * self._row_count:
            self._build()

    def delete(self, ids: Ints) -> None:
        """Deletes the rows of these ids (n,)."""
        for start in range(0, len(ids), self.batch_rows):
            self.delete_rows(ids[start : start + self.batch_rows])
        there = ids[ids < len(self._live)]
        self._row_count -= int(np.count_nonzero(self._live[there]))
        self._live[there] = False

    def close(self) -> None:
        """Builds what is not in the index, if the folder stays, and closes; a temporary folder goes."""
        if self._is_open:
            self._is_open = False
            if self._temporary is None and self._unindexed_count:
                self._build()
            self.close_database()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _create(self, folder: Path, dimension: int) -> None:
        self.create_database(folder, dimension)
        self._is_open = True

    def _write(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        for start in range(0, len(ids), self.batch_rows):
            part = slice(start, start + self.batch_rows)
            self.write_rows(ids[part], X[part], {name: cells[part] for name, cells in attributes.items()})
        if len(ids) and ids.max() >= len(self._live):
            self._live = np.concatenate((self._live, np.zeros(ids.max() + 1 - len(self._live), np.bool_)))
        self._row_count += len(ids) - int(np.count_nonzero(self._live[ids]))
        self._live[ids] = True
        self._unindexed_count += len(ids)

    def _build(self) -> None:
        self.build_index()
        self._unindexed_count = 0


def attribute_field(name: str) -> str:
    """The field that an attribute is kept in, apart from the id's and the vector's."""
    return f"attribute_{name}"
