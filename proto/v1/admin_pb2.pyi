from vecdb.proto.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("protocol_major", "protocol_minor", "server_version", "limits", "stages", "role", "read_only")
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PROTOCOL_MAJOR_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MINOR_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    protocol_major: int
    protocol_minor: int
    server_version: str
    limits: _containers.ScalarMap[str, int]
    stages: _containers.RepeatedScalarFieldContainer[str]
    role: _types_pb2.Role
    read_only: bool
    def __init__(self, protocol_major: _Optional[int] = ..., protocol_minor: _Optional[int] = ..., server_version: _Optional[str] = ..., limits: _Optional[_Mapping[str, int]] = ..., stages: _Optional[_Iterable[str]] = ..., role: _Optional[_Union[_types_pb2.Role, str]] = ..., read_only: bool = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DatabaseStats(_message.Message):
    __slots__ = ("collections", "rows", "sequence", "checkpoint_sequence", "journal_bytes", "memory_bytes", "disk_bytes")
    COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    collections: int
    rows: int
    sequence: int
    checkpoint_sequence: int
    journal_bytes: int
    memory_bytes: int
    disk_bytes: int
    def __init__(self, collections: _Optional[int] = ..., rows: _Optional[int] = ..., sequence: _Optional[int] = ..., checkpoint_sequence: _Optional[int] = ..., journal_bytes: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., disk_bytes: _Optional[int] = ...) -> None: ...

class GetCollectionStatsRequest(_message.Message):
    __slots__ = ("collection",)
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ...) -> None: ...

class CollectionStats(_message.Message):
    __slots__ = ("name", "rows", "rows_deleted", "sequence", "memory_bytes", "disk_bytes", "vectors")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ROWS_DELETED_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    name: str
    rows: int
    rows_deleted: int
    sequence: int
    memory_bytes: int
    disk_bytes: int
    vectors: _containers.RepeatedCompositeFieldContainer[VectorStats]
    def __init__(self, name: _Optional[str] = ..., rows: _Optional[int] = ..., rows_deleted: _Optional[int] = ..., sequence: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., disk_bytes: _Optional[int] = ..., vectors: _Optional[_Iterable[_Union[VectorStats, _Mapping]]] = ...) -> None: ...

class VectorStats(_message.Message):
    __slots__ = ("name", "dimension", "rows_indexed", "rows_tail", "memory_bytes", "disk_bytes", "component_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    ROWS_INDEXED_FIELD_NUMBER: _ClassVar[int]
    ROWS_TAIL_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    dimension: int
    rows_indexed: int
    rows_tail: int
    memory_bytes: int
    disk_bytes: int
    component_type: _types_pb2.ComponentType
    def __init__(self, name: _Optional[str] = ..., dimension: _Optional[int] = ..., rows_indexed: _Optional[int] = ..., rows_tail: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., disk_bytes: _Optional[int] = ..., component_type: _Optional[_Union[_types_pb2.ComponentType, str]] = ...) -> None: ...

class MeasureRecallRequest(_message.Message):
    __slots__ = ("collection", "sample", "k", "using", "ef", "seed")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    USING_FIELD_NUMBER: _ClassVar[int]
    EF_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    sample: int
    k: int
    using: str
    ef: int
    seed: int
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., sample: _Optional[int] = ..., k: _Optional[int] = ..., using: _Optional[str] = ..., ef: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class RecallReport(_message.Message):
    __slots__ = ("recall", "recall_minimum", "k", "sample", "ef", "seed")
    RECALL_FIELD_NUMBER: _ClassVar[int]
    RECALL_MINIMUM_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    EF_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    recall: float
    recall_minimum: float
    k: int
    sample: int
    ef: int
    seed: int
    def __init__(self, recall: _Optional[float] = ..., recall_minimum: _Optional[float] = ..., k: _Optional[int] = ..., sample: _Optional[int] = ..., ef: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("collection",)
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ...) -> None: ...

class VerifyReport(_message.Message):
    __slots__ = ("files", "rows", "problems")
    FILES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    files: int
    rows: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, files: _Optional[int] = ..., rows: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class OptimizeRequest(_message.Message):
    __slots__ = ("collection", "wait")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    wait: bool
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., wait: bool = ...) -> None: ...

class OptimizeProgress(_message.Message):
    __slots__ = ("done", "total")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class SnapshotRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SnapshotPart(_message.Message):
    __slots__ = ("data", "report")
    DATA_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    report: SnapshotReport
    def __init__(self, data: _Optional[bytes] = ..., report: _Optional[_Union[SnapshotReport, _Mapping]] = ...) -> None: ...

class SnapshotReport(_message.Message):
    __slots__ = ("sequence", "collections", "files", "bytes")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    collections: int
    files: int
    bytes: int
    def __init__(self, sequence: _Optional[int] = ..., collections: _Optional[int] = ..., files: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...
