"""Cutting rows into messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecdb
from vecdb.client.message_size import cut, halves


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(50, 200))
def test_all_rows_go_in_order_into_messages_as_full_as_can_be(sizes: list[int], message_bytes: int) -> None:
    slices = cut(np.array(sizes, np.int64), message_bytes)
    assert [row for some in slices for row in range(some.start, some.stop)] == list(range(len(sizes)))
    for some in slices:
        assert sum(sizes[some]) <= message_bytes
        if some.stop < len(sizes):
            assert sum(sizes[some.start : some.stop + 1]) > message_bytes


def test_no_rows_are_one_message() -> None:
    assert cut(np.empty(0, np.int64), 10) == [slice(0, 0)]


def test_a_row_that_is_too_large_is_refused() -> None:
    with pytest.raises(vecdb.LimitExceeded) as refused:
        cut(np.array([1, 11, 2]), 10)
    assert (refused.value.limit, refused.value.maximum, refused.value.received) == ("MESSAGE_BYTES", 10, 11)


def test_halves_are_of_rows_whose_answer_is_too_large() -> None:
    large = vecdb.LimitExceeded(limit="MESSAGE_BYTES", maximum=1, received=2)
    assert halves(slice(4, 7), large) == [slice(4, 5), slice(5, 7)]
    for some, error in (
        (slice(4, 5), large),
        (slice(4, 7), vecdb.LimitExceeded(limit="K_MAXIMUM", maximum=1, received=2)),
    ):
        with pytest.raises(vecdb.LimitExceeded) as raised:
            halves(some, error)
        assert raised.value is error
