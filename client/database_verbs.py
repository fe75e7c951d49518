"""The database as a whole: its collections, statistics and snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vecdb.client.answer import read
from vecdb.client.connection import Connection
from vecdb.client.first_message import first_message
from vecdb.client.steps import Begun, Call, Emit, Receive, Verb
from vecdb.errors import ServerFailed
from vecdb.proto.convert.results import database_stats_from_message, snapshot_report_from_message
from vecdb.proto.convert.schemas import schema_from_message, schema_to_message
from vecdb.proto.methods import METHODS
from vecdb.proto.v1 import admin_pb2, collections_pb2, types_pb2
from vecdb.schema import CollectionSchema, Dtype, FieldType, Index, Metric, Vector, safe_name, schema_of
from vecdb.types import DatabaseStats

Opened = tuple[types_pb2.CollectionRef, CollectionSchema]

_CREATE: Final = METHODS["/vecdb.v1.Collections/CreateCollection"]
_GET: Final = METHODS["/vecdb.v1.Collections/GetCollection"]
_LIST: Final = METHODS["/vecdb.v1.Collections/ListCollections"]
_DROP: Final = METHODS["/vecdb.v1.Collections/DropCollection"]
_STATS: Final = METHODS["/vecdb.v1.Admin/GetStats"]
_SNAPSHOT: Final = METHODS["/vecdb.v1.Admin/Snapshot"]


class DatabaseVerbs:
    """The verbs of one connected database."""

    def __init__(self, connection: Connection) -> None:
        self._path = connection.target
        self._seconds = connection.settings.timeout_seconds

    def create_collection(
        self,
        name: str,
        dimension: int | None,
        vectors: Mapping[str, Vector] | None,
        metric: Metric | None,
        index: Index | None,
        dtype: Dtype | None,
        fields: Mapping[str, FieldType] | None,
    ) -> Verb[Opened]:
        """Verb: makes an empty collection."""
        schema = schema_of(name, dimension, vectors=vectors, metric=metric, index=index, dtype=dtype, fields=fields)
        request = collections_pb2.CreateCollectionRequest(schema=schema_to_message(schema))
        return _opened((yield Call(_CREATE, request, self._seconds, safe_to_repeat=False)))

    def collection(self, name: str) -> Verb[Opened]:
        """Verb: what a handle of the collection needs. CollectionNotFound."""
        request = collections_pb2.GetCollectionRequest(name=safe_name(name))
        return _opened((yield Call(_GET, request, self._seconds)))

    def collections(self) -> Verb[list[str]]:
        """Verb: the names, sorted."""
        answer = yield Call(_LIST, collections_pb2.ListCollectionsRequest(), self._seconds)
        return list(answer.names)

    def drop_collection(self, name: str) -> Verb[None]:
        """Verb: deletes a collection and its rows. CollectionNotFound."""
        request = collections_pb2.DropCollectionRequest()
        request.collection.name = safe_name(name)
        yield Call(_DROP, request, self._seconds, safe_to_repeat=False)

    def stats(self) -> Verb[DatabaseStats]:
        """Verb: collections, rows, journal, memory and disk."""
        answer = yield Call(_STATS, admin_pb2.GetStatsRequest(), self._seconds)
        return database_stats_from_message(answer, self._path)

    def snapshot(self) -> Verb[None]:
        """Verb: emits the SnapshotReport, then the bytes of the file in pieces."""
        stream, part = yield from first_message(_SNAPSHOT, admin_pb2.SnapshotRequest())
        yield Begun()
        if part is None or not part.HasField("report"):
            raise ServerFailed(reason="a snapshot without its report")
        yield Emit([snapshot_report_from_message(part.report)])
        while part is not None:
            yield Emit([part.data])
            part = yield Receive(stream)


def _opened(message: collections_pb2.Collection) -> Opened:
    return message.ref, read(schema_from_message, message.schema)
