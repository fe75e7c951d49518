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
