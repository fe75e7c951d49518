"""Packing, against what it promises: order, bounds, no query that waits for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecdb.client.packing import MESSAGE_QUERIES, Packing


def query(number: int) -> Any:
    return np.full(2, number, np.float32)


def test_a_lone_query_goes_at_once() -> None:
    packing = Packing(64, 8, 1000)
    for number in range(3):
        packing.add(query(number))
        assert len(packing.take() or []) == 1
        packing.answered()


def test_those_that_wait_go_together() -> None:
    packing = Packing(8, 8, 1000)
    packing.add(query(0))
    packing.take()
    for number in range(1, 4):
        packing.add(query(number))
        assert packing.take() is None  # the server is busy, and half of 8 have not come together
    packing.add(query(4))
    assert len(packing.take() or []) == 4
    packing.add(query(5))
    packing.answered()
    assert packing.take() is None
    packing.answered()
    assert len(packing.take() or []) == 1


def test_the_last_do_not_wait() -> None:
    packing = Packing(8, 8, 1000)
    packing.add(query(0))
    packing.take()
    packing.add(query(1))
    packing.ended = True
    assert not packing.is_done
    assert len(packing.take() or []) == 1
    assert packing.is_done


@given(
    st.integers(1, 300),
    st.integers(1, 100),
    st.lists(st.sampled_from(["add", "take", "answered"]), max_size=400),
)
def test_no_order_of_events_loses_or_swaps_one(in_flight: int, message_rows: int, events: list[str]) -> None:
    packing = Packing(in_flight, 8, message_rows * 8)
    added = 0
    sent: list[int] = []
    under_way: list[list[int]] = []
    for event in events:
        if event == "add" and packing.has_room:
            packing.add(query(added))
            added += 1
        elif event == "take":
            some = packing.take()
            waiting = added - len(sent)
            if some is None:
                assert waiting == 0 or under_way
            else:
                assert 0 < len(some) <= min(MESSAGE_QUERIES, message_rows, max(1, in_flight // 2))
                sent += [int(each[0]) for each in some]
                under_way.append([int(each[0]) for each in some])
        elif event == "answered" and under_way:
            assert [int(each[0]) for each in packing.answered()] == under_way.pop(0)
        assert [[int(each[0]) for each in some] for some in packing.unanswered] == under_way
        assert added - len(sent) + sum(map(len, under_way)) <= in_flight
    assert sent == list(range(len(sent)))
