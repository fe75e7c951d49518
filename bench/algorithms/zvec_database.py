"""zvec: Alibaba's embedded database, its HNSW; searched as a collection that is written, and read-only."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import zvec

from vecdb.bench.algorithms.algorithm import MISSING, Floats, Ints, padded
from vecdb.bench.algorithms.attribute_column import Comparison, Kind, comparisons
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.algorithms.condition import Condition
from vecdb.bench.algorithms.peer_database import PeerDatabase, attribute_field
from vecdb.bench.datasets.dataset import Metric


class ZvecReadOnly(PeerDatabase):
    """A collection opened read-only, with the call that returns zvec's own row numbers as an array: its fastest.

    The row numbers are looked up in a table of ids, which is made when the collection is opened. A process has one set
    of threads for searches, which cannot be told apart from those of a batch; one query was seen to use one of them.
    """

    library = "zvec"

    def __init__(self, metric: Metric, threads: int, m: int, ef_construction: int) -> None:
        super().__init__(metric, threads)
        _initialise(threads)
        self._index = zvec.HnswIndexParam(
            metric_type=_METRICS[metric], m=m, ef_construction=ef_construction, use_contiguous_memory=True
        )
        self._parameters = zvec.HnswQueryParam()
        self._filter: str | None = None
        self._collection: Any = None
        self._folder = Path()
        self._ids: Ints = np.empty(0, np.int64)
        self._pool = ThreadPoolExecutor(threads)

    def set_query_arguments(self, *arguments: Any) -> None:
        """(ef,)."""
        (ef,) = arguments
        self._parameters = zvec.HnswQueryParam(ef=ef)

    def query(self, q: Floats, k: int) -> Ints:
        """The ids of the k nearest rows to q (d,)."""
        asked = zvec.Query("vector", vector=q, param=self._parameters)
        ids: Ints = self._ids[self._collection.query_internal_ids(asked, topk=k, filter=self._filter)]
        return ids if ids[-1] != MISSING else ids[ids != MISSING]

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """The ids (nq, k): there is no call for a batch, so threads share the queries."""
        shares = self._pool.map(lambda share: [self.query(q, k) for q in share], np.array_split(Q, self.threads))
        return padded([ids for share in shares for ids in share], k)

    def set_filter(self, condition: Condition) -> None:
        """An expression over fields that have an inverted index."""
        self._filter = " AND ".join(map(_expression, comparisons(condition, self.columns))) or None

    def create_database(self, folder: Path, dimension: int) -> None:
        """A collection in a folder of its own below: it wants to make it."""
        schema = zvec.CollectionSchema(
            name="rows",
            fields=[
                zvec.FieldSchema(
                    attribute_field(name),
                    _ARRAY_TYPES[column.kind] if column.several else _TYPES[column.kind],
                    nullable=True,
                    index_param=zvec.InvertIndexParam(enable_range_optimization=column.kind in ("integer", "number")),
                )
                for name, column in self.columns.items()
            ],
            vectors=[zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, dimension, self._index)],
        )
        self._folder = folder
        self._collection = zvec.create_and_open(str(folder / "rows"), schema)

    def open_database(self, folder: Path) -> None:
        """Opens it read-only and makes the table of ids."""
        self._folder = folder
        self._collection = zvec.open(str(folder / "rows"), zvec.CollectionOption(read_only=True))
        self._ids = _table_of_ids(self._collection)

    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        """An upsert; RuntimeError with zvec's words for a row that it refuses."""
        fields = [attribute_field(name) for name in attributes]
        rows: list[dict[str, Any]] = [
            {field: cell for field, cell in zip(fields, cells, strict=True) if cell is not None}
            for cells in zip(*attributes.values(), strict=True)
        ] or [{}] * len(ids)
        for status in self._collection.upsert(
            [
                zvec.Doc(id=str(key), vectors={"vector": x}, fields=own)
                for key, x, own in zip(ids.tolist(), X, rows, strict=True)
            ]
        ):
            _check(status)

    def delete_rows(self, ids: Ints) -> None:
        """Deletes documents; those that are not there are refused one by one, which is no error here."""
        self._collection.delete([str(key) for key in ids.tolist()])

    def make_durable(self) -> None:
        """Syncs the log and the files."""
        self._collection.flush()

    def build_index(self) -> None:
        """Merges segments and builds the graph; then the collection is opened again, to be read."""
        self._collection.optimize(zvec.OptimizeOption(concurrency=self.threads))
        self.close_database()
        self.open_database(self._folder)

    def close(self) -> None:
        """Closes the collection, then ends the threads of batches."""
        super().close()
        self._pool.shutdown()

    def close_database(self) -> None:
        """Closes the collection, which flushes it."""
        self._collection.close()
        self._collection = None


class Zvec(ZvecReadOnly, Updatable):
    """A collection open for writing, searched with the call that returns documents, of which only the ids are asked."""

    def query(self, q: Floats, k: int) -> Any:
        """The ids of the k nearest rows to q (d,), as a list; zvec has them as text."""
        asked = zvec.Query("vector", vector=q, param=self._parameters)
        found = self._collection.query(asked, topk=k, filter=self._filter, output_fields=[])
        return [int(document.id) for document in found]

    def open_database(self, folder: Path) -> None:
        """Opens it to be read and written."""
        self._folder = folder
        self._collection = zvec.open(str(folder / "rows"))

    def build_index(self) -> None:
        """Merges segments and builds the graph, while searches go on."""
        self._collection.optimize(zvec.OptimizeOption(concurrency=self.threads))


_METRICS: Final = {
    "euclidean": zvec.MetricType.L2,
    "angular": zvec.MetricType.COSINE,
    "dot": zvec.MetricType.IP,
}
_TYPES: Final[dict[Kind, Any]] = {
    "boolean": zvec.DataType.BOOL,
    "integer": zvec.DataType.INT64,
    "number": zvec.DataType.DOUBLE,
    "text": zvec.DataType.STRING,
}
_ARRAY_TYPES: Final[dict[Kind, Any]] = {
    "boolean": zvec.DataType.ARRAY_BOOL,
    "integer": zvec.DataType.ARRAY_INT64,
    "number": zvec.DataType.ARRAY_DOUBLE,
    "text": zvec.DataType.ARRAY_STRING,
}
_threads_of_the_process: list[int] = []


def _initialise(threads: int) -> None:
    """zvec has one set of threads a process, which can be set up once."""
    if not _threads_of_the_process:
        zvec.init(
            log_type=zvec.LogType.CONSOLE,
            log_level=zvec.LogLevel.ERROR,
            query_threads=threads,
            optimize_threads=threads,
        )
        _threads_of_the_process.append(threads)


def _table_of_ids(collection: Any) -> Ints:
    """Row number -> id; the last place is MISSING, which is what zvec's -1 for no row finds."""
    wanted = int(collection.stats.doc_count)
    numbers = wanted
    while True:
        names = collection.resolve_internal_ids(np.arange(numbers, dtype=np.int64))
        if sum(name is not None for name in names) == wanted:  # numbers of deleted rows are in between
            return np.array([MISSING if name is None else int(name) for name in names] + [MISSING], np.int64)
        numbers *= 2


def _check(status: Any) -> None:
    if not status.ok():
        raise RuntimeError(f"zvec refused a row: {status.message()}")


def _expression(one: Comparison) -> str:
    field, literals = attribute_field(one.field), [_literal(value) for value in one.values]
    if one.several and one.operator not in ("==", "in"):
        raise ValueError(f"zvec does not order lists: {one.field} {one.operator} {one.values[0]!r}")
    if one.several:
        return f"{field} CONTAIN_ANY ({', '.join(literals)})"
    if one.operator == "in":
        return f"{field} IN ({', '.join(literals)})"
    return f"{field} {'=' if one.operator == '==' else one.operator} {literals[0]}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return repr(value)
