"""The gate under threads: shutting waits for every call inside, and nothing enters afterwards."""

import threading

import pytest

from vecdb.errors import Closed
from vecdb.storage.call_gate import CallGate


def test_shutting_waits_for_the_calls_inside_and_refuses_the_rest() -> None:
    gate = CallGate("thing")
    entered, leave = threading.Barrier(5), threading.Event()
    running: list[int] = []

    def call(number: int) -> None:
        with gate:
            running.append(number)
            entered.wait()
            leave.wait()
            running.remove(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    entered.wait()
    timer = threading.Timer(0.02, leave.set)
    timer.start()
    assert gate.shut() is True
    assert running == []
    assert gate.shut() is False
    with pytest.raises(Closed, match="thing"):
        gate.__enter__()
    for thread in [*threads, timer]:
        thread.join()


def test_a_thread_that_an_interrupt_left_inside_does_not_stop_the_gate() -> None:
    gate = CallGate("thing")
    gate.__enter__()  # and __exit__ never ran
    with gate:
        pass
    gate.__enter__()
    gate.wait_until_empty()
    gate.__enter__()
    assert gate.shut() is True


def test_waiting_until_empty_waits_for_those_inside() -> None:
    gate = CallGate("thing")
    inside, left = threading.Event(), threading.Event()

    def call() -> None:
        with gate:
            inside.set()
            threading.Event().wait(0.05)
            left.set()

    thread = threading.Thread(target=call)
    thread.start()
    inside.wait()
    gate.wait_until_empty()
    assert left.is_set()
    assert not gate.is_shut
    thread.join()
