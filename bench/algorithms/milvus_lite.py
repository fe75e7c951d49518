"""Milvus Lite: Milvus in this process behind its own client, an HNSW of Faiss for each segment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from milvus_lite.server_manager import server_manager_instance
from pymilvus import DataType, MilvusClient

from vecdb.bench.algorithms.algorithm import Floats, Ints, padded
from vecdb.bench.algorithms.attribute_column import Comparison, Kind, comparisons
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.algorithms.condition import Condition
from vecdb.bench.algorithms.peer_database import PeerDatabase, attribute_field
from vecdb.bench.datasets.dataset import Metric

BATCH_QUERIES: Final = 1000  # queries of one request


class MilvusLite(PeerDatabase, Updatable):
    """A collection of the client for a .db path, which runs the engine and a gRPC server in threads of this process.

    An upsert is in a log that is not synced; flush() writes and syncs a segment: ingest() calls it after each batch.
    """

    library = "milvus-lite"

    def __init__(self, metric: Metric, threads: int, m: int, ef_construction: int) -> None:
        super().__init__(metric, threads)
        self._build_arguments = {"M": m, "efConstruction": ef_construction}
        self._metric_type = _METRICS[metric]
        self._search_parameters: dict[str, Any] = {"metric_type": self._metric_type, "params": {}}
        self._filter = ""
        self._client: Any = None
        self._path = ""

    def set_query_arguments(self, *arguments: Any) -> None:
        """(ef,)."""
        (ef,) = arguments
        self._search_parameters = {"metric_type": self._metric_type, "params": {"ef": ef}}

    def query(self, q: Floats, k: int) -> Any:
        """The ids of the k nearest rows to q (d,), as a list."""
        return self._search([q], k)[0]

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """The ids (nq, k), in requests of many queries."""
        found: list[list[int]] = []
        for start in range(0, len(Q), BATCH_QUERIES):
            found += self._search(list(Q[start : start + BATCH_QUERIES]), k)
        return padded(found, k)

    def set_filter(self, condition: Condition) -> None:
        """An expression over fields that have an inverted index."""
        self._filter = " and ".join(map(_expression, comparisons(condition, self.columns)))

    def insert(self, ids: Ints, X: Floats) -> None:
        """Upserts: it flushes and indexes in the background, when it sees fit."""
        self._write(ids, X, {})

    def create_database(self, folder: Path, dimension: int) -> None:
        """A loaded collection that indexes each segment as it is written."""
        self._path = str(folder / "rows.db")
        self._client = MilvusClient(self._path)
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        for name, column in self.columns.items():
            element = _TYPES[column.kind]
            kind: dict[str, Any] = {"datatype": element}
            if column.several:
                kind = {"datatype": DataType.ARRAY, "element_type": element, "max_capacity": 4096}
            if column.kind == "text":
                kind["max_length"] = 65_535
            schema.add_field(attribute_field(name), nullable=True, **kind)
        self._client.create_collection("rows", schema=schema)
        indexes = self._client.prepare_index_params()
        indexes.add_index("vector", index_type="HNSW", metric_type=self._metric_type, params=self._build_arguments)
        for name, column in self.columns.items():
            if not column.several:  # it has no index of lists
                indexes.add_index(attribute_field(name), index_type="INVERTED")
        self._client.create_index("rows", indexes)
        self._client.load_collection("rows")

    def open_database(self, folder: Path) -> None:
        """Connects and loads the collection."""
        self._path = str(folder / "rows.db")
        self._client = MilvusClient(self._path)
        self._client.load_collection("rows")

    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        """An upsert."""
        names = ["id", "vector", *map(attribute_field, attributes)]
        columns = [ids.tolist(), list(X), *attributes.values()]
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
        self._client.upsert("rows", rows)

    def delete_rows(self, ids: Ints) -> None:
        """Deletes entities by their keys."""
        self._client.delete("rows", ids=ids.tolist())

    def make_durable(self) -> None:
        """Writes and syncs a segment of what is in memory."""
        self._client.flush("rows")

    def build_index(self) -> None:
        """Flushes, closes and opens again: only closing waits for the background, and loading builds what it left."""
        folder = Path(self._path).parent
        self.close_database()
        self.open_database(folder)

    def close_database(self) -> None:
        """Closes the client, then the server and the engine, which would run on until the process ends."""
        self._client.flush("rows")
        self._client.close()
        self._client = None
        server_manager_instance.release_server(self._path)

    def _search(self, queries: list[Floats], k: int) -> list[list[int]]:
        found = self._client.search(
            "rows",
            queries,
            anns_field="vector",
            limit=k,
            filter=self._filter,
            search_params=self._search_parameters,
        )
        return [hits.ids for hits in found]


_METRICS: Final = {"euclidean": "L2", "angular": "COSINE", "dot": "IP"}
_TYPES: Final[dict[Kind, Any]] = {
    "boolean": DataType.BOOL,
    "integer": DataType.INT64,
    "number": DataType.DOUBLE,
    "text": DataType.VARCHAR,
}


def _expression(one: Comparison) -> str:
    field, values = attribute_field(one.field), list(one.values)
    if one.several and one.operator not in ("==", "in"):
        raise ValueError(f"Milvus does not order lists: {one.field} {one.operator} {values[0]!r}")
    if one.several:
        return f"array_contains_any({field}, {json.dumps(values)})"
    if one.operator == "in":
        return f"{field} in {json.dumps(values)}"
    return f"{field} {one.operator} {json.dumps(values[0])}"
