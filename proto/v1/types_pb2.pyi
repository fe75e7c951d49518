from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_READ: _ClassVar[Role]
    ROLE_WRITE: _ClassVar[Role]
    ROLE_ADMIN: _ClassVar[Role]

class ComponentType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPONENT_TYPE_UNSPECIFIED: _ClassVar[ComponentType]
    COMPONENT_TYPE_FLOAT32: _ClassVar[ComponentType]
    COMPONENT_TYPE_FLOAT16: _ClassVar[ComponentType]

class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATOR_UNSPECIFIED: _ClassVar[Operator]
    OPERATOR_EQUAL: _ClassVar[Operator]
    OPERATOR_NOT_EQUAL: _ClassVar[Operator]
    OPERATOR_LESS: _ClassVar[Operator]
    OPERATOR_LESS_OR_EQUAL: _ClassVar[Operator]
    OPERATOR_GREATER: _ClassVar[Operator]
    OPERATOR_GREATER_OR_EQUAL: _ClassVar[Operator]
ROLE_UNSPECIFIED: Role
ROLE_READ: Role
ROLE_WRITE: Role
ROLE_ADMIN: Role
COMPONENT_TYPE_UNSPECIFIED: ComponentType
COMPONENT_TYPE_FLOAT32: ComponentType
COMPONENT_TYPE_FLOAT16: ComponentType
OPERATOR_UNSPECIFIED: Operator
OPERATOR_EQUAL: Operator
OPERATOR_NOT_EQUAL: Operator
OPERATOR_LESS: Operator
OPERATOR_LESS_OR_EQUAL: Operator
OPERATOR_GREATER: Operator
OPERATOR_GREATER_OR_EQUAL: Operator
REQUIRED_ROLE_FIELD_NUMBER: _ClassVar[int]
required_role: _descriptor.FieldDescriptor

class CollectionRef(_message.Message):
    __slots__ = ("name", "number")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    name: str
    number: int
    def __init__(self, name: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Ids(_message.Message):
    __slots__ = ("integers", "texts", "uuids", "mixed")
    INTEGERS_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    UUIDS_FIELD_NUMBER: _ClassVar[int]
    MIXED_FIELD_NUMBER: _ClassVar[int]
    integers: bytes
    texts: Texts
    uuids: bytes
    mixed: MixedIds
    def __init__(self, integers: _Optional[bytes] = ..., texts: _Optional[_Union[Texts, _Mapping]] = ..., uuids: _Optional[bytes] = ..., mixed: _Optional[_Union[MixedIds, _Mapping]] = ...) -> None: ...

class Texts(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class Id(_message.Message):
    __slots__ = ("integer", "text", "uuid")
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    UUID_FIELD_NUMBER: _ClassVar[int]
    integer: int
    text: str
    uuid: bytes
    def __init__(self, integer: _Optional[int] = ..., text: _Optional[str] = ..., uuid: _Optional[bytes] = ...) -> None: ...

class MixedIds(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Id]
    def __init__(self, values: _Optional[_Iterable[_Union[Id, _Mapping]]] = ...) -> None: ...

class Matrix(_message.Message):
    __slots__ = ("type", "rows", "dimension", "data")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    type: ComponentType
    rows: int
    dimension: int
    data: bytes
    def __init__(self, type: _Optional[_Union[ComponentType, str]] = ..., rows: _Optional[int] = ..., dimension: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class NamedMatrix(_message.Message):
    __slots__ = ("name", "matrix")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MATRIX_FIELD_NUMBER: _ClassVar[int]
    name: str
    matrix: Matrix
    def __init__(self, name: _Optional[str] = ..., matrix: _Optional[_Union[Matrix, _Mapping]] = ...) -> None: ...

class Records(_message.Message):
    __slots__ = ("ids", "payloads", "vectors", "total")
    IDS_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ids: Ids
    payloads: bytes
    vectors: _containers.RepeatedCompositeFieldContainer[NamedMatrix]
    total: int
    def __init__(self, ids: _Optional[_Union[Ids, _Mapping]] = ..., payloads: _Optional[bytes] = ..., vectors: _Optional[_Iterable[_Union[NamedMatrix, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class Selection(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("text", "boolean", "integer", "large_integer", "number", "instant_microseconds")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    LARGE_INTEGER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    INSTANT_MICROSECONDS_FIELD_NUMBER: _ClassVar[int]
    text: str
    boolean: bool
    integer: int
    large_integer: int
    number: float
    instant_microseconds: int
    def __init__(self, text: _Optional[str] = ..., boolean: bool = ..., integer: _Optional[int] = ..., large_integer: _Optional[int] = ..., number: _Optional[float] = ..., instant_microseconds: _Optional[int] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("conjunction", "disjunction", "negation", "comparison", "any_of", "all_of", "none_of", "between", "exists", "is_null", "prefix", "has_id")
    CONJUNCTION_FIELD_NUMBER: _ClassVar[int]
    DISJUNCTION_FIELD_NUMBER: _ClassVar[int]
    NEGATION_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    ANY_OF_FIELD_NUMBER: _ClassVar[int]
    ALL_OF_FIELD_NUMBER: _ClassVar[int]
    NONE_OF_FIELD_NUMBER: _ClassVar[int]
    BETWEEN_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    IS_NULL_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    HAS_ID_FIELD_NUMBER: _ClassVar[int]
    conjunction: Filters
    disjunction: Filters
    negation: Filter
    comparison: Comparison
    any_of: Listed
    all_of: Listed
    none_of: Listed
    between: Interval
    exists: str
    is_null: str
    prefix: Prefix
    has_id: Ids
    def __init__(self, conjunction: _Optional[_Union[Filters, _Mapping]] = ..., disjunction: _Optional[_Union[Filters, _Mapping]] = ..., negation: _Optional[_Union[Filter, _Mapping]] = ..., comparison: _Optional[_Union[Comparison, _Mapping]] = ..., any_of: _Optional[_Union[Listed, _Mapping]] = ..., all_of: _Optional[_Union[Listed, _Mapping]] = ..., none_of: _Optional[_Union[Listed, _Mapping]] = ..., between: _Optional[_Union[Interval, _Mapping]] = ..., exists: _Optional[str] = ..., is_null: _Optional[str] = ..., prefix: _Optional[_Union[Prefix, _Mapping]] = ..., has_id: _Optional[_Union[Ids, _Mapping]] = ...) -> None: ...

class Filters(_message.Message):
    __slots__ = ("operands",)
    OPERANDS_FIELD_NUMBER: _ClassVar[int]
    operands: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, operands: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("field", "operator", "value")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    field: str
    operator: Operator
    value: Value
    def __init__(self, field: _Optional[str] = ..., operator: _Optional[_Union[Operator, str]] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class Listed(_message.Message):
    __slots__ = ("field", "values")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    field: str
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("field", "low", "high")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    field: str
    low: Value
    high: Value
    def __init__(self, field: _Optional[str] = ..., low: _Optional[_Union[Value, _Mapping]] = ..., high: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class Prefix(_message.Message):
    __slots__ = ("field", "text")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    field: str
    text: str
    def __init__(self, field: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("code", "message", "details")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    details: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., details: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...

class ErrorDetail(_message.Message):
    __slots__ = ("kind", "facts")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    def __init__(self, kind: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("name", "none", "text", "integer", "number", "boolean", "texts", "id", "described")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NONE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIBED_FIELD_NUMBER: _ClassVar[int]
    name: str
    none: bool
    text: str
    integer: int
    number: float
    boolean: bool
    texts: Texts
    id: Id
    described: str
    def __init__(self, name: _Optional[str] = ..., none: bool = ..., text: _Optional[str] = ..., integer: _Optional[int] = ..., number: _Optional[float] = ..., boolean: bool = ..., texts: _Optional[_Union[Texts, _Mapping]] = ..., id: _Optional[_Union[Id, _Mapping]] = ..., described: _Optional[str] = ...) -> None: ...
