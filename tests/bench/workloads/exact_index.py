"""An algorithm that can do everything and makes no mistakes, in numpy alone, and a data set for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Concurrent, Filterable, Stored, Updatable
from vecdb.bench.algorithms.condition import Column, Condition
from vecdb.bench.datasets.dataset import Attributes, Dataset


class ExactIndex(Algorithm, Updatable, Stored, Filterable, Concurrent):
    """A scan of a dict's rows; `forgets` leaves out the nearest of them, `query_arguments` are as set last."""

    library: ClassVar[str] = "numpy"

    def __init__(self, metric: Metric = "euclidean", threads: int = 1, forgets: int = 0) -> None:
        super().__init__(metric, threads)
        self.forgets = forgets
        self.rows: dict[int, Floats] = {}
        self.attributes: Mapping[str, Column] = {}
        self.condition: Condition | None = None
        self.query_arguments: tuple[Any, ...] = ()
        self.fits = 0
        self.most = 0
        self.closed = False

    def fit(self, X: Floats) -> None:
        assert X.flags.c_contiguous
        assert X.dtype == np.float32
        self.fits += 1
        self.rows = dict(enumerate(X))
        self.most = len(self.rows)

    def fit_attributes(self, X: Floats, attributes: Mapping[str, Column]) -> None:
        self.fit(X)
        self.attributes = attributes

    def set_query_arguments(self, *arguments: Any) -> None:
        self.query_arguments = arguments

    def set_filter(self, condition: Condition) -> None:
        self.condition = condition

    def query(self, q: Floats, k: int) -> Ints:
        rows = dict(self.rows)
        ids = np.fromiter(rows, np.int64, len(rows))
        if self.condition is not None:
            ids = np.flatnonzero(self.condition.matches(self.attributes, len(rows)))
        if not len(ids):
            return ids
        distances = own_distances(self.metric, q, np.stack([rows[id_] for id_ in ids.tolist()]))
        return ids[np.argsort(distances, kind="stable")][self.forgets : self.forgets + k]

    def insert(self, ids: Ints, X: Floats) -> None:
        assert len(ids) == len(X)
        self.rows = {**self.rows, **dict(zip(ids.tolist(), X, strict=True))}
        self.most = max(self.most, len(self.rows))

    def delete(self, ids: Ints) -> None:
        gone = set(ids.tolist())
        assert gone <= self.rows.keys(), "a delete of what is not there"
        self.rows = {id_: row for id_, row in self.rows.items() if id_ not in gone}

    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        assert not list(folder.iterdir()), "the folder is empty"
        for number, (ids, X) in enumerate(batches):
            self.insert(ids, X)
            np.savez(folder / f"{number:06}.npz", ids=ids, X=X)

    def reopen(self, folder: Path) -> None:
        assert not self.rows, "a process that did nothing before"
        for path in sorted(folder.iterdir()):
            with np.load(path) as batch:
                self.insert(batch["ids"], batch["X"])

    def close(self) -> None:
        self.closed = True


def made_dataset(
    rows: int, *, metric: Metric = "euclidean", queries: int = 30, seed: int = 0, attributes: Attributes | None = None
) -> Dataset:
    """A random data set of 8 dimensions with the truth of 20 places a query."""
    random = np.random.default_rng(seed)
    train = random.standard_normal((rows, 8)).astype(np.float32)
    test = random.standard_normal((queries, 8)).astype(np.float32)
    distances = np.stack([own_distances(metric, query, train) for query in test])
    neighbors = np.argsort(distances, axis=1, kind="stable")[:, :20]
    nearest = np.take_along_axis(distances, neighbors, axis=1).astype(np.float32)
    return Dataset(f"made-{rows}", metric, train, test, neighbors.astype(np.int32), nearest, attributes)


def own_distances(metric: Metric, query: Floats, rows: Floats) -> np.ndarray[Any, np.dtype[np.float64]]:
    """As ann-benchmarks defines them, (k,)."""
    query, rows = query.astype(np.float64), rows.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(np.sqrt(((rows - query) ** 2).sum(axis=1)))
    products = rows @ query
    if metric == "dot":
        return -products
    return np.asarray(1 - products / np.linalg.norm(rows, axis=1) / np.linalg.norm(query))
