"""Five times as many calls as the server can carry out: who is served, who is refused, and what it costs."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Final

import numpy as np

import vecdb
from vecdb.bench.fresh_process import in_fresh_process
from vecdb.bench.promises.dataset import Floats
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.flood import Flood, flood
from vecdb.bench.promises.listener import Listener
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.served_database import ServedDatabase, served_database
from vecdb.bench.promises.setting import K, Setting

OVERLOAD: Final = 5
QUEUE: Final = 64  # the server's default, given to it all the same
CALL_SECONDS: Final = 0.05  # a call is made of as many queries as this takes, so that clients cost little beside it
QUERIES_MAXIMUM: Final = 256
LEAD_SECONDS: Final = 3.0  # for the flood's process to be there
SAMPLE_SECONDS: Final = 0.05
CALM_CALLS: Final = 5
RECOVERY_LIMIT_SECONDS: Final = 30.0


def remote_overload(setting: Setting) -> list[Result]:
    """Exact searches at OVERLOAD times the rate at which setting.clients clients get them answered."""
    short = setting.overload_seconds / 6
    with served_database(setting, "--queue", str(QUEUE)) as served, served.remote(retries=0) as db:
        docs = db[COLLECTION]
        queries = heavy_queries(docs, setting)
        call = partial(exact_search, docs, queries)
        alone = times_for(call, short)
        capacity = rate_together(call, setting.clients, short)
        before = served.server.resident_bytes()
        with peak_memory(served.server) as peak:
            found, recovery = flood_and_recover(
                served, setting, queries, OVERLOAD * capacity, 2 * quantile(alone, 0.99)
            )
            after = served.server.resident_bytes()
    return [
        *latency_lines(alone, capacity, found),
        Result(
            measure="overload: calls that failed otherwise",
            ours=Reading((float(len(found.failed)),), "calls"),
            target=Target(0, is_floor=False),
        ),
        Result(
            measure="overload: server memory at its peak (RSS)",
            ours=mebibytes(max(peak)),
            peer=mebibytes(before),
            peer_name="before",
            target=Target(1.5, is_floor=False, is_ratio=True),
        ),
        Result(measure="overload: server memory afterwards (RSS)", ours=mebibytes(after)),
        Result(
            measure="overload: from its end to calls as fast as before",
            ours=Reading((recovery,), "s"),
            target=Target(5, is_floor=False),
        ),
    ]


def flood_and_recover(
    served: ServedDatabase, setting: Setting, queries: Floats, rate: float, calm_seconds: float
) -> tuple[Flood, float]:
    """The flood, and the seconds from its last call until calls are answered within `calm_seconds` again."""
    start, seconds = time.monotonic() + LEAD_SECONDS, setting.overload_seconds
    with ThreadPoolExecutor(1) as beside, served.remote(retries=0) as db:
        call = partial(exact_search, db[COLLECTION], queries)
        address = served.server.address
        under_way = beside.submit(lambda: in_fresh_process(flood, address, queries, rate, start, seconds))
        time.sleep(max(0.0, start + seconds - time.monotonic()))
        recovery = recovery_seconds(call, start + seconds, calm_seconds)
        return under_way.result(), recovery


def latency_lines(alone: list[float], capacity: float, found: Flood) -> list[Result]:
    """What was asked for, and the times of those served and of those refused."""
    queued_seconds = QUEUE / capacity
    limit = 2 * quantile(alone, 0.99) + queued_seconds
    return [
        Result(
            measure=f"overload: calls sent in {found.sent_seconds:.0f} s, against those that clients get answered",
            ours=Reading((found.rate,), "calls/s"),
            peer=Reading((capacity,), "calls/s"),
            peer_name="answered",
            target=Target(0.95 * OVERLOAD, is_floor=True, is_ratio=True),
        ),
        Result(measure="overload: calls sent after their time, p99", ours=milliseconds(found.late, 0.99)),
        Result(
            measure="overload: calls accepted, against the same",
            ours=Reading((len(found.accepted) / found.sent_seconds,), "calls/s"),
            peer=Reading((capacity,), "calls/s"),
            peer_name="answered",
        ),
        Result(measure="overload: accepted, p50", ours=milliseconds(found.accepted, 0.5)),
        Result(
            measure=f"overload: accepted, p99 (a queue of {QUEUE} is {1000 * queued_seconds:.0f} ms)",
            ours=milliseconds(found.accepted, 0.99),
            peer=milliseconds(alone, 0.99),
            peer_name="unloaded",
            target=Target(1000 * limit, is_floor=False),
        ),
        Result(measure="overload: refused, p50", ours=milliseconds(found.refused, 0.5)),
        Result(
            measure="overload: refused, p99",
            ours=milliseconds(found.refused, 0.99),
            target=Target(50, is_floor=False),
        ),
    ]


def heavy_queries(docs: vecdb.Collection, setting: Setting) -> Floats:
    """As many queries as an exact search of about CALL_SECONDS takes, one at least."""
    query = setting.dataset().queries(1)
    seconds = min(times_for(partial(exact_search, docs, query), CALL_SECONDS * CALM_CALLS))
    return setting.dataset().queries(min(QUERIES_MAXIMUM, math.ceil(CALL_SECONDS / seconds)))


def exact_search(docs: vecdb.Collection, queries: Floats) -> None:
    """The call that is repeated."""
    docs.search(queries, k=K, exact=True, select=[])


def times_for(call: Callable[[], None], seconds: float) -> list[float]:
    """Seconds of each call, one after the other, CALM_CALLS at least."""
    found: list[float] = []
    started = before = time.monotonic()
    while before - started < seconds or len(found) < CALM_CALLS:
        call()
        after = time.monotonic()
        found.append(after - before)
        before = after
    return found


def rate_together(call: Callable[[], None], clients: int, seconds: float) -> float:
    """Calls a second of some threads, each one call after the other."""
    with ThreadPoolExecutor(clients) as pool:
        times = list(pool.map(lambda _: times_for(call, seconds), range(clients)))
    return sum(len(each) / sum(each) for each in times)


def recovery_seconds(call: Callable[[], None], ended: float, limit_seconds: float) -> float:
    """From `ended` of time.monotonic() to the first of CALM_CALLS answers in a row within a limit, or infinity."""
    calm: list[float] = []
    while len(calm) < CALM_CALLS:
        before = time.monotonic()
        if before - ended > RECOVERY_LIMIT_SECONDS:
            return math.inf
        try:
            call()
        except vecdb.Overloaded:
            calm.clear()
            time.sleep(SAMPLE_SECONDS)
            continue
        after = time.monotonic()
        calm = [*calm, after] if after - before <= limit_seconds else []
    return calm[0] - ended


@contextmanager
def peak_memory(server: Listener) -> Iterator[list[int]]:
    """The resident bytes of a server, taken again and again meanwhile."""
    samples, done = [server.resident_bytes()], threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            samples.append(server.resident_bytes())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def quantile(times: list[float], share: float) -> float:
    """Seconds that this share of the calls did not exceed; NaN without calls."""
    return float(np.quantile(times, share)) if times else math.nan


def milliseconds(times: list[float], share: float) -> Reading:
    """A quantile of times in seconds; none without calls."""
    return Reading((1000 * quantile(times, share),), "ms") if times else Reading((), "ms")


def mebibytes(count: int) -> Reading:
    """A number of bytes."""
    return Reading((count / 2**20,), "MiB")
