"""Reads with a deadline are those of the collection, and end when it has passed, leaving nothing held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.collection.slow_payloads import decoding_slowly
from vecdb.collection.bounded_reads import count_within, get_within, recall_within, scan_within, verify_within
from vecdb.collection.deadline import Deadline
from vecdb.index.hnsw import HnswIndex
from vecdb.types import Record

ROWS = 1_000
BYTES = 1 << 30
WHERE = vecdb.field("n") < 500


@pytest.fixture
def docs() -> Iterator[vecdb.Collection]:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=4)
        X = np.random.default_rng(5).standard_normal((ROWS, 4), dtype=np.float32)
        docs.upsert(list(range(ROWS)), X, [{"n": row} for row in range(ROWS)])
        yield docs


def scanned(docs: vecdb.Collection, seconds: Callable[[], float], order_by: str | None = None) -> list[Record]:
    found = scan_within(
        docs, WHERE, order_by=order_by, batch=100, with_vectors=False, bytes_maximum=BYTES, seconds=seconds
    )
    return [record for page in found for record in page]


def test_in_time_they_answer_as_the_collection_does(docs: vecdb.Collection) -> None:
    for seconds in (None, 60.0):
        assert get_within(docs, [5, 1], True, BYTES, seconds) == docs.get([5, 1], with_vectors=True) or all(
            np.array_equal(a.vectors[""], b.vectors[""])  # type: ignore[index]
            for a, b in zip(
                get_within(docs, [5, 1], True, BYTES, seconds), docs.get([5, 1], with_vectors=True), strict=True
            )
        )
        assert count_within(docs, None, seconds) == docs.count() == ROWS
        assert count_within(docs, WHERE, seconds) == docs.count(WHERE) == 500
        assert recall_within(docs, 50, 5, None, 20, 3, seconds) == docs.recall(50, 5, ef=20, seed=3)
        assert verify_within(docs, seconds) == docs.verify()
    for order_by in (None, "-n"):
        assert scanned(docs, lambda: 60.0, order_by) == list(docs.scan(WHERE, order_by=order_by))


def test_rows_of_float16_count_as_the_float32_that_is_read() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=64, dtype="float16")
        docs.upsert(range(10), np.ones((10, 64), np.float32))
        read = 10 * 64 * 4
        assert len(get_within(docs, range(10), True, read + 10 * len("{}"), None)) == 10
        with pytest.raises(vecdb.LimitExceeded) as refused:
            get_within(docs, range(10), True, read - 1, None)
        assert refused.value.received == read
        pages = scan_within(
            docs, None, order_by=None, batch=10, with_vectors=True, bytes_maximum=read // 2, seconds=lambda: 60.0
        )
        assert [len(page) for page in pages] == [5, 5]


READS: dict[str, Callable[[vecdb.Collection, float], object]] = {
    "get": lambda docs, seconds: get_within(docs, list(range(ROWS)), False, BYTES, seconds),
    "count": lambda docs, seconds: count_within(docs, WHERE, seconds),
    "scan": lambda docs, seconds: scanned(docs, lambda: seconds),
    "scan in order": lambda docs, seconds: scanned(docs, lambda: seconds, "n"),
    "verify": verify_within,
}


@pytest.mark.parametrize("name", READS)
def test_they_end_at_the_deadline_and_hold_nothing(
    docs: vecdb.Collection, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slow:
        read = decoding_slowly(slow, 0.005)  # of 1,000 rows: five seconds
        with pytest.raises(vecdb.Timeout) as caught:
            READS[name](docs, 0.15)
        assert caught.value.seconds == 0.15
        assert 0 < len(read) <= 31
    docs.upsert([1], np.ones((1, 4), np.float32))
    assert docs.verify().problems == ()


def test_measuring_recall_stops_in_either_search(docs: vecdb.Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[bool, float]] = []
    search_many = HnswIndex.search_many

    def recorded(self: HnswIndex, *arguments: Any, exact: bool, timeout_seconds: float) -> Any:
        given.append((exact, timeout_seconds))
        if timeout_seconds < 5:
            raise TimeoutError  # as native code does
        return search_many(self, *arguments, exact=exact, timeout_seconds=timeout_seconds)

    monkeypatch.setattr(HnswIndex, "search_many", recorded)
    recall_within(docs, 10, 5, None, None, 0, 60.0)
    assert [exact for exact, _ in given] == [True, False]
    assert 50 < given[1][1] < given[0][1] <= 60
    with pytest.raises(vecdb.Timeout) as caught:
        recall_within(docs, 10, 5, None, None, 0, 4.0)
    assert caught.value.seconds == 4.0
    assert len(given) == 3


def test_a_scan_has_the_time_anew_for_each_page(docs: vecdb.Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding_slowly(monkeypatch, 0.0005)
    asked: list[float] = []

    def seconds() -> float:
        asked.append(time.monotonic())
        return 0.9

    started = time.monotonic()
    found = scan_within(docs, None, order_by=None, batch=100, with_vectors=False, bytes_maximum=BYTES, seconds=seconds)
    count = 0
    for page in found:
        count += len(page)
        time.sleep(0.12)  # the caller takes his time
    assert count == ROWS
    assert time.monotonic() - started > 0.9
    assert len(asked) == 12, "before the first, before each of ten, and at the end"


def test_what_waits_for_a_lock_waits_no_longer(docs: vecdb.Collection) -> None:
    lock = docs._session.commits.apply_lock
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(10)
    try:
        with pytest.raises(vecdb.Timeout):
            verify_within(docs, 0.1)
    finally:
        done.set()
        thread.join()
    assert docs._state.index_lock.acquire(timeout=1), "the other lock is let go"
    docs._state.index_lock.release()
    with Deadline(None).holding(lock), Deadline(5).holding(lock):
        pass
    assert verify_within(docs, 5).problems == ()
