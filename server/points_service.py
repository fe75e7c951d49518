"""vecdb.v1.Points: rows in and rows back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vecdb.call_checks import check_number
from vecdb.collection.bounded_reads import count_within, get_within, scan_within
from vecdb.errors import InvalidType, InvalidValue
from vecdb.json_bytes import loads
from vecdb.proto.convert.filters import filter_from_message
from vecdb.proto.convert.ids import ids_from_message
from vecdb.proto.convert.records import records_to_message
from vecdb.proto.convert.results import write_result_to_message
from vecdb.proto.v1 import points_pb2, types_pb2
from vecdb.server.call import Call
from vecdb.server.engine import Engine, parsed
from vecdb.server.upsert_parts import UpsertParts
from vecdb.types import Record, WriteResult

_PAGE_ROWS: Final = 1_000  # of a scan


class PointsService:
    """The rows of collections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upsert(self, call: Call, data: bytes) -> points_pb2.WriteResponse:
        """One batch, all or nothing."""
        return write_result_to_message(self._upsert(call, parsed(points_pb2.UpsertRequest, data)))

    def update(self, call: Call, data: bytes) -> points_pb2.WriteResponse:
        """Sets and removes payload fields."""
        return write_result_to_message(self._update(call, parsed(points_pb2.UpdateRequest, data)))

    def delete(self, call: Call, data: bytes) -> points_pb2.WriteResponse:
        """By id, or by filter."""
        return write_result_to_message(self._delete(call, parsed(points_pb2.DeleteRequest, data)))

    def write(self, call: Call, requests: Iterator[bytes]) -> Iterator[points_pb2.WriteAcknowledgement]:
        """Batches in their order, each acknowledged when it is durable."""
        parts = UpsertParts(self._engine)
        try:
            for data in requests:
                result = self._write_one(call, data, parts)
                if result is not None:
                    yield points_pb2.WriteAcknowledgement(result=write_result_to_message(result))
            if parts:
                raise InvalidValue(argument="more", expected="the last part of a batch", received="the stream's end")
        finally:
            parts.clear()

    def get(self, call: Call, data: bytes) -> types_pb2.Records:
        """The rows of ids in the order asked."""
        request = parsed(points_pb2.GetRequest, data)
        call.collection = request.collection.name
        collection = self._engine.collection(request.collection)
        bound = self._engine.settings.message_bytes
        ids = ids_from_message(request.ids, limit="IDS_MAXIMUM")
        records = get_within(collection, ids, request.with_vectors, bound, call.seconds_left())
        message = records_to_message(records, with_vectors=request.with_vectors)
        self._engine.check_reply(message.ByteSize())
        return message

    def count(self, call: Call, data: bytes) -> points_pb2.CountResponse:
        """How many rows there are, or match."""
        request = parsed(points_pb2.CountRequest, data)
        call.collection = request.collection.name
        where = filter_from_message(request.where)
        collection = self._engine.collection(request.collection)
        return points_pb2.CountResponse(count=count_within(collection, where, call.seconds_left()))

    def scan(self, call: Call, data: bytes) -> Iterator[types_pb2.Records]:
        """Pages of at most `batch` rows, fewer where a message would grow too large."""
        request = parsed(points_pb2.ScanRequest, data)
        call.collection = request.collection.name
        asked = request.batch or 1
        check_number("batch", asked, "SCAN_BATCH_ROWS")
        pages = scan_within(
            self._engine.collection(request.collection),
            filter_from_message(request.where),
            order_by=request.order_by or None,
            batch=min(asked, _PAGE_ROWS),
            with_vectors=request.with_vectors,
            bytes_maximum=self._engine.settings.message_bytes,
            seconds=call.seconds_left,
        )
        total = pages.total
        for page in pages:
            for message in self._pages(page, request.with_vectors):
                if total is not None:
                    message.total, total = total, None
                yield message

    def _pages(self, records: list[Record], with_vectors: bool) -> Iterator[types_pb2.Records]:
        message = records_to_message(records, with_vectors=with_vectors)
        if message.ByteSize() <= self._engine.settings.message_bytes or len(records) == 1:
            self._engine.check_reply(message.ByteSize())
            yield message
            return
        half = len(records) // 2
        del message
        yield from self._pages(records[:half], with_vectors)
        yield from self._pages(records[half:], with_vectors)

    def _write_one(self, call: Call, data: bytes, parts: UpsertParts) -> WriteResult | None:
        """What a message of a stream did; None for a part that is not the last, which `parts` keep with its bytes."""
        in_flight, held = self._engine.in_flight, len(data)
        parts.check_room(held)
        in_flight.take(held)
        try:
            request = parsed(points_pb2.WriteRequest, data)
            if not request.more and not parts:
                return self._write_whole(call, request)
            kind = request.WhichOneof("operation")
            if kind != "upsert":
                raise InvalidValue(argument="more", expected="an upsert, whose parts these are", received=kind)
            parts.add(request.upsert, held)
            held = 0
            return None if request.more else self._upsert_parts(call, parts)
        finally:
            in_flight.give_back(held)

    def _write_whole(self, call: Call, request: points_pb2.WriteRequest) -> WriteResult:
        kind = request.WhichOneof("operation")
        if kind == "upsert":
            return self._upsert(call, request.upsert)
        if kind == "update":
            return self._update(call, request.update)
        if kind == "delete":
            return self._delete(call, request.delete)
        raise InvalidValue(argument="operation", expected="upsert, update or delete", received=kind)

    def _upsert(self, call: Call, request: points_pb2.UpsertRequest) -> WriteResult:
        with UpsertParts(self._engine) as parts:
            parts.add(request, 0)
            return self._upsert_parts(call, parts)

    def _upsert_parts(self, call: Call, parts: UpsertParts) -> WriteResult:
        ref, ids, vectors, payloads = parts.joined()
        call.collection = ref.name
        call.seconds_left()
        try:
            return self._engine.collection(ref).upsert(ids, vectors, payloads)
        finally:
            parts.clear()

    def _update(self, call: Call, request: points_pb2.UpdateRequest) -> WriteResult:
        call.collection = request.collection.name
        try:
            changes = loads(request.set) if request.set else {}
        except ValueError:
            raise InvalidValue(argument="set", expected="a JSON object", received=f"{len(request.set)} bytes") from None
        if not isinstance(changes, dict):
            raise InvalidType(argument="set", expected="a JSON object", received=changes)
        call.seconds_left()
        collection = self._engine.collection(request.collection)
        return collection.update(ids_from_message(request.ids, limit="IDS_MAXIMUM"), changes, list(request.unset))

    def _delete(self, call: Call, request: points_pb2.DeleteRequest) -> WriteResult:
        call.collection = request.collection.name
        call.seconds_left()
        collection = self._engine.collection(request.collection)
        rows = request.WhichOneof("rows")
        if rows == "ids":
            return collection.delete(ids_from_message(request.ids, limit="IDS_MAXIMUM"))
        where = filter_from_message(request.where) if rows == "where" else None
        if where is None:
            raise InvalidValue(argument="rows", expected="ids, or a filter that is not empty", received=rows)
        return collection.delete(where=where)
