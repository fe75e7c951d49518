"""Payloads: what is kept is what the standard json module keeps, what is refused names its place, fields have types."""

import json
import time
from collections import OrderedDict
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecdb import limits
from vecdb.errors import InvalidPayload, InvalidType
from vecdb.payload import (
    MISSING,
    check_fields,
    decode_payload,
    encode_payload,
    encode_payloads,
    field_value,
)
from vecdb.schema import FieldType

texts = st.text(st.characters(codec="utf-8"), max_size=8)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
json_payloads = st.dictionaries(texts, json_values, max_size=5)


@settings(deadline=None)
@given(st.lists(json_payloads, max_size=5))
def test_json_comes_back_equal_and_reads_as_json(payloads: list[dict[str, Any]]) -> None:
    encoded = encode_payloads(payloads)
    assert [repr(decode_payload(text)) for text in encoded] == [repr(payload) for payload in payloads]
    assert [json.loads(text) for text in encoded] == payloads
    assert encoded == [encode_payload(payload, row) for row, payload in enumerate(payloads)]


class Color(Enum):
    RED = "red"


BAD_VALUES = [
    float("nan"),
    float("inf"),
    -float("inf"),
    np.float32("nan"),
    b"x",
    bytearray(b"x"),
    datetime(2024, 1, 1),
    date(2024, 1, 1),
    UUID(int=1),
    Decimal(1),
    (1, 2),
    {1, 2},
    np.zeros(2),
    np.datetime64("2024-01-01"),
    np.longdouble(1),
    1j,
    object(),
    Color.RED,
    2**64,
    -(2**63) - 1,
    10**10_000,
    "\ud800",
]


@settings(deadline=None)
@given(
    st.lists(json_payloads, min_size=1, max_size=4),
    st.sampled_from(BAD_VALUES),
    st.sampled_from(["a", "a.b", "a[1]", "a.b[1].c", "a[1][1]"]),
    st.data(),
)
def test_one_bad_value_anywhere_names_its_row_and_path(
    payloads: list[dict[str, Any]], bad: object, place: str, data: st.DataObject
) -> None:
    holders: dict[str, Any] = {
        "a": bad,
        "a.b": {"b": bad},
        "a[1]": [0.5, bad],
        "a.b[1].c": {"b": [None, {"c": bad}]},
        "a[1][1]": ["x", [1e308, bad]],
    }
    row = data.draw(st.integers(0, len(payloads) - 1))
    payloads[row] = {**payloads[row], "a": holders[place]}
    with pytest.raises(InvalidPayload) as caught:
        encode_payloads(payloads)
    assert (caught.value.row, caught.value.field) == (row, place)


@pytest.mark.parametrize("key", [1, None, True, b"a", ("a",), "\ud800"])
def test_keys_are_text(key: Any) -> None:
    with pytest.raises(InvalidPayload) as caught:
        encode_payloads([{}, {"a": [{key: 1}]}])
    assert (caught.value.row, caught.value.field) == (1, "a[0]")


class Word(str, Enum):  # noqa: UP042 - StrEnum's str() is the value and would hide a mistake here
    HELLO = "hello"


class Number(IntEnum):
    ONE = 1


def test_subclasses_and_numpy_scalars_are_stored_as_what_they_hold() -> None:
    payload = {
        "int": np.int64(5),
        "unsigned": np.uint64(2**64 - 1),
        "float32": np.float32(0.1),
        "float64": np.float64(1.5),
        "bool": np.True_,
        "text": np.str_("x"),
        "word": Word.HELLO,
        "one": Number.ONE,
        "dict": OrderedDict(a=1),
        Word.HELLO: 1,
    }
    assert decode_payload(encode_payloads([payload])[0]) == {
        "int": 5,
        "unsigned": 2**64 - 1,
        "float32": float(np.float32(0.1)),
        "float64": 1.5,
        "bool": True,
        "text": "x",
        "word": "hello",
        "one": 1,
        "dict": {"a": 1},
        "hello": 1,
    }


def test_none_is_an_empty_payload() -> None:
    assert encode_payloads([None, {}]) == [b"{}", b"{}"]
    assert encode_payloads([]) == []


def test_large_finite_floats_are_kept() -> None:
    assert decode_payload(encode_payloads([{"a": 1.7e308, "b": 1.7e308}])[0]) == {"a": 1.7e308, "b": 1.7e308}


@pytest.mark.parametrize("payload", [[], "a", 5, False, {1}])
def test_a_payload_is_a_dict(payload: Any) -> None:
    with pytest.raises(InvalidPayload) as caught:
        encode_payloads([{}, payload])
    assert (caught.value.row, caught.value.field) == (1, "")


@pytest.mark.parametrize("payloads", [{"a": 1}, "ab", 5, None, iter([{}])])
def test_a_batch_is_a_sequence(payloads: Any) -> None:
    with pytest.raises(InvalidType):
        encode_payloads(payloads)


def nested(depth: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return {"a": value}


def test_batches_of_any_length_keep_their_rows_apart() -> None:
    for count in (1, 999, 1000, 1001, 2500):
        payloads = [{"row": row, "text": "\x1e,\x1e" * (row % 3)} for row in range(count)]
        assert [json.loads(text) for text in encode_payloads(payloads)] == payloads


def test_depth_is_bounded() -> None:
    assert len(encode_payloads([nested(limits.PAYLOAD_DEPTH)])) == 1
    for depth in (limits.PAYLOAD_DEPTH + 1, 100_000):
        with pytest.raises(InvalidPayload, match="nested more than 32 deep"):
            encode_payloads([{}, nested(depth)])


def test_cycles_and_shared_lists_are_refused_soon() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    doubling: Any = [1]
    for _ in range(limits.PAYLOAD_DEPTH - 3):
        doubling = [doubling, doubling]
    start = time.process_time()
    for value in (cycle, doubling):
        with pytest.raises(InvalidPayload):
            encode_payloads([{"a": value}])
    assert time.process_time() - start < 10.0  # half a million values; written out it would be half a billion


def test_size_is_bounded_in_bytes_of_json() -> None:
    fits = {"a": "x" * (limits.PAYLOAD_BYTES - len('{"a":""}'))}
    assert len(encode_payloads([fits])[0]) == limits.PAYLOAD_BYTES
    with pytest.raises(InvalidPayload, match="at most 1048576 bytes") as caught:
        encode_payloads([{}, fits, {"a": fits["a"] + "x"}])
    assert caught.value.row == 2


GOOD_FIELDS: dict[FieldType, list[Any]] = {
    "keyword": ["", "a", ["a", "b"], [], None],
    "integer": [0, -(2**63), 2**63 - 1, [1, 2], [], None],
    "float": [0, 1.5, 2**53, [1, 2.5], [], None],
    "boolean": [True, [True, False], None],
    "datetime": ["2024-01-01", "2024-01-01T00:00:00+02:00", ["2024-01-01T00:00Z"], None],
}
BAD_FIELDS: dict[FieldType, list[Any]] = {
    "keyword": [1, True, {"a": "b"}, ["a", 1], ["a", None], [["a"]]],
    "integer": ["1", 1.0, True, 2**63, [1, 2**63], [1, "2"], [True], {}],
    "float": ["1", True, 2**53 + 1, [1.5, True], [None], {}],
    "boolean": [0, 1, "true", [True, 1], {}],
    "datetime": ["now", "", 5, ["2024-01-01", "x"], ["2024-01-01", None], True, {}],
}


@pytest.mark.parametrize("name", ["f", "outer.inner"])
@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD_FIELDS.items() for value in values])
def test_declared_fields_accept_their_type(kind: FieldType, value: Any, name: str) -> None:
    payload = {"f": value} if name == "f" else {"outer": {"inner": value}}
    fields: dict[str, FieldType] = {name: kind, "absent": "keyword", "f.below": "keyword"}
    assert encode_payloads([{}, payload], fields)[1] == encode_payload(payload, 1, fields) == encode_payload(payload)


@pytest.mark.parametrize("name", ["f", "outer.inner"])
@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD_FIELDS.items() for value in values])
def test_declared_fields_refuse_other_types(kind: FieldType, value: Any, name: str) -> None:
    payload = {"f": value} if name == "f" else {"outer": {"inner": value}}
    with pytest.raises(InvalidPayload, match=f"{kind} field") as caught:
        encode_payloads([{}, payload], {name: kind})
    assert caught.value.row == 1
    assert caught.value.field.startswith(name)
    with pytest.raises(InvalidPayload):
        check_fields(payload, {name: kind})


def test_a_bad_value_in_a_list_names_its_position() -> None:
    with pytest.raises(InvalidPayload) as caught:
        encode_payloads([{"tags": ["a", "b", 3]}], {"tags": "keyword"})
    assert caught.value.field == "tags[2]"


def test_numpy_scalars_pass_as_their_type() -> None:
    fields: dict[str, FieldType] = {"n": "integer", "x": "float", "s": "boolean"}
    assert encode_payloads([{"n": np.int32(1), "x": np.float32(0.5), "s": np.False_}], fields) == [
        b'{"n":1,"x":0.5,"s":false}'
    ]


def test_field_value_walks_dicts_only() -> None:
    payload = {"a": {"b": {"c": 1}}, "l": [{"x": 1}], "n": None}
    assert field_value(payload, ("a", "b", "c")) == 1
    assert field_value(payload, ("n",)) is None
    for path in (("x",), ("a", "x"), ("a", "b", "c", "d"), ("l", "x"), ("n", "x")):
        assert field_value(payload, path) is MISSING


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":1'])
def test_bytes_that_are_no_payload_are_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError):
        decode_payload(damaged)
