from vecdb.proto.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpsertRequest(_message.Message):
    __slots__ = ("collection", "ids", "vectors", "payloads")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    ids: _types_pb2.Ids
    vectors: _containers.RepeatedCompositeFieldContainer[_types_pb2.NamedMatrix]
    payloads: bytes
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., ids: _Optional[_Union[_types_pb2.Ids, _Mapping]] = ..., vectors: _Optional[_Iterable[_Union[_types_pb2.NamedMatrix, _Mapping]]] = ..., payloads: _Optional[bytes] = ...) -> None: ...

class UpdateRequest(_message.Message):
    __slots__ = ("collection", "ids", "set", "unset")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    UNSET_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    ids: _types_pb2.Ids
    set: bytes
    unset: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., ids: _Optional[_Union[_types_pb2.Ids, _Mapping]] = ..., set: _Optional[bytes] = ..., unset: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("collection", "ids", "where")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    ids: _types_pb2.Ids
    where: _types_pb2.Filter
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., ids: _Optional[_Union[_types_pb2.Ids, _Mapping]] = ..., where: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ...) -> None: ...

class WriteResponse(_message.Message):
    __slots__ = ("count", "sequence", "missing")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    count: int
    sequence: int
    missing: int
    def __init__(self, count: _Optional[int] = ..., sequence: _Optional[int] = ..., missing: _Optional[int] = ...) -> None: ...

class WriteRequest(_message.Message):
    __slots__ = ("upsert", "update", "delete", "more")
    UPSERT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    upsert: UpsertRequest
    update: UpdateRequest
    delete: DeleteRequest
    more: bool
    def __init__(self, upsert: _Optional[_Union[UpsertRequest, _Mapping]] = ..., update: _Optional[_Union[UpdateRequest, _Mapping]] = ..., delete: _Optional[_Union[DeleteRequest, _Mapping]] = ..., more: bool = ...) -> None: ...

class WriteAcknowledgement(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: WriteResponse
    def __init__(self, result: _Optional[_Union[WriteResponse, _Mapping]] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("collection", "ids", "with_vectors")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    WITH_VECTORS_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    ids: _types_pb2.Ids
    with_vectors: bool
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., ids: _Optional[_Union[_types_pb2.Ids, _Mapping]] = ..., with_vectors: bool = ...) -> None: ...

class CountRequest(_message.Message):
    __slots__ = ("collection", "where")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    where: _types_pb2.Filter
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., where: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ...) -> None: ...

class CountResponse(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("collection", "where", "order_by", "batch", "with_vectors")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    WITH_VECTORS_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    where: _types_pb2.Filter
    order_by: str
    batch: int
    with_vectors: bool
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., where: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., order_by: _Optional[str] = ..., batch: _Optional[int] = ..., with_vectors: bool = ...) -> None: ...
