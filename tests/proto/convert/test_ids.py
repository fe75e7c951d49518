"""Ids survive the wire in their kind and order; what a message holds wrongly is named."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb import limits
from vecdb.errors import InvalidId, InvalidType, InvalidValue, LimitExceeded
from vecdb.ids import Id
from vecdb.proto.convert.ids import (
    fill_ids,
    id_from_message,
    id_to_message,
    ids_count,
    ids_from_message,
    ids_to_message,
)
from vecdb.proto.v1 import types_pb2

integers = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
batches: st.SearchStrategy[list[Id]] = st.one_of(
    st.lists(integers), st.lists(texts), st.lists(st.uuids()), st.lists(st.one_of(integers, texts, st.uuids()))
)


def received(message: types_pb2.Ids) -> list[Id]:
    found = ids_from_message(types_pb2.Ids.FromString(message.SerializeToString()))
    return found if isinstance(found, list) else found.tolist()


@given(batches)
def test_ids_come_back_as_they_were_sent(ids: list[Id]) -> None:
    message = ids_to_message(ids)
    assert [(type(each), each) for each in received(message)] == [(type(each), each) for each in ids]
    assert ids_count(message) == len(ids)


@given(st.lists(integers, min_size=1))
def test_integers_are_little_endian_words(ids: list[int]) -> None:
    assert ids_to_message(ids).integers == struct.pack(f"<{len(ids)}q", *ids)


@given(st.lists(st.uuids(), min_size=1))
def test_uuids_are_sixteen_bytes_each(ids: list[UUID]) -> None:
    assert ids_to_message(ids).uuids.hex() == "".join(str(each).replace("-", "") for each in ids)


@pytest.mark.parametrize("dtype", ["int8", "int32", ">i8", "uint8", "uint64", "<i8"])
def test_arrays_of_integers_of_any_width(dtype: str) -> None:
    assert received(ids_to_message(np.array([3, 1, 2], dtype))) == [3, 1, 2]
    assert received(ids_to_message(np.arange(10, dtype=dtype)[::3])) == [0, 3, 6, 9]


@pytest.mark.parametrize("ids", [[np.int64(4), 5], [np.int32(4), np.int64(5)], [np.uint8(4), 5], (4, 5)])
def test_numpy_integers_in_a_sequence(ids: Any) -> None:
    assert received(ids_to_message(ids)) == [4, 5]


def test_arrays_of_texts_and_objects() -> None:
    assert received(ids_to_message(np.array(["a", "é"]))) == ["a", "é"]
    assert received(ids_to_message(np.array([1, "a"], dtype=object))) == [1, "a"]


def test_integers_are_a_read_only_array() -> None:
    found = ids_from_message(ids_to_message([1, 2, 3]))
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.flags.writeable) == (np.dtype(np.int64), False)


def test_no_ids_and_an_unset_kind_are_no_ids() -> None:
    assert ids_to_message([]).WhichOneof("kind") == "integers"
    assert received(ids_to_message([])) == received(types_pb2.Ids()) == []


def test_negative_integers_are_left_to_who_checks_ids() -> None:
    assert received(ids_to_message([-1, 2])) == [-1, 2]


def test_filling_writes_in_place() -> None:
    records = types_pb2.Records()
    fill_ids(records.ids, ["a"])
    assert list(records.ids.texts.values) == ["a"]


@pytest.mark.parametrize(
    ("ids", "row"),
    [
        ([1, 2**63], 1),
        ([1, True], 1),
        ([1.5], 0),
        (["a", "\ud800"], 1),
        (["a", None], 1),
        (["a", -1], 1),
        ([b"a"], 0),
        (np.array([0, 2**63], np.uint64), 1),
        (np.array([0.5]), 0),
    ],
)
def test_what_is_no_id_is_refused_with_its_row(ids: Any, row: int) -> None:
    with pytest.raises(InvalidId) as caught:
        ids_to_message(ids)
    assert caught.value.row == row


@pytest.mark.parametrize("ids", ["abc", b"abc", 7, None, {1, 2}, np.zeros((2, 2), int)])
def test_what_is_no_batch_is_refused(ids: Any) -> None:
    with pytest.raises(InvalidType):
        ids_to_message(ids)


@pytest.mark.parametrize(
    ("message", "argument"),
    [
        (types_pb2.Ids(integers=b"1234567"), "rows"),
        (types_pb2.Ids(uuids=b"x" * 17), "rows"),
        (types_pb2.Ids(mixed=types_pb2.MixedIds(values=[types_pb2.Id(integer=1), types_pb2.Id()])), "rows[1]"),
        (types_pb2.Ids(mixed=types_pb2.MixedIds(values=[types_pb2.Id(uuid=b"x" * 15)])), "rows[0]"),
    ],
)
def test_ids_of_wrong_length_are_refused(message: types_pb2.Ids, argument: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        ids_from_message(message, "rows")
    assert caught.value.argument == argument


@pytest.mark.parametrize("kind", ["integers", "texts", "uuids", "mixed"])
def test_too_many_ids_are_refused(kind: str) -> None:
    count = limits.IDS_MAXIMUM + 1
    message = types_pb2.Ids()
    match kind:
        case "integers":
            message.integers = bytes(8 * count)
        case "texts":
            message.texts.values.extend([""] * count)
        case "uuids":
            message.uuids = bytes(16 * count)
        case "mixed":
            message.mixed.values.extend([types_pb2.Id()] * count)
    with pytest.raises(LimitExceeded) as caught:
        ids_from_message(message, limit="IDS_MAXIMUM")
    assert (caught.value.limit, caught.value.maximum, caught.value.received) == ("IDS_MAXIMUM", count - 1, count)
    assert ids_count(message) == count


@given(st.one_of(integers, texts, st.uuids()))
def test_one_id(value: Id) -> None:
    found = id_from_message(id_to_message(value))
    assert (type(found), found) == (type(value), value)
