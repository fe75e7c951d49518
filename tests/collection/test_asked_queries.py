"""The sample of queries: all at first, then a few of many, never fewer than are worth anything."""

from __future__ import annotations

import itertools
import sys
import threading

import numpy as np
import pytest

import vecdb
from vecdb.collection.asked_queries import ENOUGH_QUERIES, SAMPLE_QUERIES, AskedQueries


def query(number: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array([number, 0], np.float32)


def numbers_in(asked: AskedQueries) -> list[int]:
    sample = asked.sample()
    return [] if sample is None else sample[:, 0].astype(int).tolist()


def test_too_few_are_no_sample() -> None:
    asked = AskedQueries()
    for number in range(ENOUGH_QUERIES - 1):
        asked.add(query(number))
    assert asked.sample() is None
    assert not asked.worth_learning()
    asked.add(query(ENOUGH_QUERIES - 1))
    assert numbers_in(asked) == list(range(ENOUGH_QUERIES))
    assert asked.worth_learning()


def test_the_first_are_kept_and_then_one_of_many() -> None:
    one_by_one, batches = AskedQueries(), AskedQueries()
    for number in range(100_000):
        one_by_one.add(query(number))
    for first in range(0, 100_000, 1_000):
        batches.add_many(np.stack([query(number) for number in range(first, first + 1_000)]))
    kept = numbers_in(one_by_one)
    assert kept == numbers_in(batches)
    assert len(kept) == SAMPLE_QUERIES
    steps = set(np.diff(kept).tolist())
    assert len(steps) == 1
    assert kept[-1] > 99_000 > 60_000 < kept[0] + SAMPLE_QUERIES * max(steps)


def test_a_sample_is_a_copy() -> None:
    asked = AskedQueries()
    one = query(0)
    for number in range(ENOUGH_QUERIES):
        one[:] = number
        asked.add(one)
    sample = asked.sample()
    assert sample is not None
    sample[:] = 1
    assert numbers_in(asked) == list(range(ENOUGH_QUERIES))


def test_there_is_a_lesson_each_time_that_twice_as_many_were_kept() -> None:
    asked = AskedQueries()
    lessons: list[int] = []
    kept = 0

    def learn() -> None:
        assert asked.worth_learning()
        lessons.append(kept)
        asked.learnt()
        assert not asked.worth_learning()

    asked.when_enough = learn
    for number in range(200_000):
        kept += number < SAMPLE_QUERIES or (number + 1) % 64 == 0
        asked.add(query(number))
    assert lessons == [200, 400, 800, 1_600, 3_200]


def test_a_lesson_that_comes_late_does_not_cost_the_next_one() -> None:
    asked = AskedQueries()
    calls: list[None] = []
    asked.when_enough = lambda: calls.append(None)
    for number in range(ENOUGH_QUERIES + 190):
        asked.add(query(number))
    asked.learnt()
    for number in range(20):
        asked.add(query(number))
    assert len(calls) == 2


def test_what_a_graph_is_asked_is_kept_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=8)
        docs.upsert(ids=range(1_500), vectors=rng.standard_normal((1_500, 8)), payloads=[{"n": 1}] * 1_500)
        docs.optimize(wait=True)
        asked = docs._state.columns[""].asked
        queries = rng.standard_normal((3, 8)).astype(np.float32)
        docs.search(queries[0], exact=True)
        docs.search(queries, exact=True)
        docs.search(queries[0], where="n == 1")
        docs.recall(sample=5)
        with pytest.raises(vecdb.InvalidVector):
            docs.search(np.full(8, np.nan, np.float32))
        assert asked.asked == 0
        docs.search(queries[0])
        docs.search(queries, ef=20)
        assert asked.asked == 4


def test_a_query_that_comes_again_and_again_counts_once() -> None:
    asked = AskedQueries()
    for _ in range(SAMPLE_QUERIES):
        asked.add(query(-1))
    assert asked.sample() is None
    for number in range(64 * (SAMPLE_QUERIES - 1)):
        asked.add(query(number % (4 * ENOUGH_QUERIES)))
    kept = numbers_in(asked)
    assert len(set(kept)) == len(kept)
    assert kept == [], "one in 64 of 800 is too few"
    asked = AskedQueries()
    for number in range(SAMPLE_QUERIES):
        asked.add(query(number // 2))
    assert numbers_in(asked) == list(range(SAMPLE_QUERIES // 2))


def test_threads_add_while_a_sample_is_taken() -> None:
    asked, stop = AskedQueries(), threading.Event()
    asked.add_many(np.stack([query(number) for number in range(SAMPLE_QUERIES)]))

    def add() -> None:
        while not stop.is_set():
            asked.add(query(next(numbers)))

    numbers = itertools.count(SAMPLE_QUERIES)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=add) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(300):
            sample = asked.sample()
            assert sample is not None
            assert sample.shape == (SAMPLE_QUERIES, 2)
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
