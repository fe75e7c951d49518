"""vecdb as a library, through its public API alone: in memory for fit(), in a folder for ingest()."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

import vecdb
from vecdb.bench.algorithms.algorithm import MISSING, Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Concurrent, Filterable, Stored, Updatable
from vecdb.bench.algorithms.condition import Column, Condition
from vecdb.bench.algorithms.vecdb_attributes import declared_fields, payloads, where_of
from vecdb.schema import Dtype, Index
from vecdb.schema import Metric as VecdbMetric

METRICS: Final[dict[Metric, VecdbMetric]] = {"euclidean": "l2", "angular": "cosine", "dot": "dot"}
COLLECTION: Final = "rows"
DATABASE: Final = "database"  # below the folder of ingest() and reopen()
BATCH_ROWS: Final = 10_000
BATCH_BYTES: Final = 16 << 20

Batch = tuple[Ints, Floats, list[dict[str, Any]] | None]


class VecdbIndex(Algorithm, Updatable, Stored, Filterable, Concurrent):
    """One collection of one vector. Under angular, rows of zeros are left out: they have no direction."""

    library: ClassVar[str] = "vecdb"
    queries_per_call: ClassVar[int] = 10_000  # of batch_query()
    dtype: ClassVar[Dtype] = "float32"

    def __init__(self, metric: Metric, threads: int) -> None:
        super().__init__(metric, threads)
        self._db: vecdb.Database | None = None
        self._docs: vecdb.Collection
        self._options: dict[str, Any] = {}  # of every search
        self._ingested = False

    @property
    @abstractmethod
    def index(self) -> Index:
        """The structure that the collection is made with."""

    def open(self, folder: Path | None) -> vecdb.Database:
        """The database in a folder, or an empty one in memory."""
        return vecdb.connect(":memory:" if folder is None else folder, threads=self.threads)

    def fit(self, X: Floats) -> None:
        """Upserts in batches, then optimize(): every row is in the index."""
        self.fit_attributes(X, {})

    def fit_attributes(self, X: Floats, attributes: Mapping[str, Column]) -> None:
        """The same, with payloads of declared fields."""
        self._db = self.open(None)
        self._fill(_batches(X, attributes), attributes)
        self._docs.optimize()

    def set_query_arguments(self, *arguments: Any) -> None:
        """Takes none: what the class knows of is in the subclasses."""
        if arguments:
            raise ValueError(f"{type(self).__name__}: expected no query arguments, received {arguments}")

    def query(self, q: Floats, k: int) -> Any:
        """One search; its ids, which are a list."""
        return self._docs.search(q, k, **self._options).ids

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """As few calls as `queries_per_call` allows."""
        ids = np.full((len(Q), k), MISSING, np.int64)
        for start in range(0, len(Q), self.queries_per_call):
            found = self._docs.search(Q[start : start + self.queries_per_call], k, **self._options).id_array
            ids[start : start + len(found), : found.shape[1]] = found
        return ids

    def insert(self, ids: Ints, X: Floats) -> None:
        """Upserts in batches; the index absorbs them in the background."""
        for start, stop in _bounds(X):
            self._docs.upsert(ids[start:stop], X[start:stop])

    def delete(self, ids: Ints) -> None:
        """One delete."""
        self._docs.delete(ids)

    def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
        """One upsert a batch, each synced; the index absorbs them meanwhile, and the rest in close()."""
        self._db = self.open(folder / DATABASE)
        self._ingested = True
        self._fill(((ids, X, None) for ids, X in batches), {})

    def reopen(self, folder: Path) -> None:
        """Opens what ingest() left."""
        self._db = self.open(folder / DATABASE)
        self._docs = self._db[COLLECTION]

    def set_filter(self, condition: Condition) -> None:
        """Makes the filter. Its rows are found by the first query, and kept for those that follow."""
        self._options = self._options | {"where": where_of(condition)}

    def index_bytes(self) -> int:
        """Memory of the graph and what belongs to it, without the vectors, as stats() has it."""
        return self._docs.stats().memory_bytes

    def close(self) -> None:
        """Closes the database; after ingest() the index is completed first."""
        db, self._db = self._db, None
        if db is not None:
            if self._ingested and COLLECTION in db:
                db[COLLECTION].optimize()
            db.close()

    def _fill(self, batches: Iterable[Batch], attributes: Mapping[str, Column]) -> None:
        assert self._db is not None, "open() comes first"
        metric, fields = METRICS[self.metric], declared_fields(attributes)
        docs = None
        for ids, X, rows in batches:
            if docs is None:
                vector = vecdb.Vector(X.shape[1], metric=metric, index=self.index, dtype=self.dtype)
                docs = self._docs = self._db.create_collection(COLLECTION, vectors={"": vector}, fields=fields)
            if metric == "cosine" and len(kept := np.flatnonzero(np.any(X, axis=1))) < len(X):
                rows = None if rows is None else [rows[place] for place in kept]
                ids, X = ids[kept], X[kept]
            docs.upsert(ids, X, rows)


class VecdbFlat(VecdbIndex):
    """The exact scan."""

    @property
    def index(self) -> Index:
        """Flat()."""
        return vecdb.Flat()


class VecdbHnsw(VecdbIndex):
    """The graph; `build` is what vecdb.Hnsw takes by name, the query argument is `ef`."""

    def __init__(self, metric: Metric, threads: int, build: Mapping[str, int]) -> None:
        super().__init__(metric, threads)
        self._build = build

    @property
    def index(self) -> Index:
        """Hnsw(...)."""
        return vecdb.Hnsw(**self._build)

    def set_query_arguments(self, *arguments: Any) -> None:
        """`ef`, the candidates kept by a search."""
        (ef,) = arguments
        self._options = self._options | {"ef": ef}


class VecdbHnswFloat16(VecdbHnsw):
    """The same over rows of float16."""

    dtype: ClassVar[Dtype] = "float16"


class VecdbHnswRecall(VecdbHnsw):
    """The graph, told what recall it should reach and not how: the query argument is `recall`."""

    def set_query_arguments(self, *arguments: Any) -> None:
        """`recall`, 0 .. 1, for which the collection chooses ef by what it measured of itself."""
        (recall,) = arguments
        self._options = self._options | {"recall": recall}


def _batches(X: Floats, attributes: Mapping[str, Column]) -> Iterator[Batch]:
    for start, stop in _bounds(X):
        yield np.arange(start, stop), X[start:stop], payloads(attributes, start, stop)


def _bounds(X: Floats) -> Iterator[tuple[int, int]]:
    rows = max(1, min(BATCH_ROWS, BATCH_BYTES // max(X[:1].nbytes, 1)))
    return ((start, min(start + rows, len(X))) for start in range(0, len(X), rows))
