"""Searching: queries are checked as the embedded collection checks them, sent as bytes, and answered by views."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecdb.call_checks import check_call, check_number, check_queries, field_names, filter_each
from vecdb.client.connection import Connection
from vecdb.client.message_size import ROW_BYTES, check_size, cut, halves
from vecdb.client.packing import Packing
from vecdb.client.received_hits import Part, ReceivedHits, SearchAnswer
from vecdb.client.received_hits_batch import ReceivedHitsBatch
from vecdb.client.steps import Call, Verb
from vecdb.errors import InvalidArgument, LimitExceeded, VectorNotFound
from vecdb.exchange.refusal import placed
from vecdb.filters import Where, parse_filter
from vecdb.proto.convert.filters import filter_to_message
from vecdb.proto.convert.matrices import Matrix, fill_matrix
from vecdb.proto.methods import METHODS
from vecdb.proto.v1 import search_pb2, types_pb2
from vecdb.schema import CollectionSchema, Vector
from vecdb.vector_input import lone_query_of, query_of

SEARCH: Final = METHODS["/vecdb.v1.Search/Search"]
STREAM: Final = METHODS["/vecdb.v1.Search/SearchStream"]

_FLOAT16: Final = np.dtype(np.float16)


class SearchVerbs:
    """The searches of one collection, as steps and as messages."""

    def __init__(self, connection: Connection, ref: types_pb2.CollectionRef, schema: CollectionSchema) -> None:
        self._connection = connection
        self._seconds = connection.settings.timeout_seconds
        self._ref = ref
        self._schema = schema
        self._only = next(iter(schema.vectors.items())) if len(schema.vectors) == 1 else None

    def search(
        self,
        query: Any,
        k: int,
        where: Any,
        using: str | None,
        recall: float | None,
        ef: int | None,
        exact: bool,
        select: Sequence[str] | None,
        with_vectors: bool,
        min_score: float | None,
        timeout_seconds: float | None,
    ) -> Verb[Any]:
        """Verb: the Hits of a query (d,), or the HitsBatch of queries (nq, d), in as many calls as they need."""
        check_call(k, ef, recall, exact, min_score, timeout_seconds)
        # As a float: a deadline in the narrower numbers of numpy would be off by minutes.
        timeout_seconds = self._seconds if timeout_seconds is None else float(timeout_seconds)
        request = self._request(k, using, recall, ef, exact, select, with_vectors, min_score)
        queries = self.queries(query, using)
        if queries.ndim == 1:
            if where is not None:
                self._add_filter(request, where)
            fill_matrix(request.query.near.queries, queries)
            response = yield Call(SEARCH, request, timeout_seconds)
            return SearchAnswer(response, with_vectors).one()
        check_queries(len(queries), k)
        message_bytes = self._connection.capabilities.message_bytes
        filters = _filters(where, len(queries))
        some = _slices(queries, filters, message_bytes)
        return (yield from _search_many(request, queries, filters, some, with_vectors, timeout_seconds))

    def request(
        self,
        k: int,
        using: str | None,
        recall: float | None,
        ef: int | None,
        exact: bool,
        select: Sequence[str] | None,
        with_vectors: bool,
        min_score: float | None,
        where: Where | None,
    ) -> search_pb2.SearchRequest:
        """A request that lacks only queries; checked."""
        check_call(k, ef, recall, exact, min_score, None)
        request = self._request(k, using, recall, ef, exact, select, with_vectors, min_score)
        if where is not None:
            self._add_filter(request, where)
        return request

    def queries(self, value: Any, using: str | None) -> Matrix:
        """(d,) or (nq, d), as float32, or as float16 if they came so. InvalidVector, DimensionMismatch."""
        name, vector = self._vector(using)
        queries = query_of(value, vector, self._schema.name, name)
        return value if getattr(value, "dtype", None) == _FLOAT16 else queries

    def lone_query(self, value: Any, using: str | None) -> Matrix:
        """(d,) as float32, a copy that the caller cannot change. InvalidVector, DimensionMismatch."""
        name, vector = self._vector(using)
        return lone_query_of(value, vector, self._schema.name, name).copy()

    def lone(self, request: search_pb2.SearchRequest, query: Matrix) -> Verb[ReceivedHits]:
        """Verb: the hits of one query of a stream, by a call of its own."""
        response = yield Call(SEARCH, packed(request, [query]), self._seconds)
        return SearchAnswer(response, request.with_vectors).one()

    def packing(self, request: search_pb2.SearchRequest, using: str | None, in_flight: int) -> Packing:
        """An empty Packing for a stream of such requests."""
        row_bytes = 4 * self._vector(using)[1].dimension + ROW_BYTES
        return Packing(in_flight, row_bytes, self._connection.capabilities.message_bytes - request.ByteSize())

    def _request(
        self,
        k: int,
        using: str | None,
        recall: float | None,
        ef: int | None,
        exact: bool,
        select: Sequence[str] | None,
        with_vectors: bool,
        min_score: float | None,
    ) -> search_pb2.SearchRequest:
        names = None if select is None else field_names("select", select)
        request = search_pb2.SearchRequest()
        request.collection.CopyFrom(self._ref)
        near = request.query.near
        near.k = k
        if using is not None:
            near.using = self._vector(using)[0]
        if exact:
            near.exact = True
        elif ef is not None:
            near.ef = ef
        elif recall is not None:
            near.recall = recall
        if names is not None:
            request.select.SetInParent()
            request.select.fields.extend(names)
        if with_vectors:
            request.with_vectors = True
        if min_score is not None:
            request.min_score = min_score
        return request

    def _add_filter(self, request: search_pb2.SearchRequest, where: Where) -> None:
        message = filter_to_message(parse_filter(where))
        check_size(message.ByteSize(), self._connection.capabilities.message_bytes)
        request.query.near.where.append(message)

    def _vector(self, using: str | None) -> tuple[str, Vector]:
        if using is None and self._only is not None:
            return self._only
        vectors = self._schema.vectors
        try:
            return using or "", vectors[using or ""]
        except (KeyError, TypeError):
            raise VectorNotFound(collection=self._schema.name, name=str(using or ""), known=tuple(vectors)) from None


def packed(request: search_pb2.SearchRequest, queries: list[Matrix]) -> search_pb2.SearchRequest:
    """A request that lacks queries with some of them."""
    message = search_pb2.SearchRequest()
    message.CopyFrom(request)
    together: Any = queries[0] if len(queries) == 1 else np.stack(queries)
    fill_matrix(message.query.near.queries, together)
    return message


def check_stream(in_flight: Any) -> None:
    """InvalidType or LimitExceeded for a number of queries under way that makes no sense."""
    check_number("in_flight", in_flight, "QUERIES_MAXIMUM")


def _filters(where: Any, count: int) -> list[types_pb2.Filter]:
    """None, one for all queries, or one a query."""
    if not isinstance(where, list):
        return [] if where is None or count == 0 else [filter_to_message(parse_filter(where))]
    each = filter_each(where, count)
    return [filter_to_message(None if one is None else parse_filter(one)) for one in each]


def _slices(queries: Matrix, filters: list[types_pb2.Filter], message_bytes: int) -> list[slice]:
    if not filters and queries.nbytes + len(queries) * ROW_BYTES <= message_bytes:
        return [slice(0, len(queries))]
    row_bytes = np.full(len(queries), queries.dtype.itemsize * queries.shape[1] + ROW_BYTES, np.int64)
    sizes = np.array([each.ByteSize() for each in filters], np.int64)
    if len(filters) == len(queries):
        row_bytes += sizes
    elif filters:
        check_size(int(sizes[0]), message_bytes)
        message_bytes -= int(sizes[0])
    return cut(row_bytes, message_bytes)


def _search_many(
    request: search_pb2.SearchRequest,
    queries: Matrix,
    filters: list[types_pb2.Filter],
    slices: list[slice],
    with_vectors: bool,
    timeout_seconds: float | None,
) -> Verb[ReceivedHitsBatch]:
    started = time.monotonic()
    parts: list[Part] = []
    near = request.query.near
    one_each = len(filters) == len(queries)
    waiting = slices[::-1]
    while waiting:
        some = waiting.pop()
        fill_matrix(near.queries, queries[some])
        del near.where[:]
        near.where.extend(filters[some] if one_each else filters)
        try:
            response = yield Call(SEARCH, request, timeout_seconds, started=started)
        except LimitExceeded as error:
            waiting += halves(some, error)[::-1]
            continue
        except InvalidArgument as error:
            raise placed(error, some.start) from error
        parts.append(SearchAnswer(response, with_vectors).part(some.stop - some.start, near.k))
    return ReceivedHitsBatch(parts)
