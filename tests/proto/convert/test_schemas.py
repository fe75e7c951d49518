"""Schemas survive the wire in their order; what a message leaves open is refused."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecdb
from vecdb import limits
from vecdb.errors import InvalidName, InvalidSchema, LimitExceeded
from vecdb.proto.convert.schemas import metric_from_message, metric_to_message, schema_from_message, schema_to_message
from vecdb.proto.v1 import collections_pb2, types_pb2
from vecdb.proto.v1.collections_pb2 import CollectionSchema, FieldSchema, Flat, Hnsw, VectorSchema
from vecdb.schema import Dtype, FieldType, Metric

names = st.text("abcXYZ019_-", min_size=1, max_size=8)
indexes = st.one_of(
    st.builds(vecdb.Flat), st.builds(vecdb.Hnsw, m=st.integers(2, 256), ef_construction=st.integers(1, 4096))
)
vectors = st.builds(
    vecdb.Vector,
    st.integers(1, limits.DIMENSION_MAXIMUM),
    metric=st.sampled_from(get_args(Metric)),
    index=indexes,
    dtype=st.sampled_from(get_args(Dtype)),
)
schemas = st.builds(
    vecdb.CollectionSchema,
    name=names,
    vectors=st.dictionaries(st.one_of(names, st.just("")), vectors, min_size=1, max_size=5),
    fields=st.dictionaries(st.one_of(names, st.just("a.b")), st.sampled_from(get_args(FieldType)), max_size=5),
)


@given(schemas)
def test_schemas_come_back_equal_and_in_order(schema: vecdb.CollectionSchema) -> None:
    found = schema_from_message(CollectionSchema.FromString(schema_to_message(schema).SerializeToString()))
    assert found == schema
    assert (list(found.vectors), list(found.fields)) == (list(schema.vectors), list(schema.fields))


def test_every_name_has_its_enum_value() -> None:
    metrics = {f"METRIC_{name.upper()}" for name in get_args(Metric)} | {"METRIC_UNSPECIFIED"}
    assert set(collections_pb2.Metric.keys()) == metrics
    for name in get_args(Metric):
        assert collections_pb2.Metric.Name(metric_to_message(name)) == f"METRIC_{name.upper()}"
        assert metric_from_message(metric_to_message(name), "plan") == name
    types = {f"FIELD_TYPE_{name.upper()}" for name in get_args(FieldType)} | {"FIELD_TYPE_UNSPECIFIED"}
    assert set(collections_pb2.FieldType.keys()) == types


def test_rows_of_float32_are_told_as_before_there_were_others() -> None:
    """So that a peer of then understands; and one that names float32 is understood."""
    halves = schema_to_message(vecdb.CollectionSchema(name="docs", vectors={"": vecdb.Vector(3, dtype="float16")}))
    floats = schema_to_message(vecdb.CollectionSchema(name="docs", vectors={"": vecdb.Vector(3)}))
    assert halves.vectors[0].component_type == types_pb2.COMPONENT_TYPE_FLOAT16
    assert halves.vectors[0].SerializeToString() == floats.vectors[0].SerializeToString() + b"\x30\x02"
    for told in (types_pb2.COMPONENT_TYPE_UNSPECIFIED, types_pb2.COMPONENT_TYPE_FLOAT32):
        floats.vectors[0].component_type = told
        assert schema_from_message(floats).vectors[""].dtype == "float32"


def good(**changes: Any) -> VectorSchema:
    return VectorSchema(**{"name": "a", "dimension": 3, "metric": "METRIC_DOT", "flat": Flat(), **changes})


def docs(*given: VectorSchema, fields: Any = ()) -> CollectionSchema:
    return CollectionSchema(name="docs", vectors=given, fields=fields)


@pytest.mark.parametrize(
    ("message", "error", "text"),
    [
        (docs(), InvalidSchema, "at least one vector"),
        (CollectionSchema(vectors=[good()]), InvalidName, "A-Z"),
        (CollectionSchema(name="../docs", vectors=[good()]), InvalidName, "A-Z"),
        (docs(good(metric=0)), InvalidSchema, "'a' has no metric known here: 0"),
        (docs(good(metric=44)), InvalidSchema, "known here: 44"),
        (docs(good(dimension=0)), InvalidSchema, "dimension"),
        (docs(good(component_type=3)), InvalidSchema, "'a' has no component type known here: 3"),
        (docs(good(hnsw=Hnsw())), InvalidSchema, "m must be"),
        (docs(VectorSchema(name="a", dimension=3, metric="METRIC_L2")), InvalidSchema, "'a' has no index"),
        (docs(good(), good()), InvalidSchema, "vector 'a' is declared twice"),
        (docs(*[good()] * 17), LimitExceeded, "VECTORS_MAXIMUM"),
        (docs(good(), fields=[FieldSchema(name="f")]), InvalidSchema, "'f' has no type"),
        (docs(good(), fields=[FieldSchema(name="f", type="FIELD_TYPE_FLOAT")] * 2), InvalidSchema, "twice"),
        (docs(good(), fields=[FieldSchema()] * 257), LimitExceeded, "FIELDS_MAXIMUM"),
    ],
)
def test_what_is_open_or_said_twice_is_refused(message: CollectionSchema, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        schema_from_message(message)
    assert type(caught.value) is error
    assert text in str(caught.value)
