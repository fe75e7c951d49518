"""Metrics against a plain list of what was recorded; EngineGauges against a counted source."""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from vecdb.errors import Closed
from vecdb.server.engine_gauges import EngineGauges
from vecdb.server.metrics import BOUNDS_SECONDS, OTHER, CallSeries, Metrics
from vecdb.server.status_code import STATUS_CODES, UNKNOWN
from vecdb.types import DatabaseStats

Call = tuple[str, int, float, int, int]


def expected_series(calls: list[Call]) -> dict[tuple[str, int], tuple[list[int], float, int, int]]:
    """By hand, one call after the other."""
    found: dict[tuple[str, int], tuple[list[int], float, int, int]] = {}
    for method, code, seconds, bytes_in, bytes_out in calls:
        buckets, total, received, sent = found.get((method, code), ([0] * (len(BOUNDS_SECONDS) + 1), 0.0, 0, 0))
        place = sum(seconds > bound for bound in BOUNDS_SECONDS)  # a bound is the upper end, and belongs to its bucket
        buckets[place] += 1
        found[method, code] = (buckets, total + seconds, received + bytes_in, sent + bytes_out)
    return found


def by_label(series: list[CallSeries]) -> dict[tuple[str, int], tuple[list[int], float, int, int]]:
    found = {(one.method, one.code): (list(one.buckets), one.seconds, one.bytes_in, one.bytes_out) for one in series}
    assert len(found) == len(series)
    return found


def test_what_was_recorded_is_counted() -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    random_of = random.Random(seed)
    metrics = Metrics(["Search", "Upsert"])
    assert metrics.series() == []
    times = [*BOUNDS_SECONDS, 0.0, 0.003, 1e9]
    calls = [
        (
            random_of.choice(["Search", "Upsert"]),
            random_of.randrange(len(STATUS_CODES)),
            random_of.choice(times),
            random_of.randrange(1_000),
            random_of.randrange(1_000),
        )
        for _ in range(2_000)
    ]
    for call in calls:
        metrics.record(*call)
    assert by_label(metrics.series()) == expected_series(calls), f"seed {seed}"


def test_unknown_methods_and_codes_make_no_labels() -> None:
    metrics = Metrics(["Search"])
    for number in range(1_000):
        metrics.record(f"/evil/{number}", 0, 0.0, 0, 0)
    for code in (-1, 17, 10**9):
        metrics.record("Search", code, 0.0, 0, 0)
    assert {(one.method, one.code, sum(one.buckets)) for one in metrics.series()} == {
        (OTHER, 0, 1_000),
        ("Search", UNKNOWN, 3),
    }


def test_no_call_is_lost_between_threads() -> None:
    metrics = Metrics(["Search"])
    done = threading.Event()
    totals = []

    def work() -> None:
        for number in range(5_000):
            metrics.record("Search", number % 3, 0.001, 1, 2)

    def read() -> None:
        while not done.is_set():
            totals.append(sum(sum(one.buckets) for one in metrics.series()))

    reader = threading.Thread(target=read)
    workers = [threading.Thread(target=work) for _ in range(4)]
    for thread in (reader, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    reader.join()
    series = metrics.series()
    assert sum(sum(one.buckets) for one in series) == 20_000
    assert (sum(one.bytes_in for one in series), sum(one.bytes_out for one in series)) == (20_000, 40_000)
    assert totals == sorted(totals), "counters only grow"


def stats(rows: int) -> DatabaseStats:
    return DatabaseStats(
        path=":memory:",
        collections=1,
        rows=rows,
        sequence=rows,
        checkpoint_sequence=0,
        journal_bytes=7,
        memory_bytes=8,
        disk_bytes=9,
    )


def test_the_database_is_asked_at_most_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("vecdb.server.engine_gauges.time.monotonic", lambda: now[0])
    asked: list[float] = []

    def source() -> DatabaseStats:
        asked.append(now[0])
        return stats(len(asked))

    gauges = EngineGauges(source, every_seconds=5)
    assert [gauges.read() for _ in range(10)] == [stats(1)] * 10
    now[0] += 4.9
    assert gauges.read() == stats(1)
    now[0] += 0.2
    assert [gauges.read() for _ in range(10)] == [stats(2)] * 10
    assert asked == [1_000.0, now[0]]


def test_a_database_that_cannot_tell_leaves_no_old_numbers() -> None:
    answers: list[DatabaseStats | Closed] = [stats(1), Closed(what="database"), stats(3)]

    def source() -> DatabaseStats:
        answer = answers.pop(0)
        if isinstance(answer, Closed):
            raise answer
        return answer

    gauges = EngineGauges(source, every_seconds=0)
    assert [gauges.read() for _ in range(3)] == [stats(1), None, stats(3)]


def test_a_page_does_not_wait_behind_another() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def source() -> DatabaseStats:
        inside.set()
        go_on.wait(10)
        return stats(1)

    gauges = EngineGauges(source)
    first = threading.Thread(target=gauges.read)
    first.start()
    inside.wait(10)
    started = time.monotonic()
    assert gauges.read() is None
    assert time.monotonic() - started < 5
    go_on.set()
    first.join()
    assert gauges.read() == stats(1)
