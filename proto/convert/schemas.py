"""Collection schemas: what a message leaves open or says twice is an InvalidSchema, the rest is the constructors'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from vecdb import limits
from vecdb.errors import InvalidSchema, LimitExceeded, brief
from vecdb.proto.v1 import collections_pb2, types_pb2
from vecdb.schema import CollectionSchema, Dtype, FieldType, Flat, Hnsw, Index, Metric, Vector


def schema_to_message(schema: CollectionSchema) -> collections_pb2.CollectionSchema:
    """The message of a schema, vectors and fields in their order."""
    return collections_pb2.CollectionSchema(
        name=schema.name,
        vectors=[_vector_to_message(name, vector) for name, vector in schema.vectors.items()],
        fields=[collections_pb2.FieldSchema(name=name, type=_TYPES[kind]) for name, kind in schema.fields.items()],
    )


def schema_from_message(message: collections_pb2.CollectionSchema) -> CollectionSchema:
    """The schema of a message; InvalidSchema, InvalidName or LimitExceeded as from its constructor."""
    _check_count("VECTORS_MAXIMUM", limits.VECTORS_MAXIMUM, len(message.vectors))
    _check_count("FIELDS_MAXIMUM", limits.FIELDS_MAXIMUM, len(message.fields))
    _check_once("vector", [vector.name for vector in message.vectors])
    _check_once("field", [declared.name for declared in message.fields])
    return CollectionSchema(
        name=message.name,
        vectors={vector.name: _vector_from_message(vector) for vector in message.vectors},
        fields={declared.name: _type_from_message(declared) for declared in message.fields},
    )


def metric_to_message(metric: Metric) -> collections_pb2.Metric:
    """The message of a metric."""
    return _METRICS[metric]


def metric_from_message(number: int, place: str) -> Metric:
    """The metric of a message; InvalidSchema if it is none that is known here."""
    return _known(_METRIC_NAMES, number, f"{place} has no metric known here")


def dtype_to_message(dtype: Dtype) -> types_pb2.ComponentType:
    """The message of how rows are stored; float32 is left open, as those who know nothing else have it."""
    return _COMPONENT_TYPES[dtype]


def dtype_from_message(number: int, place: str) -> Dtype:
    """How rows are stored, of a message; InvalidSchema if that is not known here."""
    if number == types_pb2.COMPONENT_TYPE_FLOAT32:
        return "float32"
    return _known(_DTYPES, number, f"{place} has no component type known here")


def _vector_to_message(name: str, vector: Vector) -> collections_pb2.VectorSchema:
    message = collections_pb2.VectorSchema(name=name, dimension=vector.dimension, metric=_METRICS[vector.metric])
    match vector.index:
        case Hnsw(m=m, ef_construction=ef_construction):
            message.hnsw.m = m
            message.hnsw.ef_construction = ef_construction
        case Flat():
            message.flat.SetInParent()
    message.component_type = dtype_to_message(vector.dtype)
    return message


def _vector_from_message(message: collections_pb2.VectorSchema) -> Vector:
    place = f"vector {brief(message.name)}"
    metric = metric_from_message(message.metric, place)
    dtype = dtype_from_message(message.component_type, place)
    return Vector(message.dimension, metric=metric, index=_index_from_message(message, place), dtype=dtype)


def _index_from_message(message: collections_pb2.VectorSchema, place: str) -> Index:
    match message.WhichOneof("index"):
        case "hnsw":
            return Hnsw(m=message.hnsw.m, ef_construction=message.hnsw.ef_construction)
        case "flat":
            return Flat()
    raise InvalidSchema(reason=f"{place} has no index known here")


def _type_from_message(message: collections_pb2.FieldSchema) -> FieldType:
    return _known(_TYPE_NAMES, message.type, f"field {brief(message.name)} has no type known here")


_Name = TypeVar("_Name", bound=str)

_METRICS: Final[dict[Metric, collections_pb2.Metric]] = {
    "cosine": collections_pb2.METRIC_COSINE,
    "dot": collections_pb2.METRIC_DOT,
    "l2": collections_pb2.METRIC_L2,
}
_TYPES: Final[dict[FieldType, collections_pb2.FieldType]] = {
    "keyword": collections_pb2.FIELD_TYPE_KEYWORD,
    "integer": collections_pb2.FIELD_TYPE_INTEGER,
    "float": collections_pb2.FIELD_TYPE_FLOAT,
    "boolean": collections_pb2.FIELD_TYPE_BOOLEAN,
    "datetime": collections_pb2.FIELD_TYPE_DATETIME,
}
_COMPONENT_TYPES: Final[dict[Dtype, types_pb2.ComponentType]] = {
    "float32": types_pb2.COMPONENT_TYPE_UNSPECIFIED,
    "float16": types_pb2.COMPONENT_TYPE_FLOAT16,
}
_METRIC_NAMES: Final[dict[int, Metric]] = {number: name for name, number in _METRICS.items()}
_DTYPES: Final[dict[int, Dtype]] = {number: name for name, number in _COMPONENT_TYPES.items()}
_TYPE_NAMES: Final[dict[int, FieldType]] = {number: name for name, number in _TYPES.items()}


def _known(names: Mapping[int, _Name], number: int, refusal: str) -> _Name:
    name = names.get(number)
    if name is None:
        raise InvalidSchema(reason=f"{refusal}: {number}")
    return name


def _check_count(limit: str, maximum: int, received: int) -> None:
    if received > maximum:
        raise LimitExceeded(limit=limit, maximum=maximum, received=received)


def _check_once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidSchema(reason=f"{what} {brief(name)} is declared twice")
        seen.add(name)
