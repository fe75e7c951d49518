"""Qdrant Edge: Qdrant's storage and HNSW in this process, as is and with eight bits a component and rescoring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import qdrant_edge as edge

from vecdb.bench.algorithms.algorithm import Floats, Ints, padded
from vecdb.bench.algorithms.attribute_column import Comparison, Kind, comparisons
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.algorithms.condition import Condition
from vecdb.bench.algorithms.peer_database import PeerDatabase, attribute_field
from vecdb.bench.datasets.dataset import Metric

# Qdrant's default: below so many kilobytes of vectors, of the collection or of what a filter leaves, it scans.
FULL_SCAN_KILOBYTES: Final = 10_000


class QdrantEdge(PeerDatabase, Updatable):
    """One shard of one segment. Its calls keep the interpreter's lock: a batch is its own call, on one thread.

    An update is in its log, which is synced by flush() alone: ingest() calls it after each batch.
    """

    library = "qdrant-edge-py"

    def __init__(
        self, metric: Metric, threads: int, m: int, ef_construction: int, full_scan_kilobytes: int = FULL_SCAN_KILOBYTES
    ) -> None:
        super().__init__(metric, threads)
        self._graph = edge.HnswIndexConfig(
            m=m,
            ef_construct=ef_construction,
            full_scan_threshold=full_scan_kilobytes,
            max_indexing_threads=threads,
        )
        self._parameters = edge.SearchParams()
        self._filter: Any = None
        self._shard: Any = None

    def set_query_arguments(self, *arguments: Any) -> None:
        """(ef,)."""
        (ef,) = arguments
        self._parameters = edge.SearchParams(hnsw_ef=ef)

    def query(self, q: Floats, k: int) -> Any:
        """The ids of the k nearest rows to q (d,), as a list."""
        return [hit.id for hit in self._shard.query(self._request(q, k))]

    def batch_query(self, Q: Floats, k: int) -> Ints:
        """The ids (nq, k), in one call."""
        found = self._shard.query_batch(edge.QueryBatchRequest([self._request(q, k) for q in Q]))
        return padded([[hit.id for hit in hits] for hits in found], k)

    def set_filter(self, condition: Condition) -> None:
        """Conditions on payload fields that have an index."""
        fields = [_field_condition(one) for one in comparisons(condition, self.columns)]
        self._filter = edge.Filter(must=fields) if fields else None

    def create_database(self, folder: Path, dimension: int) -> None:
        """The fields' indexes come before the rows, so that the graph is built with them in mind."""
        configuration = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=dimension, distance=_DISTANCES[self.metric]),
            hnsw_config=self._graph,
            quantization_config=self.quantization(),
            max_search_threads=1,  # of one search; with more it is handed to a pool, which made it a third slower
            # One segment whatever its size, and no segment too small for a graph.
            optimizers=edge.EdgeOptimizersConfig(
                default_segment_number=1, max_segment_size=2**40, indexing_threshold=1
            ),
        )
        self._shard = edge.EdgeShard.create(str(folder), configuration)
        for name, column in self.columns.items():
            schema = _SCHEMAS[column.kind]
            self._shard.update(edge.UpdateOperation.create_field_index(attribute_field(name), schema))

    def open_database(self, folder: Path) -> None:
        """A shard knows its own configuration."""
        self._shard = edge.EdgeShard.load(str(folder))

    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        """An upsert."""
        fields = [attribute_field(name) for name in attributes]
        payloads: list[dict[str, Any]] = [
            {field: _stored(cell) for field, cell in zip(fields, cells, strict=True) if cell is not None}
            for cells in zip(*attributes.values(), strict=True)
        ] or [{}] * len(ids)
        points = [edge.Point(key, x, own) for key, x, own in zip(ids.tolist(), X, payloads, strict=True)]
        self._shard.update(edge.UpdateOperation.upsert_points(points))

    def delete_rows(self, ids: Ints) -> None:
        """Deletes points."""
        self._shard.update(edge.UpdateOperation.delete_points(ids.tolist()))

    def make_durable(self) -> None:
        """Syncs the log and the segments."""
        self._shard.flush()

    def build_index(self) -> None:
        """Merges segments and builds the graph, until there is nothing to do."""
        self._shard.optimize()

    def close_database(self) -> None:
        """Flushes and closes the shard."""
        self._shard.flush()
        self._shard.close()
        self._shard = None

    def quantization(self) -> Any:
        """How the vectors are coded for the walk; None: as they are."""
        return None

    def _request(self, q: Floats, k: int) -> Any:
        return edge.QueryRequest(
            limit=k,
            query=edge.Query.Nearest(q),
            params=self._parameters,
            filter=self._filter,
            with_payload=False,
            with_vector=False,
        )


class QdrantEdgeScalar(QdrantEdge):
    """The same with int8 codes in memory, and the best candidates rescored with the vectors themselves."""

    def set_query_arguments(self, *arguments: Any) -> None:
        """(ef, oversampling): as many times k candidates are rescored."""
        ef, oversampling = arguments
        rescoring = edge.QuantizationSearchParams(rescore=True, oversampling=oversampling)
        self._parameters = edge.SearchParams(hnsw_ef=ef, quantization=rescoring)

    def quantization(self) -> Any:
        """Eight bits a component, but for the hundredth that is farthest out."""
        return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99, memory=edge.Memory.Pinned)


_DISTANCES: Final = {"euclidean": edge.Distance.Euclid, "angular": edge.Distance.Cosine, "dot": edge.Distance.Dot}
_SCHEMAS: Final[dict[Kind, Any]] = {
    "boolean": edge.PayloadSchemaType.Integer,  # MatchValue takes True for 1, which a field of truth values never is
    "integer": edge.PayloadSchemaType.Integer,
    "number": edge.PayloadSchemaType.Float,
    "text": edge.PayloadSchemaType.Keyword,
}
_BOUNDS: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def _field_condition(one: Comparison) -> Any:
    key, values = attribute_field(one.field), one.values
    if one.operator in _BOUNDS:
        if isinstance(values[0], str):
            raise ValueError(f"Qdrant has no order of text: {one.field} {one.operator} {values[0]!r}")
        return edge.FieldCondition(key, range=edge.RangeFloat(**{_BOUNDS[one.operator]: float(values[0])}))
    if isinstance(values[0], float):
        ranges = [edge.FieldCondition(key, range=edge.RangeFloat(gte=value, lte=value)) for value in values]
        return edge.Filter(should=ranges)
    matched = edge.MatchValue(_stored(values[0])) if len(values) == 1 else edge.MatchAny([*map(_stored, values)])
    return edge.FieldCondition(key, match=matched)


def _stored(cell: Any) -> Any:
    if isinstance(cell, list):
        return [*map(_stored, cell)]
    return int(cell) if isinstance(cell, bool) else cell
