"""One lap of searching: each query timed around the library's call alone, or one batch."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm, padded
from vecdb.bench.datasets.dataset import Floats
from vecdb.bench.runs.messages import Answered
from vecdb.bench.runs.process_tree import cpu_seconds, descendants, peak_bytes

LEAST_QUERIES: Final = 20  # of a lap, however slow they are
REPEAT_QUERIES: Final = 200  # where there are fewer, they are asked again until so many were timed
REPEAT_SECONDS: Final = 0.25  # and until a lap took so long: shorter ones say more of the clock than of the library
WARM_QUERIES: Final = 200  # before a lap, not timed: other processes have had the caches meanwhile
WARM_SHARE: Final = 0.1  # of the lap's seconds, at most


def search_lap(
    algorithm: Algorithm, test: Floats, count: int, *, batch: bool, seconds: float, repeat_seconds: float
) -> Answered:
    """Asks test (nq, d) in its order until all were asked or `seconds` are over, LEAST_QUERIES at least.

    Fewer than REPEAT_QUERIES are asked again as long as another pass fits `repeat_seconds`, until the times mean
    something; `times` has all passes, `neighbors` the first.
    """
    lap = _batch_lap if batch else _single_lap
    return lap(algorithm, test, count, seconds, repeat_seconds)


def _enough(asked: int, queries: int, taken: float, repeat_seconds: float) -> bool:
    """Whether `asked` calls to so many queries, which took so long, are enough, or another pass would take too long."""
    if queries >= REPEAT_QUERIES or (asked >= REPEAT_QUERIES and taken >= REPEAT_SECONDS):
        return True
    return taken * (1 + queries / asked) > repeat_seconds


def _single_lap(algorithm: Algorithm, test: Floats, count: int, seconds: float, repeat_seconds: float) -> Answered:
    query, clock = algorithm.query, time.perf_counter
    over = clock() + WARM_SHARE * seconds
    for row in test[-WARM_QUERIES:]:
        query(row, count)
        if clock() > over:
            break
    times, found = [], []
    with _no_collection():
        below = descendants(os.getpid())
        cpu_before = cpu_seconds(below)
        begun = clock()
        over = begun + seconds
        for row in test:
            started = clock()
            ids = query(row, count)
            ended = clock()
            times.append(ended - started)
            found.append(ids)
            if ended > over and len(times) >= LEAST_QUERIES:
                break
        asked = test[: len(times)]
        while not _enough(len(times), len(asked), clock() - begun, repeat_seconds):
            for row in asked:
                started = clock()
                query(row, count)
                ended = clock()
                times.append(ended - started)
        cpu = cpu_seconds(below) - cpu_before
    return Answered(
        seconds=sum(times),
        cpu_seconds=cpu,
        times=np.array(times),
        neighbors=padded(found, count),
        memory_peak_bytes=peak_bytes(),
    )


def _batch_lap(algorithm: Algorithm, test: Floats, count: int, seconds: float, repeat_seconds: float) -> Answered:
    clock = time.perf_counter
    started = clock()
    warm = test[-WARM_QUERIES:]
    algorithm.batch_query(warm, count)
    rate = len(warm) / max(clock() - started, 1e-9)
    test = test[: max(LEAST_QUERIES, int(rate * seconds))]
    with _no_collection():
        below = descendants(os.getpid())
        cpu_before = cpu_seconds(below)
        started = clock()
        found = algorithm.batch_query(test, count)
        taken = [clock() - started]
        while not _enough(len(taken) * len(test), len(test), sum(taken), repeat_seconds):
            started = clock()
            algorithm.batch_query(test, count)
            taken.append(clock() - started)
        cpu = cpu_seconds(below) - cpu_before
    return Answered(
        seconds=sum(taken),
        cpu_seconds=cpu,
        times=np.repeat(taken, len(test)) / len(test),
        neighbors=np.asarray(found),
        memory_peak_bytes=peak_bytes(),
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's cyclic garbage collector: its pauses are the runner's, which keeps every answer."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
