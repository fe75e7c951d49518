"""Ctrl-C and deadlines stop long calls within a second; each in a process of its own, which has signals to itself."""

import subprocess
import sys
from pathlib import Path

import pytest

CALLS = ["one", "many", "insert"]
PROGRAM = """
import signal, time
import numpy as np
from tests.native.stored_rows import all_rows, mask_of, stored
from vecdb.native.index import Graph, RowMask, ThreadPool, search, search_many
from vecdb.native.rows import RowStore

rng = np.random.default_rng(0)
page = rng.standard_normal((4096, 1024), np.float32).view(np.uint8).reshape(-1)
store = RowStore("float32", "l2", 1024, 4096, 12)
for _ in range(512):
    store.add_page(page)
live = mask_of(all_rows(store.row_bound))
queries = rng.standard_normal((600, 1024), np.float32)
timeout_seconds = {timeout_seconds}

def one():
    while True:
        search(None, store, queries[0], live, RowMask(), 10, 10, False, False, timeout_seconds)

def many():
    search_many(None, store, queries, live, RowMask(), 10, 10, False, ThreadPool(2), timeout_seconds)

def insert():
    graph = Graph(store, 16, 200)
    try:
        graph.insert(all_rows(200_000), ThreadPool(2), timeout_seconds)
    finally:
        assert 0 < len(graph) < 200_000
        assert graph.unsound_links() == 0

class Alarm(Exception):
    pass

def raise_alarm(number, frame):
    raise Alarm

started = time.monotonic()
{before}
try:
    {call}()
except BaseException as error:
    print(type(error).__name__, time.monotonic() - started)
"""


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_stops_it(call: str) -> None:
    name, seconds = outcome(call, before=alarm("signal.default_int_handler"))
    assert name == "KeyboardInterrupt"
    assert 0.3 <= seconds < 1.3


@pytest.mark.parametrize("call", CALLS)
def test_what_a_signal_handler_raises_comes_out(call: str) -> None:
    name, seconds = outcome(call, before=alarm("raise_alarm"))
    assert name == "Alarm"
    assert 0.3 <= seconds < 1.3


@pytest.mark.parametrize("call", CALLS)
def test_a_deadline_stops_it(call: str) -> None:
    name, seconds = outcome(call, timeout_seconds=0.05)
    assert name == "TimeoutError"
    assert 0.05 <= seconds < 1.05


def alarm(handler: str) -> str:
    """A statement after which the handler runs in 0.3 s."""
    return f"signal.signal(signal.SIGALRM, {handler}); signal.setitimer(signal.ITIMER_REAL, 0.3)"


def outcome(call: str, before: str = "", timeout_seconds: float = 0) -> tuple[str, float]:
    """The exception that ended a long call, and after how many seconds."""
    program = PROGRAM.format(call=call, before=before, timeout_seconds=timeout_seconds)
    command = [sys.executable, "-c", program]
    root = Path(__file__).parents[2]
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=15, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stderr == "", "nothing is reported beside the exception"
    name, seconds = process.stdout.split()
    return name, float(seconds)
