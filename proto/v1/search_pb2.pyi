from vecdb.proto.v1 import collections_pb2 as _collections_pb2
from vecdb.proto.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchRequest(_message.Message):
    __slots__ = ("collection", "query", "select", "with_vectors", "min_score")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    WITH_VECTORS_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    collection: _types_pb2.CollectionRef
    query: Query
    select: _types_pb2.Selection
    with_vectors: bool
    min_score: float
    def __init__(self, collection: _Optional[_Union[_types_pb2.CollectionRef, _Mapping]] = ..., query: _Optional[_Union[Query, _Mapping]] = ..., select: _Optional[_Union[_types_pb2.Selection, _Mapping]] = ..., with_vectors: bool = ..., min_score: _Optional[float] = ...) -> None: ...

class Query(_message.Message):
    __slots__ = ("near",)
    NEAR_FIELD_NUMBER: _ClassVar[int]
    near: Near
    def __init__(self, near: _Optional[_Union[Near, _Mapping]] = ...) -> None: ...

class Near(_message.Message):
    __slots__ = ("using", "queries", "k", "where", "recall", "ef", "exact")
    USING_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    EF_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    using: str
    queries: _types_pb2.Matrix
    k: int
    where: _containers.RepeatedCompositeFieldContainer[_types_pb2.Filter]
    recall: float
    ef: int
    exact: bool
    def __init__(self, using: _Optional[str] = ..., queries: _Optional[_Union[_types_pb2.Matrix, _Mapping]] = ..., k: _Optional[int] = ..., where: _Optional[_Iterable[_Union[_types_pb2.Filter, _Mapping]]] = ..., recall: _Optional[float] = ..., ef: _Optional[int] = ..., exact: bool = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("counts", "ids", "scores", "payloads", "vectors", "plans", "plan_of")
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    PLANS_FIELD_NUMBER: _ClassVar[int]
    PLAN_OF_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    ids: _types_pb2.Ids
    scores: bytes
    payloads: bytes
    vectors: _containers.RepeatedCompositeFieldContainer[_types_pb2.NamedMatrix]
    plans: _containers.RepeatedCompositeFieldContainer[Plan]
    plan_of: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, counts: _Optional[_Iterable[int]] = ..., ids: _Optional[_Union[_types_pb2.Ids, _Mapping]] = ..., scores: _Optional[bytes] = ..., payloads: _Optional[bytes] = ..., vectors: _Optional[_Iterable[_Union[_types_pb2.NamedMatrix, _Mapping]]] = ..., plans: _Optional[_Iterable[_Union[Plan, _Mapping]]] = ..., plan_of: _Optional[_Iterable[int]] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("strategy", "rows_scanned", "rows_matched", "estimated", "metric", "ef", "slow_reason")
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    ROWS_SCANNED_FIELD_NUMBER: _ClassVar[int]
    ROWS_MATCHED_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    EF_FIELD_NUMBER: _ClassVar[int]
    SLOW_REASON_FIELD_NUMBER: _ClassVar[int]
    strategy: str
    rows_scanned: int
    rows_matched: int
    estimated: bool
    metric: _collections_pb2.Metric
    ef: int
    slow_reason: str
    def __init__(self, strategy: _Optional[str] = ..., rows_scanned: _Optional[int] = ..., rows_matched: _Optional[int] = ..., estimated: bool = ..., metric: _Optional[_Union[_collections_pb2.Metric, str]] = ..., ef: _Optional[int] = ..., slow_reason: _Optional[str] = ...) -> None: ...
