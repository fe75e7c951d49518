"""Schemas: valid once they exist, JSON round trips, and every refusal."""

import copy
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from enum import StrEnum
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb import limits
from vecdb.errors import InvalidName, InvalidSchema, InvalidValue, LimitExceeded, VectorNotFound
from vecdb.schema import (
    DTYPES,
    FIELD_TYPES,
    METRICS,
    CollectionSchema,
    Flat,
    Hnsw,
    Vector,
    safe_field_name,
    safe_name,
    schema_of,
    vector_used,
)

names = st.text("azAZ09_-", min_size=1, max_size=limits.NAME_BYTES)
vectors = st.builds(
    lambda dimension, metric, index, dtype: Vector(dimension, metric=metric, index=index, dtype=dtype),
    st.integers(1, limits.DIMENSION_MAXIMUM),
    st.sampled_from(["cosine", "dot", "l2"]),
    st.one_of(
        st.just(Flat()),
        st.builds(
            Hnsw,
            m=st.integers(2, limits.HNSW_M_MAXIMUM),
            ef_construction=st.integers(1, limits.EF_CONSTRUCTION_MAXIMUM),
        ),
    ),
    st.sampled_from(["float32", "float16"]),
)
schemas = st.builds(
    CollectionSchema,
    name=names,
    vectors=st.dictionaries(st.one_of(st.just(""), names), vectors, min_size=1, max_size=3),
    fields=st.dictionaries(st.one_of(names, st.just("author.näme x")), st.sampled_from(FIELD_TYPES), max_size=4),
)


@given(schemas)
def test_json_round_trip(schema: CollectionSchema) -> None:
    text = schema.to_json()
    again = CollectionSchema.from_json(text)
    assert again == schema
    assert hash(again) == hash(schema)
    assert again.to_json() == text
    assert copy.deepcopy(schema) == schema


def test_known_json() -> None:
    schema = CollectionSchema(name="docs", vectors={"text": Vector(384)}, fields={"year": "integer"})
    assert orjson.loads(schema.to_json()) == {
        "version": 1,
        "name": "docs",
        "vectors": {
            "text": {"dimension": 384, "metric": "cosine", "index": {"kind": "hnsw", "m": 16, "ef_construction": 200}}
        },
        "fields": {"year": "integer"},
    }


def test_only_another_dtype_than_float32_is_in_the_json() -> None:
    halves = Vector(384, dtype="float16", index=Flat())
    assert orjson.loads(CollectionSchema(name="docs", vectors={"": halves}).to_json())["vectors"] == {
        "": {"dimension": 384, "metric": "cosine", "index": {"kind": "flat"}, "dtype": "float16"}
    }
    document = valid_document()
    assert "dtype" not in document["vectors"]["t"]
    assert CollectionSchema.from_json(orjson.dumps(document)).vectors["t"].dtype == "float32"
    document["vectors"]["t"]["dtype"] = "float32"
    assert CollectionSchema.from_json(orjson.dumps(document)).vectors["t"] == Vector(4)


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float16", 2)])
def test_a_stored_row_has_as_many_bytes_as_numpy_says(dtype: Any, size: int) -> None:
    assert Vector(7, dtype=dtype).row_bytes == 7 * size == np.zeros(7, dtype).nbytes


def test_the_literals_are_what_the_contract_says() -> None:
    assert METRICS == ("cosine", "dot", "l2")
    assert DTYPES == ("float32", "float16")
    assert FIELD_TYPES == ("keyword", "integer", "float", "boolean", "datetime")


def test_a_schema_does_not_change_with_the_dict_it_came_from() -> None:
    given_vectors = {"": Vector(4)}
    schema = CollectionSchema(name="docs", vectors=given_vectors)
    given_vectors["x"] = Vector(5)
    assert list(schema.vectors) == [""]
    with pytest.raises(TypeError):
        schema.vectors["x"] = Vector(5)  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        schema.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Vector(0),
        lambda: Vector(limits.DIMENSION_MAXIMUM + 1),
        lambda: Vector(True),
        lambda: Vector("384"),  # type: ignore[arg-type]
        lambda: Vector(4.0),  # type: ignore[arg-type]
        lambda: Vector(4, metric="euclid"),  # type: ignore[arg-type]
        lambda: Vector(4, metric=["cosine"]),  # type: ignore[arg-type]
        lambda: Vector(4, index="hnsw"),  # type: ignore[arg-type]
        lambda: Vector(4, dtype="float64"),  # type: ignore[arg-type]
        lambda: Vector(4, dtype=np.float16),  # type: ignore[arg-type]
        lambda: Vector(4, dtype=np.dtype("float16")),  # type: ignore[arg-type]
        lambda: Vector(4, dtype=None),  # type: ignore[arg-type]
        lambda: Hnsw(m=1),
        lambda: Hnsw(m=limits.HNSW_M_MAXIMUM + 1),
        lambda: Hnsw(ef_construction=0),
        lambda: Hnsw(ef_construction=limits.EF_CONSTRUCTION_MAXIMUM + 1),
        lambda: CollectionSchema(name="docs", vectors={}),
        lambda: CollectionSchema(name="docs", vectors=[Vector(4)]),  # type: ignore[arg-type]
        lambda: CollectionSchema(name="docs", vectors={"": 4}),  # type: ignore[dict-item]
        lambda: CollectionSchema(name="docs", vectors={"": Vector(4)}, fields={"a": "text"}),  # type: ignore[dict-item]
        lambda: CollectionSchema(name="docs", vectors={"": Vector(4)}, fields={"a": ["keyword"]}),  # type: ignore[dict-item]
        lambda: CollectionSchema(name="docs", vectors={"": Vector(4)}, fields="a"),  # type: ignore[arg-type]
    ],
)
def test_contradictions_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(InvalidSchema):
        build()


def test_counts_are_bounded() -> None:
    with pytest.raises(LimitExceeded, match="VECTORS_MAXIMUM"):
        CollectionSchema(name="docs", vectors={str(i): Vector(4) for i in range(limits.VECTORS_MAXIMUM + 1)})
    with pytest.raises(LimitExceeded, match="FIELDS_MAXIMUM"):
        CollectionSchema(
            name="docs",
            vectors={"": Vector(4)},
            fields={f"f{i}": "keyword" for i in range(limits.FIELDS_MAXIMUM + 1)},
        )


@pytest.mark.parametrize("name", ["a", "A-z_0", "x" * 128, "-", "__"])
def test_safe_names(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 129, "a b", "a/b", "..", ".", "a\n", "é", "a\x00", None, 5, b"a", "a:b", "~"]
)
def test_unsafe_names(name: Any) -> None:
    with pytest.raises(InvalidName):
        safe_name(name)
    with pytest.raises(InvalidName):
        CollectionSchema(name=name, vectors={"": Vector(4)})
    if name != "":
        with pytest.raises(InvalidName):
            CollectionSchema(name="docs", vectors={name: Vector(4)})


@pytest.mark.parametrize("name", ["a", "a.b.c", "größe", "odd name", "$x", "a-b", "x" * limits.FIELD_NAME_BYTES])
def test_safe_field_names(name: str) -> None:
    assert safe_field_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "a.", ".a", "a..b", "a[0]", "a]", "a\n", "\x7f", "\ud800", 5, "x" * (limits.FIELD_NAME_BYTES + 1)]
)
def test_unsafe_field_names(name: Any) -> None:
    with pytest.raises(InvalidName):
        safe_field_name(name)
    with pytest.raises(InvalidName):
        CollectionSchema(name="docs", vectors={"": Vector(4)}, fields={name: "keyword"})


def valid_document() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(CollectionSchema(name="docs", vectors={"t": Vector(4)}).to_json())
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("version",), True),
        (("version",), None),
        (("vectors",), []),
        (("vectors",), {}),
        (("vectors", "t"), 5),
        (("vectors", "t", "dimension"), "4"),
        (("vectors", "t", "metric"), "L2"),
        (("vectors", "t", "dtype"), "bfloat16"),
        (("vectors", "t", "dtype"), None),
        (("vectors", "t", "extra"), 1),
        (("vectors", "t", "index"), None),
        (("vectors", "t", "index", "kind"), "tree"),
        (("vectors", "t", "index", "m"), 1.5),
        (("vectors", "t", "index", "extra"), 1),
        (("fields",), None),
        (("fields",), {"a": "geo"}),
        (("extra",), 1),
    ],
)
def test_a_document_that_differs_anywhere_is_refused(path: tuple[str, ...], value: object) -> None:
    document = valid_document()
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InvalidSchema):
        CollectionSchema.from_json(orjson.dumps(document))


@pytest.mark.parametrize("key", ["version", "name", "vectors", "fields"])
def test_a_document_that_lacks_a_key_is_refused(key: str) -> None:
    document = valid_document()
    del document[key]
    with pytest.raises(InvalidSchema, match="exactly"):
        CollectionSchema.from_json(orjson.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff", '{"version":1}', "[" * 100_000])
def test_other_text_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidSchema):
        CollectionSchema.from_json(text)


def test_schema_of_one_unnamed_vector() -> None:
    assert schema_of("docs", 4) == CollectionSchema(name="docs", vectors={"": Vector(4, metric="cosine", index=Hnsw())})
    given = schema_of("docs", 4, metric="l2", index=Flat(), fields={"year": "integer"})
    assert given.vectors[""] == Vector(4, metric="l2", index=Flat())
    assert schema_of("docs", 4, dtype="float16").vectors[""] == Vector(4, dtype="float16")
    assert given.fields == {"year": "integer"}


def test_schema_of_named_vectors() -> None:
    vectors = {"a": Vector(4), "b": Vector(5, metric="dot")}
    assert schema_of("docs", vectors=vectors) == CollectionSchema(name="docs", vectors=vectors)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({}, "dimension"),
        ({"dimension": 4, "vectors": {"": Vector(4)}}, "dimension"),
        ({"vectors": {"": Vector(4)}, "metric": "l2"}, "metric"),
        ({"vectors": {"": Vector(4)}, "index": Flat()}, "metric"),
        ({"vectors": {"": Vector(4)}, "dtype": "float16"}, "metric"),
    ],
)
def test_schema_of_what_contradicts_itself(options: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        schema_of("docs", **options)
    assert raised.value.argument == argument


def test_texts_of_a_subclass_are_written_as_text() -> None:
    class Kind(StrEnum):
        KEYWORD = "keyword"

    text = type("Text", (str,), {})
    schema = CollectionSchema(name=text("docs"), vectors={text("a"): Vector(4)}, fields={text("lang"): Kind.KEYWORD})  # type: ignore[dict-item]
    assert CollectionSchema.from_json(schema.to_json()) == CollectionSchema(
        name="docs", vectors={"a": Vector(4)}, fields={"lang": "keyword"}
    )


def test_the_vector_that_a_search_uses() -> None:
    one = CollectionSchema(name="docs", vectors={"only": Vector(4)})
    two = CollectionSchema(name="docs", vectors={"": Vector(4), "b": Vector(4)})
    assert vector_used(one, None) == vector_used(one, "only") == "only"
    assert (vector_used(two, None), vector_used(two, ""), vector_used(two, "b")) == ("", "", "b")
    unhashable: Any = ["only"]
    for schema, using in ((one, "x"), (one, ""), (two, "only"), (one, unhashable)):
        with pytest.raises(VectorNotFound) as raised:
            vector_used(schema, using)
        assert (raised.value.name, raised.value.known) == (str(using), tuple(schema.vectors))
