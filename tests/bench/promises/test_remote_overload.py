"""The rules of the overload measure, on calls made up."""

from __future__ import annotations

import math
import time

import pytest

import vecdb
from vecdb.bench.promises.flood import Flood
from vecdb.bench.promises.remote_overload import CALM_CALLS, OVERLOAD, QUEUE, latency_lines, recovery_seconds, times_for


def test_recovery_is_the_first_of_several_calm_calls() -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls <= 3:
            raise vecdb.Overloaded(what="search calls")
        if calls in (4, 6):
            time.sleep(0.06)

    ended = time.monotonic()
    seconds = recovery_seconds(call, ended, 0.03)
    assert calls == 6 + CALM_CALLS
    assert 3 * 0.05 + 2 * 0.06 <= seconds <= time.monotonic() - ended


def test_no_recovery_in_time_is_infinite() -> None:
    def call() -> None:
        raise AssertionError("nobody calls after the limit")

    assert recovery_seconds(call, time.monotonic() - 1_000, 1.0) == math.inf


def test_a_call_is_timed_some_times_at_least() -> None:
    assert len(times_for(lambda: None, 0.0)) == CALM_CALLS


def test_the_bound_of_the_accepted_is_the_unloaded_and_the_queue() -> None:
    flood = Flood(accepted=[0.5] * 200, refused=[0.001] * 98 + [0.06] * 2, late=[0.0] * 300, sent_seconds=2.0)
    lines = {line.measure: line for line in latency_lines([0.02] * 50, 100.0, flood)}
    sent = lines["overload: calls sent in 2 s, against those that clients get answered"]
    assert (sent.ours.values, sent.ratio) == ((150.0,), 1.5)
    assert sent.target is not None
    assert sent.target.bound == pytest.approx(0.95 * OVERLOAD)
    accepted = lines[f"overload: accepted, p99 (a queue of {QUEUE} is {10 * QUEUE} ms)"]
    assert accepted.target is not None
    assert accepted.target.bound == pytest.approx(40 + 10 * QUEUE)
    assert accepted.ours.median == pytest.approx(500)
    assert lines["overload: refused, p99"].cells()[-1] == "<= 50 ms: missed"
    assert lines["overload: refused, p50"].ours.median == pytest.approx(1)


def test_nobody_accepted_meets_no_target() -> None:
    lines = latency_lines([0.02], 100.0, Flood(refused=[0.001], late=[0.0], sent_seconds=1.0))
    (accepted,) = [line for line in lines if "accepted, p99" in line.measure]
    assert accepted.cells()[1] == "not reached"
    assert accepted.cells()[-1].endswith("missed")
