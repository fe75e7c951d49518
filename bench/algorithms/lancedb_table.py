"""LanceDB: a table of the Lance format in this process, with a graph over one partition."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecdb.bench.algorithms.algorithm import MISSING, Floats, Ints
from vecdb.bench.algorithms.attribute_column import AttributeColumn, Comparison, comparisons
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.algorithms.condition import Condition
from vecdb.bench.algorithms.peer_database import PeerDatabase, attribute_field
from vecdb.bench.datasets.dataset import Metric

os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # a warning otherwise

import lancedb
import pyarrow as pa
from lancedb.index import Bitmap, BTree, HnswSq, LabelList


class LanceDb(PeerDatabase, Updatable):
    """One partition with an HNSW graph over codes of eight bits.

    `add` is a commit of a new version: its files are renamed into place and nothing is synced, by no means of
    LanceDB's. An acknowledged batch survives the process, not a loss of power. A process has one set of threads, of
    $LANCE_CPU_THREADS: builds use them at once; a search of one partition goes through several, one at a time.
    """

    library = "lancedb"
    batch_rows = 50_000  # each write is a fragment, and fragments slow searches

    def __init__(self, metric: Metric, threads: int, m: int, ef_construction: int) -> None:
        super().__init__(metric, threads)
        self._distance = _DISTANCES[metric]
        self._structure = HnswSq(distance_type=self._distance, num_partitions=1, m=m, ef_construction=ef_construction)
        self._ef = 64
        self._refine_factor: int | None = None
        self._filter: str | None = None
        self._database: Any = None
        self._table: Any = None
        self._highest_id = -1

    def set_query_arguments(self, *arguments: Any) -> None:
        """(ef, refine): as many times k candidates are scored with the vectors themselves; 0: none."""
        self._ef, refine_factor = arguments
        self._refine_factor = refine_factor or None

    def query(self, q: Floats, k: int) -> Ints:
        """The ids of the k nearest rows to q (d,)."""
        ids: Ints = self._search(q, k).to_arrow()["id"].to_numpy()
        return ids

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """The ids (nq, k), in one call."""
        found = self._search(Q, k).to_arrow()
        owners = found["query_index"].to_numpy() if len(Q) > 1 else np.zeros(len(found), np.int64)
        order = np.argsort(owners, kind="stable")
        counts = np.bincount(owners, minlength=len(Q))
        ids = np.full((len(Q), k), MISSING, np.int64)
        ids[np.arange(k) < counts[:, np.newaxis]] = found["id"].to_numpy()[order]
        return ids

    def index_bytes(self) -> int:
        """What the files of the indexes take."""
        return sum(index.size_bytes for index in self._table.list_indices())

    def set_filter(self, condition: Condition) -> None:
        """SQL over columns that have a scalar index, applied before the search."""
        self._filter = " AND ".join(map(_expression, comparisons(condition, self.columns))) or None

    def create_database(self, folder: Path, dimension: int) -> None:
        """A table with a column for each attribute."""
        fields = [pa.field("id", pa.int64()), pa.field("vector", pa.list_(pa.float32(), dimension))]
        fields += [pa.field(attribute_field(name), _arrow_type(own)) for name, own in self.columns.items()]
        self._database = lancedb.connect(folder)
        self._table = self._database.create_table("rows", schema=pa.schema(fields))

    def open_database(self, folder: Path) -> None:
        """Opens the table."""
        self._database = lancedb.connect(folder)
        self._table = self._database.open_table("rows")
        self._highest_id = np.iinfo(np.int64).max

    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        """Adds rows whose ids are above all others; what may be there already is merged by its ids, which is slower."""
        values = pa.array(np.ascontiguousarray(X, dtype=np.float32).reshape(-1))
        columns = {"id": pa.array(ids, pa.int64()), "vector": pa.FixedSizeListArray.from_arrays(values, X.shape[1])}
        for name, own in self.columns.items():
            columns[attribute_field(name)] = pa.array(attributes.get(name, [None] * len(ids)), _arrow_type(own))
        rows = pa.table(columns)
        if ids.min() > self._highest_id:
            self._table.add(rows)
        else:
            self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)
        self._highest_id = max(self._highest_id, int(ids.max()))

    def delete_rows(self, ids: Ints) -> None:
        """Deletes rows by a list of their ids."""
        self._table.delete(f"id IN ({', '.join(map(str, ids.tolist()))})")

    def make_durable(self) -> None:
        """Nothing is left to do: see the class."""

    def build_index(self) -> None:
        """Builds the graph and the scalar indexes; when they are there, adds the new rows and merges fragments."""
        if not self._table.list_indices():
            self._table.create_index("vector", config=self._structure)
            for name, own in self.columns.items():
                kind = LabelList() if own.several else Bitmap() if own.kind == "boolean" else BTree()
                self._table.create_index(attribute_field(name), config=kind)
        self._table.optimize()

    def close_database(self) -> None:
        """Lets go of the table: its files are written already."""
        self._table = self._database = None

    def _search(self, q: Floats, k: int) -> Any:
        ef = max(self._ef, k * (self._refine_factor or 1))  # a smaller one is an error
        asked = self._table.search(q).distance_type(self._distance).ef(ef).nprobes(1).limit(k)
        if self._refine_factor is not None:
            asked = asked.refine_factor(self._refine_factor)
        if self._filter is not None:
            asked = asked.where(self._filter, prefilter=True)
        return asked.select(["id", "_distance"])


_DISTANCES: Final = {"euclidean": "l2", "angular": "cosine", "dot": "dot"}
_ARROW_TYPES: Final = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64(), "text": pa.string()}


def _arrow_type(column: AttributeColumn) -> Any:
    own = _ARROW_TYPES[column.kind]
    return pa.list_(own) if column.several else own


def _expression(one: Comparison) -> str:
    field, literals = attribute_field(one.field), ", ".join(_literal(value) for value in one.values)
    if one.several and one.operator not in ("==", "in"):
        raise ValueError(f"LanceDB does not order lists: {one.field} {one.operator} {one.values[0]!r}")
    if one.several:
        return f"array_has_any({field}, [{literals}])"
    if one.operator == "in":
        return f"{field} IN ({literals})"
    return f"{field} {'=' if one.operator == '==' else one.operator} {literals}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    return repr(value)
