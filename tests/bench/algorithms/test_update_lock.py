from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from vecdb.bench.algorithms.update_lock import UpdateLock


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
