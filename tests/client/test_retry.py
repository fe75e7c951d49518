"""Retries: which, how many, how long after, and never more than a share of the calls."""

from __future__ import annotations

import random
from typing import Any

import pytest

from vecdb.client.retry import (
    ASKED_MAXIMUM_SECONDS,
    BURST,
    PAUSE_MAXIMUM_SECONDS,
    PAUSE_SECONDS,
    SHARE,
    RetryBudget,
    RetryPolicy,
)
from vecdb.errors import Error, Overloaded, ServerFailed, Timeout, Unauthenticated, Unavailable

GONE = Unavailable(target="t", reason="r")
FULL = Overloaded(what="lane", retry_after_seconds=0.001)
VAGUE = Overloaded(what="something between")  # a status that no server of ours made


class Most(random.Random):
    """Draws the longest pause."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b


@pytest.mark.parametrize(
    ("error", "safe", "again"),
    [
        (GONE, True, True),
        (GONE, False, False),
        (FULL, True, True),
        (FULL, False, True),
        (VAGUE, True, True),
        (VAGUE, False, False),
        (Timeout(seconds=1.0), True, False),
        (ServerFailed(reason="r"), True, False),
        (Unauthenticated(reason="r"), True, False),
    ],
)
def test_only_what_is_safe_is_tried_again(error: Error, safe: bool, again: bool) -> None:
    assert (RetryPolicy(3).pause_seconds(error, 1, safe, None) is not None) == again


def test_pauses_double_up_to_a_bound() -> None:
    policy = RetryPolicy(10, source=Most())
    pauses = [policy.pause_seconds(GONE, tries, True, None) for tries in range(1, 9)]
    assert pauses == [min(PAUSE_SECONDS * 2**n, PAUSE_MAXIMUM_SECONDS) for n in range(8)]


def test_pauses_are_drawn_from_all_of_the_range() -> None:
    seed = 4
    drawn: list[Any] = []
    for _ in range(50):
        drawn += [RetryPolicy(1, source=random.Random(seed + len(drawn))).pause_seconds(GONE, 1, True, None)]
    assert min(drawn) < PAUSE_SECONDS / 5, seed
    assert max(drawn) > PAUSE_SECONDS * 4 / 5, seed
    assert max(drawn) <= PAUSE_SECONDS, seed


def test_the_server_says_how_long_at_least() -> None:
    policy = RetryPolicy(3, source=Most())
    assert policy.pause_seconds(Overloaded(what="l", retry_after_seconds=0.7), 1, True, None) == 0.7 + PAUSE_SECONDS


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_tries_are_counted(retries: int) -> None:
    policy = RetryPolicy(retries)
    assert [policy.pause_seconds(GONE, tries, True, None) is not None for tries in range(1, 6)] == [
        tries <= retries for tries in range(1, 6)
    ]


def test_no_pause_is_longer_than_the_time_left() -> None:
    policy = RetryPolicy(3, source=Most())
    assert policy.pause_seconds(GONE, 1, True, PAUSE_SECONDS * 0.9) is None
    assert policy.pause_seconds(GONE, 1, True, PAUSE_SECONDS * 1.1) == PAUSE_SECONDS


def test_a_server_that_is_down_is_not_asked_much_more_often() -> None:
    """Of 1,000 calls that all fail at most a burst and a tenth are tried again."""
    policy = RetryPolicy(3)
    again = 0
    for _ in range(1000):
        policy.budget.earn()
        tries = 1
        while policy.pause_seconds(GONE, tries, True, None) is not None:
            tries += 1
            again += 1
    assert BURST <= again <= BURST + 1000 * SHARE + 1


def test_the_budget_fills_up_to_the_burst() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == BURST


@pytest.mark.parametrize("asked", [-5.0, 0.0, float("nan"), float("inf"), 1e18])
def test_whatever_the_server_asks_for_the_pause_is_one_that_can_be_made(asked: float) -> None:
    pause = RetryPolicy(3).pause_seconds(Overloaded(what="l", retry_after_seconds=asked), 1, True, None)
    assert pause is not None
    assert 0 <= pause <= ASKED_MAXIMUM_SECONDS + PAUSE_SECONDS
