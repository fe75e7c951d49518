"""Chroma: a collection in this process, on SQLite and hnswlib's graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import chromadb
from chromadb.config import Settings

from vecdb.bench.algorithms.algorithm import Floats, Ints, padded
from vecdb.bench.algorithms.attribute_column import Comparison, comparisons
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.algorithms.condition import Condition
from vecdb.bench.algorithms.peer_database import PeerDatabase, attribute_field
from vecdb.bench.datasets.dataset import Metric


class Chroma(PeerDatabase, Updatable):
    """A collection of a persistent client. Rows are in SQLite, synced, when an upsert returns, and in the graph.

    It takes no number of threads, and a graph keeps the ef that it was loaded with.
    """

    library = "chromadb"
    batch_rows = 5000  # it takes 5461 at most

    def __init__(self, metric: Metric, threads: int, m: int, ef_construction: int) -> None:
        super().__init__(metric, threads)
        self._graph = {"space": _SPACES[metric], "max_neighbors": m, "ef_construction": ef_construction}
        self._ef = 100  # Chroma's own
        self._filter: dict[str, Any] | None = None
        self._folder = Path()
        self._client: Any = None
        self._collection: Any = None

    def set_query_arguments(self, *arguments: Any) -> None:
        """(ef,): the collection is opened again where it differs, for the graph to be loaded with it."""
        (self._ef,) = arguments
        if self._collection is not None:
            self._take_ef()

    def query(self, q: Floats, k: int) -> Any:
        """The ids of the k nearest rows to q (d,), as a list; Chroma has them as text."""
        found = self._collection.query(query_embeddings=[q], n_results=k, where=self._filter, include=[])
        return _numbers(found["ids"][0])

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """The ids (nq, k), in one call."""
        found = self._collection.query(query_embeddings=list(Q), n_results=k, where=self._filter, include=[])
        return padded([_numbers(ids) for ids in found["ids"]], k)

    def set_filter(self, condition: Condition) -> None:
        """A `where` over metadata, which SQLite looks up in each query: there is nothing to prepare."""
        parts = [_condition(one) for one in comparisons(condition, self.columns)]
        self._filter = {"$and": parts} if len(parts) > 1 else parts[0] if parts else None

    def create_database(self, folder: Path, dimension: int) -> None:  # noqa: ARG002
        """A collection; it takes its dimension from the first row."""
        self._folder = folder
        self._client = _client(folder)
        self._collection = self._client.create_collection(
            "rows", configuration={"hnsw": {**self._graph, "ef_search": self._ef}}, embedding_function=None
        )

    def open_database(self, folder: Path) -> None:
        """Opens the collection."""
        self._folder = folder
        self._connect()
        self._take_ef()

    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        """An upsert."""
        metadatas: list[dict[str, Any] | None] | None = None
        if attributes:
            fields = [attribute_field(name) for name in attributes]
            rows = zip(*attributes.values(), strict=True)
            metadatas = [
                {field: cell for field, cell in zip(fields, cells, strict=True) if cell not in (None, [])} or None
                for cells in rows
            ]
        self._collection.upsert(ids=[str(key) for key in ids.tolist()], embeddings=X, metadatas=metadatas)

    def delete_rows(self, ids: Ints) -> None:
        """Deletes records by their ids."""
        self._collection.delete(ids=[str(key) for key in ids.tolist()])

    def make_durable(self) -> None:
        """Nothing is left to do: see the class."""

    def build_index(self) -> None:
        """Nothing is left to do: the graph grows with each upsert."""

    def close_database(self) -> None:
        """Closes the client."""
        self._client.close()
        self._client = self._collection = None

    def _take_ef(self) -> None:
        """Loads the graph with the ef that is wanted; the search loads it now, for it is nobody's first query."""
        if self._collection.configuration["hnsw"]["ef_search"] != self._ef:
            self._collection.modify(configuration={"hnsw": {"ef_search": self._ef}})
            self._client.close()
            self._connect()
        some = self._collection.get(limit=1, include=["embeddings"])["embeddings"]
        if len(some):
            self._collection.query(query_embeddings=some, n_results=1, include=[])

    def _connect(self) -> None:
        self._client = _client(self._folder)
        self._collection = self._client.get_collection("rows", embedding_function=None)


_SPACES: Final = {"euclidean": "l2", "angular": "cosine", "dot": "ip"}
_OPERATORS: Final = {"==": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


def _client(folder: Path) -> Any:
    return chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))


def _numbers(ids: list[str]) -> list[int]:
    return [int(key) for key in ids]


def _condition(one: Comparison) -> dict[str, Any]:
    field, values = attribute_field(one.field), list(one.values)
    if one.operator not in ("==", "in") and (one.several or isinstance(values[0], str)):
        raise ValueError(f"Chroma orders single numbers only: {one.field} {one.operator} {values[0]!r}")
    if one.several:
        parts = [{field: {"$contains": value}} for value in values]
        return {"$or": parts} if len(parts) > 1 else parts[0]
    if one.operator == "in":
        return {field: {"$in": values}}
    return {field: {_OPERATORS[one.operator]: values[0]}}
