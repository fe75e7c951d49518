"""Rows of a collection: writing them and reading them back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from vecdb.call_checks import check_either, check_number, order_of, payload_changes
from vecdb.client.answer import read
from vecdb.client.connection import Connection
from vecdb.client.first_message import first_message
from vecdb.client.message_size import ROW_BYTES, check_size, cut, halves
from vecdb.client.steps import Begun, Call, CallInParts, Emit, Receive, Verb
from vecdb.client.upsert_message import UpsertMessages
from vecdb.errors import InvalidValue, LimitExceeded, ServerFailed
from vecdb.exchange.form import RowBatch
from vecdb.filters import Where, parse_filter
from vecdb.ids import IdBatch, encode_distinct, encode_within
from vecdb.payload import encode_payload
from vecdb.proto.convert.filters import filter_to_message
from vecdb.proto.convert.ids import fill_ids, ids_from_message
from vecdb.proto.convert.matrices import from_named_matrices
from vecdb.proto.convert.payloads import payloads_from_bytes
from vecdb.proto.convert.records import records_from_message
from vecdb.proto.convert.results import write_result_from_message
from vecdb.proto.methods import METHODS
from vecdb.proto.v1 import points_pb2, types_pb2
from vecdb.schema import CollectionSchema
from vecdb.types import Record, WriteResult

WRITE: Final = METHODS["/vecdb.v1.Points/Write"]

_UPSERT: Final = METHODS["/vecdb.v1.Points/Upsert"]
_UPDATE: Final = METHODS["/vecdb.v1.Points/Update"]
_DELETE: Final = METHODS["/vecdb.v1.Points/Delete"]
_GET: Final = METHODS["/vecdb.v1.Points/Get"]
_COUNT: Final = METHODS["/vecdb.v1.Points/Count"]
_SCAN: Final = METHODS["/vecdb.v1.Points/Scan"]


class PointVerbs:
    """The verbs of one collection's rows. A write takes as long as the default deadline at most."""

    def __init__(self, connection: Connection, ref: types_pb2.CollectionRef, schema: CollectionSchema) -> None:
        self._connection = connection
        self.timeout_seconds = connection.settings.timeout_seconds
        self._ref = ref
        self._schema = schema

    def messages(
        self, ids: IdBatch, vectors: Any, payloads: Sequence[Mapping[str, Any] | None] | None
    ) -> UpsertMessages:
        """The rows of an upsert, checked and ready to be sent."""
        message_bytes = self._connection.capabilities.message_bytes
        return UpsertMessages(self._ref, self._schema, ids, vectors, payloads, message_bytes)

    def upsert(
        self, ids: IdBatch, vectors: Any, payloads: Sequence[Mapping[str, Any] | None] | None
    ) -> Verb[WriteResult]:
        """Verb: inserts or replaces rows, all or nothing."""
        messages = self.messages(ids, vectors, payloads)
        if len(messages.slices) == 1:
            answer = yield Call(_UPSERT, messages.whole(), self.timeout_seconds, safe_to_repeat=False)
        else:
            answer = (yield CallInParts(WRITE, messages.parts, self.timeout_seconds)).result
        return read(write_result_from_message, answer)

    def update(self, ids: IdBatch, set_: Mapping[str, Any] | None, unset: Sequence[str] | None) -> Verb[WriteResult]:
        """Verb: sets and removes top-level payload fields."""
        changes, names = payload_changes(set_, unset)
        encode_distinct(ids)
        request = points_pb2.UpdateRequest(set=encode_payload(dict(changes)), unset=names)
        request.collection.CopyFrom(self._ref)
        fill_ids(request.ids, ids)
        return (yield from self._write(_UPDATE, request))

    def delete(self, ids: IdBatch | None, where: Where | None) -> Verb[WriteResult]:
        """Verb: deletes rows by id or by filter."""
        check_either(ids, where)
        request = points_pb2.DeleteRequest()
        request.collection.CopyFrom(self._ref)
        if ids is not None:
            encode_distinct(ids)
            request.ids.SetInParent()
            fill_ids(request.ids, ids)
        else:
            assert where is not None
            request.where.CopyFrom(filter_to_message(parse_filter(where)))
        return (yield from self._write(_DELETE, request))

    def get(self, ids: IdBatch, with_vectors: bool) -> Verb[list[Record]]:
        """Verb: the rows of these ids in the order asked; of one moment if they fit into one message."""
        encoded = encode_within(ids)
        message_bytes = self._connection.capabilities.message_bytes
        asked = ids if isinstance(ids, np.ndarray) else list(ids)
        row_bytes = np.fromiter(map(len, encoded), np.int64, len(encoded)) + ROW_BYTES
        waiting = cut(row_bytes, message_bytes)[::-1]
        records: list[Record] = []
        started = time.monotonic()
        while waiting:
            some = waiting.pop()
            request = points_pb2.GetRequest(with_vectors=bool(with_vectors))
            request.collection.CopyFrom(self._ref)
            fill_ids(request.ids, asked[some])
            try:
                answer = yield Call(_GET, request, self.timeout_seconds, started=started)
            except LimitExceeded as error:
                waiting += halves(some, error)[::-1]
            else:
                records += read(records_from_message, answer)
        return records

    def count(self, where: Where | None) -> Verb[int]:
        """Verb: how many rows there are, or match."""
        request = points_pb2.CountRequest()
        request.collection.CopyFrom(self._ref)
        if where is not None:
            request.where.CopyFrom(filter_to_message(parse_filter(where)))
        check_size(request.ByteSize(), self._connection.capabilities.message_bytes)
        count: int = (yield Call(_COUNT, request, self.timeout_seconds)).count
        return count

    def scan(self, where: Where | None, order_by: str | None, batch: int, with_vectors: bool) -> Verb[None]:
        """Verb: emits every row, or every matching one, of one moment."""
        check_number("batch", batch, "SCAN_BATCH_ROWS")
        request = self._scan_request(batch, bool(with_vectors))
        if where is not None:
            request.where.CopyFrom(filter_to_message(parse_filter(where)))
        if order_by is not None:
            order_of(order_by)
            request.order_by = order_by
        check_size(request.ByteSize(), self._connection.capabilities.message_bytes)
        stream, page = yield from first_message(_SCAN, request)
        yield Begun()  # the server has its snapshot, or refused
        while page is not None:
            yield Emit(read(records_from_message, page))
            page = yield Receive(stream)

    def rows(self, batch: int) -> Verb[None]:
        """Verb: emits how many rows there are, then all of them as RowBatch, of one moment."""
        stream, page = yield from first_message(_SCAN, self._scan_request(batch, with_vectors=True))
        yield Begun()
        if page is not None and not page.HasField("total"):
            raise ServerFailed(reason="a scan of all rows that does not say how many they are")
        total, done = 0 if page is None else page.total, 0
        yield Emit([total])
        while page is not None:
            rows = read(_row_batch, page, self._schema)
            done += len(rows)
            if done > total:
                raise ServerFailed(reason=f"a scan of {total} rows that has more")
            yield Emit([rows])
            page = yield Receive(stream)
        if done < total:
            raise ServerFailed(reason=f"a scan of {total} rows that ended after {done}")

    def _scan_request(self, batch: int, with_vectors: bool) -> points_pb2.ScanRequest:
        request = points_pb2.ScanRequest(batch=batch, with_vectors=with_vectors)
        request.collection.CopyFrom(self._ref)
        return request

    def _write(self, method: Any, request: Any) -> Verb[WriteResult]:
        check_size(request.ByteSize(), self._connection.capabilities.message_bytes)
        answer = yield Call(method, request, self.timeout_seconds, safe_to_repeat=False)
        return read(write_result_from_message, answer)


def _row_batch(page: types_pb2.Records, schema: CollectionSchema) -> RowBatch:
    found = ids_from_message(page.ids)
    ids = found if isinstance(found, list) else found.tolist()
    vectors = from_named_matrices(page.vectors, "vectors")
    shapes = {name: array.shape for name, array in vectors.items()}
    expected = {name: (len(ids), vector.dimension) for name, vector in schema.vectors.items()}
    if shapes != expected:
        raise InvalidValue(argument="vectors", expected=f"the shapes {expected}", received=shapes)
    return RowBatch(ids, payloads_from_bytes(page.payloads, len(ids)), vectors)
