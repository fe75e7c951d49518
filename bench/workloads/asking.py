"""Asking: one query after the other, each timed, by one client or by several at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier, Event
from typing import Final, Protocol

import numpy as np

from vecdb.bench.algorithms.algorithm import padded
from vecdb.bench.datasets.dataset import Floats, Ints
from vecdb.bench.workloads.cost import Stopwatch

QUERIES_MINIMUM: Final = 20  # a lap asks that many even when its time is over
WARM_SHARE: Final = 0.1  # of a lap's seconds, asked before it and not timed


class Asked(Protocol):
    """What answers queries: an Algorithm, or something around one."""

    def query(self, q: Floats, k: int) -> Ints:
        """The ids of at most k rows for a query (d,), nearest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What m queries brought: rows of `queries` that were asked (m,), ids (m, k), seconds of each (m,), and of all.

    `cpu_seconds` is what all threads and processes below used meanwhile, whoever asked them to.
    """

    asked: Ints
    found: Ints
    times: Floats
    seconds: float
    cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Queries a second."""
        return len(self.times) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU time a query, in milliseconds: above the query's own time, the library used several threads."""
        return self.cpu_seconds / len(self.times) * 1000

    def percentile_ms(self, percent: float) -> float:
        """The time that `percent` of the queries did not exceed, in milliseconds."""
        return float(np.percentile(self.times, percent)) * 1000


def ask(
    algorithm: Asked,
    queries: Floats,
    count: int,
    *,
    seconds: float,
    first: int = 0,
    at_most: int | None = None,
    stop: Event | None = None,
) -> Answers:
    """Asks queries (nq, d) from number `first` on, around and around, for `count` neighbours each.

    It ends with the first of: `at_most` queries; `stop` set, or `seconds` over, after QUERIES_MINIMUM queries.
    """
    with Stopwatch() as watch:
        answers = _ask(algorithm, queries, count, seconds, first, at_most, stop)
    return replace(answers, cpu_seconds=watch.cpu_seconds)


def _ask(
    algorithm: Asked,
    queries: Floats,
    count: int,
    seconds: float,
    first: int,
    at_most: int | None,
    stop: Event | None = None,
) -> Answers:
    """The same without the CPU time, which one of several clients cannot tell as its own."""
    found: list[Ints] = []
    times: list[float] = []
    limit = len(queries) if at_most is None else at_most
    query = algorithm.query
    began = now = time.perf_counter()
    while len(times) < limit:
        if len(times) >= QUERIES_MINIMUM and (now - began >= seconds or (stop is not None and stop.is_set())):
            break
        vector = queries[(first + len(times)) % len(queries)]
        before = time.perf_counter()
        ids = query(vector, count)
        now = time.perf_counter()
        times.append(now - before)
        found.append(ids)
    asked = (first + np.arange(len(times))) % len(queries)
    return Answers(asked, padded(found, count), np.asarray(times), now - began)


def warm(algorithm: Asked, queries: Floats, count: int, *, seconds: float) -> None:
    """Asks a little before a lap of `seconds`: other processes have had the caches meanwhile."""
    ask(algorithm, queries, count, seconds=WARM_SHARE * seconds)


def ask_together(algorithm: Asked, queries: Floats, count: int, *, clients: int, seconds: float) -> Answers:
    """`clients` threads that ask for `seconds` each, begun at the same moment, each at another query.

    The seconds of the whole are those from the common start to the end of the last.
    """
    start = Barrier(clients + 1)

    def client(number: int) -> Answers:
        start.wait()
        first = number * len(queries) // clients
        return _ask(algorithm, queries, count, seconds, first, ENDLESS)

    with ThreadPoolExecutor(clients) as threads:
        running = [threads.submit(client, number) for number in range(clients)]
        with Stopwatch() as watch:
            start.wait()
            began = time.perf_counter()
            answers = [future.result() for future in running]
            taken = time.perf_counter() - began
        return replace(together(answers, taken), cpu_seconds=watch.cpu_seconds)


def together(answers: Sequence[Answers], seconds: float) -> Answers:
    """The answers of several clients as those of one whole that took `seconds`."""
    return Answers(
        np.concatenate([each.asked for each in answers]),
        np.concatenate([each.found for each in answers]),
        np.concatenate([each.times for each in answers]),
        seconds,
        sum(each.cpu_seconds for each in answers),
    )


ENDLESS: Final = 2**62
