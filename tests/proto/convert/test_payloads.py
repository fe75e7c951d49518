"""Payloads of a batch are one JSON array."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb.errors import InvalidPayload, InvalidValue
from vecdb.payload import encode_payloads
from vecdb.proto.convert.payloads import object_from_bytes, payloads_from_bytes, payloads_to_bytes

scalars = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    scalars,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3), st.dictionaries(st.text(st.characters(codec="utf-8")), parts, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=4)


@given(st.lists(objects))
def test_payloads_are_json_that_anyone_reads(payloads: list[dict[str, Any]]) -> None:
    data = payloads_to_bytes(encode_payloads(payloads))
    assert json.loads(data) == payloads
    assert payloads_from_bytes(data, len(payloads)) == payloads


@given(st.lists(st.one_of(objects, st.none())))
def test_payloads_of_other_writers_are_read(payloads: list[dict[str, Any] | None]) -> None:
    spaced = json.dumps(payloads, indent=2).encode()
    assert payloads_from_bytes(spaced, len(payloads)) == payloads


def test_no_bytes_are_no_payloads() -> None:
    assert payloads_from_bytes(b"", 3) == [None, None, None]
    assert payloads_to_bytes([]) == b"[]"
    assert payloads_from_bytes(b"[]", 0) == []
    assert object_from_bytes(b"", "set") == {}


@pytest.mark.parametrize(
    "data",
    [b"{}", b"null", b"1", b"[{}", b"[{}]]", b"\xff", b"[{},{}]", b"[]", b"[NaN]", b"[{'a':1}]", b"[" * 10**6, b" "],
)
def test_what_is_no_array_of_that_length_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        payloads_from_bytes(data, 1, "payloads")
    assert caught.value.argument == "payloads"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("element", ["1", '"a"', "[]", "true", "[{}]"])
def test_elements_that_are_no_object_are_refused_with_their_row(element: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        payloads_from_bytes(f"[{{}},null,{element},{element}]".encode(), 4)
    assert (caught.value.row, caught.value.field) == (2, "")


@given(objects)
def test_one_object(payload: dict[str, Any]) -> None:
    assert object_from_bytes(json.dumps(payload).encode(), "set") == payload


@pytest.mark.parametrize("data", [b"[]", b"null", b"{", b"1", b"{}{}"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        object_from_bytes(data, "set")
    assert caught.value.argument == "set"
