from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from vecdb.bench.algorithms.update_lock import FairLock, UpdateLock


def test_searches_wait_for_an_update_once_there_was_one() -> None:
    updates = UpdateLock()
    assert updates.lock is None
    searched = Event()

    def search() -> None:
        assert updates.lock is not None
        with updates.lock:
            searched.set()

    with ThreadPoolExecutor(1) as threads:
        with updates.updating():
            searching = threads.submit(search)
            assert not searched.wait(0.05)
        searching.result(timeout=10)
    assert searched.is_set()
    lock = updates.lock
    with updates.updating():
        pass
    assert updates.lock is lock


def test_who_searches_without_a_pause_lets_a_writer_in_between() -> None:
    updates = UpdateLock()
    with updates.updating():
        pass
    lock = updates.lock
    assert lock is not None
    written = 0

    def write() -> None:
        nonlocal written
        with updates.updating():
            written += 1

    with ThreadPoolExecutor(1) as threads:
        for number in range(20):
            with lock:  # a search, and the next one at once
                writing = threads.submit(write)
                time.sleep(0.005)  # the writer has asked
            with lock:
                assert written == number + 1
            writing.result(timeout=10)


def test_writers_without_a_pause_let_searches_in_between() -> None:
    updates, searched = UpdateLock(), 0

    def search() -> None:
        nonlocal searched
        assert updates.lock is not None
        with updates.lock:
            searched += 1

    with ThreadPoolExecutor(1) as threads:
        for number in range(20):
            with updates.updating():
                searching = threads.submit(search)
                time.sleep(0.005)
            with updates.updating():
                assert searched == number + 1
            searching.result(timeout=10)


def test_turns_are_in_the_order_of_asking() -> None:
    lock, order = FairLock(), []

    def take(number: int) -> None:
        with lock:
            order.append(number)

    with ThreadPoolExecutor(5) as threads:
        with lock:
            taking = []
            for number in range(5):
                taking.append(threads.submit(take, number))
                time.sleep(0.02)
            assert order == []
        for each in taking:
            each.result(timeout=10)
    assert order == [0, 1, 2, 3, 4]
    with lock:  # it is free again
        pass


def test_what_fails_inside_gives_the_lock_back() -> None:
    updates = UpdateLock()
    with pytest.raises(ValueError, match="it"), updates.updating():
        raise ValueError("it")
    with updates.updating():
        pass
