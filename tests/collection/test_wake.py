"""Sleeping and waking, by the clock."""

import threading
import time

from vecdb.collection.wake import Wake


def test_a_sleep_ends_when_it_is_set_or_over() -> None:
    wake = Wake()
    start = time.monotonic()
    assert wake.wait(0.05) is False
    assert time.monotonic() - start >= 0.05
    threading.Timer(0.02, wake.set).start()
    assert wake.wait(20) is True
    assert time.monotonic() - start < 10


def test_what_was_set_before_ends_one_sleep() -> None:
    wake = Wake()
    wake.set()
    wake.set()
    assert wake.wait(20) is True
    assert wake.wait(0.01) is False
    wake.set()
    wake.clear()
    wake.clear()
    assert wake.wait(0.01) is False
