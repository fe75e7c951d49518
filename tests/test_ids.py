"""Ids as bytes: round trips, order, equality and every refusal, for lists and arrays alike."""

import random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb import limits
from vecdb.errors import DuplicateId, InvalidId, InvalidType, LimitExceeded
from vecdb.ids import Id, decode_id, encode_distinct, encode_id, encode_ids, encode_within, first_duplicate

integers = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)
any_ids = st.one_of(integers, texts, st.uuids())


@given(st.lists(any_ids))
def test_every_id_comes_back_with_its_type(ids: list[Id]) -> None:
    encoded = encode_ids(ids)
    assert encoded == [encode_id(value) for value in ids]
    decoded = [decode_id(key) for key in encoded]
    assert decoded == ids
    assert [type(value) for value in decoded] == [type(value) for value in ids]


@given(any_ids, any_ids)
def test_bytes_are_equal_exactly_when_the_ids_are(left: Id, right: Id) -> None:
    assert (encode_id(left) == encode_id(right)) == (left == right)


@given(st.lists(integers))
def test_integer_keys_sort_by_value(ids: list[int]) -> None:
    assert [decode_id(key) for key in sorted(encode_ids(ids))] == sorted(ids)


def test_known_bytes() -> None:
    assert encode_id(5) == b"\x01" + bytes(7) + b"\x05"
    assert encode_id("5") == b"\x025"
    assert encode_id(UUID(int=5)) == b"\x03" + bytes(15) + b"\x05"


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64, ">i8", object])
def test_arrays_of_integers_are_the_same_ids(dtype: Any) -> None:
    seed = 20240501
    numbers = np.random.default_rng(seed).integers(0, 128, 1000)
    expected = [encode_id(int(number)) for number in numbers]
    assert encode_ids(numbers.astype(dtype)) == expected, f"seed {seed}"
    assert encode_ids(list(numbers.astype(dtype))) == expected, f"seed {seed}"
    assert encode_ids(numbers.astype(dtype)[::-1]) == expected[::-1], f"seed {seed}"


def test_arrays_of_text_and_empty_batches() -> None:
    assert encode_ids(np.array(["a", "bc"])) == [encode_id("a"), encode_id("bc")]
    assert encode_ids([]) == encode_ids(()) == encode_ids(np.array([], dtype=np.int64)) == []
    assert encode_ids([2**63 - 1]) == encode_ids(np.array([2**63 - 1], dtype=np.uint64))


BAD_IDS = [
    True,
    np.True_,
    -1,
    2**63,
    10**10_000,
    1.0,
    None,
    b"a",
    (1,),
    "",
    "\ud800",
    "a" * (limits.ID_BYTES + 1),
    "é" * (limits.ID_BYTES // 2 + 1),
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda value: f"{type(value).__name__}")
@pytest.mark.parametrize("others", [[1, 2], ["a", "b"], [1, "b"]])
def test_refusals_name_the_row(bad: Any, others: list[Any]) -> None:
    with pytest.raises(InvalidId) as caught:
        encode_ids([*others, bad, -1])
    assert caught.value.row == 2


@pytest.mark.parametrize(
    "array", [np.array([1, 2, -1, -1]), np.array([1, 2, 2**63], dtype=np.uint64), np.array(["a", "b", ""])]
)
def test_refusals_in_arrays_name_the_row(array: Any) -> None:
    with pytest.raises(InvalidId) as caught:
        encode_ids(array)
    assert caught.value.row == 2


@pytest.mark.parametrize("array", [np.array([1.0]), np.array([True]), np.array(["2024-01-01"], dtype="M8[D]")])
def test_arrays_of_other_types_are_refused(array: Any) -> None:
    with pytest.raises(InvalidId):
        encode_ids(array)


@pytest.mark.parametrize("batch", ["abc", b"abc", 5, None, {1, 2}, iter([1]), np.array(5), np.array([[1]])])
def test_what_is_no_sequence_is_a_type_error(batch: Any) -> None:
    with pytest.raises(InvalidType):
        encode_ids(batch)


def test_the_longest_text_is_accepted() -> None:
    text = "é" * (limits.ID_BYTES // 2)
    assert decode_id(encode_id(text)) == text


@pytest.mark.parametrize("damaged", [b"", b"\x00", b"\x01abc", b"\x02", b"\x02\xff", b"\x03abc", b"\x04a"])
def test_bytes_that_are_no_id_are_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError):
        decode_id(damaged)


def test_first_duplicate_is_the_first_row_that_repeats() -> None:
    assert first_duplicate([]) is None
    assert first_duplicate(encode_ids([1, "1", UUID(int=1)])) is None
    assert first_duplicate(encode_ids([3, 1, 2, 1, 3])) == (1, 3)
    for seed in range(50):
        ids = random.Random(seed).choices(range(100), k=15)
        pairs = [(ids.index(value), row) for row, value in enumerate(ids) if ids.index(value) < row]
        expected = pairs[0] if pairs else None
        assert first_duplicate(encode_ids(ids)) == expected, f"seed {seed}"


def test_ids_of_a_call_have_a_bound() -> None:
    assert encode_within([1, 1, "a"]) == encode_ids([1, 1, "a"])
    with pytest.raises(LimitExceeded) as raised:
        encode_within(range(limits.IDS_MAXIMUM + 1), remedy="less")
    facts = raised.value
    assert (facts.limit, facts.maximum, facts.received) == ("IDS_MAXIMUM", limits.IDS_MAXIMUM, limits.IDS_MAXIMUM + 1)
    assert facts.remedy == "less"


def test_ids_of_a_write_are_distinct() -> None:
    assert encode_distinct([1, "1", "a"]) == encode_ids([1, "1", "a"])
    with pytest.raises(DuplicateId) as raised:
        encode_distinct(["a", 5, "b", np.int64(5), "a"])
    assert (raised.value.id, raised.value.first_row, raised.value.second_row) == (5, 1, 3)
