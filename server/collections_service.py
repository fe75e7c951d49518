"""vecdb.v1.Collections: making, finding and dropping collections."""

from __future__ import annotations

from vecdb.collection.collection import Collection
from vecdb.proto.convert.schemas import schema_from_message, schema_to_message
from vecdb.proto.v1 import collections_pb2, types_pb2
from vecdb.server.call import Call
from vecdb.server.engine import Engine, parsed


class CollectionsService:
    """The names of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_collection(self, call: Call, data: bytes) -> collections_pb2.Collection:
        """An empty collection of a schema."""
        schema = schema_from_message(parsed(collections_pb2.CreateCollectionRequest, data).schema)
        call.collection = schema.name
        made = self._engine.database.create_collection(schema.name, vectors=schema.vectors, fields=schema.fields)
        return _described(made)

    def get_collection(self, call: Call, data: bytes) -> collections_pb2.Collection:
        """Its number and schema."""
        name = parsed(collections_pb2.GetCollectionRequest, data).name
        call.collection = name
        return _described(self._engine.database[name])

    def list_collections(self, call: Call, data: bytes) -> collections_pb2.ListCollectionsResponse:  # noqa: ARG002
        """The names, sorted."""
        parsed(collections_pb2.ListCollectionsRequest, data)
        return collections_pb2.ListCollectionsResponse(names=self._engine.database.collections())

    def drop_collection(self, call: Call, data: bytes) -> collections_pb2.DropCollectionResponse:
        """Deletes it and its rows."""
        ref = parsed(collections_pb2.DropCollectionRequest, data).collection
        call.collection = ref.name
        self._engine.collection(ref).drop()
        return collections_pb2.DropCollectionResponse()


def _described(collection: Collection) -> collections_pb2.Collection:
    ref = types_pb2.CollectionRef(name=collection.name, number=collection.number)
    return collections_pb2.Collection(ref=ref, schema=schema_to_message(collection.schema))
