"""Mixed: searches while a thread inserts and deletes rows, beside the same searches when nothing is written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, ClassVar, Final, cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Concurrent, Updatable
from vecdb.bench.datasets.dataset import Dataset, Floats
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.asking import ENDLESS, Answers, ask, warm
from vecdb.bench.workloads.cost import build_cost
from vecdb.bench.workloads.recall import farthest_true, recalls
from vecdb.bench.workloads.workload import Measurement, Workload

RECALL_QUERIES: Final = 1000


class Mixed(Workload):
    """One thread searches, another inserts the last tenth of the rows batch by batch and deletes it again, in turn.

    The first nine tenths are always there: recall is against them, so rows that come and go can only be in the way of
    an answer that is wrong. Writing is paced at `rate` rows a second, so that a library that writes faster does not
    have slower searches for it; 0 lets it write as fast as it can.
    """

    name = "mixed"
    summary = "queries a second, p50 and p99 while rows are inserted and deleted, against idle"
    needs = (Updatable, Concurrent)
    fits = False
    defaults: ClassVar = {"seconds": "5", "batch": "100", "rate": "1000", "moving": "0.1"}

    def prepare(self, algorithm: Algorithm, dataset: Dataset) -> None:
        """Builds the index of the rows that stay."""
        self._seconds, self._batch_rows = self._number("seconds", 0), self._integer("batch", 1)
        self._rate = self._number("rate", 0)
        moving = self._number("moving", 0)
        self._stay = len(dataset.train) - max(1, round(len(dataset.train) * moving))
        if moving >= 1 or self._stay < 1:
            raise Mistake(f"workload {self.name}: moving: expected a part of the rows below 1, received {moving:g}")
        self._farthest: dict[int, Floats] = {}
        self._build = build_cost(lambda: algorithm.fit(dataset.train[: self._stay]))

    def lap(
        self,
        algorithm: Algorithm,
        dataset: Dataset,
        count: int,
        query_arguments: Sequence[Any],
        folder: Path,  # noqa: ARG002
    ) -> list[Measurement]:
        """`seconds` of searches alone, then as long with the writer; afterwards the rows are as before."""
        algorithm.set_query_arguments(*query_arguments)
        warm(algorithm, dataset.test, count, seconds=self._seconds)
        idle = ask(algorithm, dataset.test, count, seconds=self._seconds, at_most=ENDLESS)
        stop = Event()
        writer = Writer(cast(Updatable, algorithm), dataset.train, self._stay, self._batch_rows, self._rate)
        with ThreadPoolExecutor(1) as thread:
            writing = thread.submit(writer.run, stop)
            try:
                busy = ask(algorithm, dataset.test, count, seconds=self._seconds, at_most=ENDLESS)
            finally:
                stop.set()
            written, seconds = writing.result()
        # Whether the writer kept the pace that searches of several libraries are compared at.
        asked = [
            Measurement("rows written, rate asked", self._rate, "rows/s", "more"),
            Measurement("rows written, of the rate asked", written / seconds / (self._rate or np.inf), "x", "more"),
        ]
        return [
            Measurement("idle: queries", idle.rate, "/s", "more"),
            Measurement("idle: p50", idle.percentile_ms(50), "ms", "less"),
            Measurement("idle: p99", idle.percentile_ms(99), "ms", "less"),
            Measurement("idle: CPU a query", idle.cpu_ms, "ms", "less"),
            Measurement("idle: recall", self._recall(idle, dataset, count), "", "more"),
            Measurement("writing: queries", busy.rate, "/s", "more"),
            Measurement("writing: p50", busy.percentile_ms(50), "ms", "less"),
            Measurement("writing: p99", busy.percentile_ms(99), "ms", "less"),
            Measurement("writing: CPU, of searches and writes", busy.cpu_seconds / busy.seconds, "s/s", "less"),
            Measurement("writing: recall", self._recall(busy, dataset, count), "", "more"),
            Measurement("queries kept while writing", busy.rate / idle.rate, "x", "more"),
            Measurement("rows written", written / seconds, "rows/s", "more"),
            *(asked if self._rate else ()),
            *self._build,
        ]

    def _recall(self, answers: Answers, dataset: Dataset, count: int) -> float:
        """Over the last answers; rows that move are right where they are near enough."""
        if count not in self._farthest:
            self._farthest[count] = farthest_true(
                dataset.metric, dataset.train[: self._stay], dataset.test[:RECALL_QUERIES], count
            )
        known = np.flatnonzero(answers.asked < RECALL_QUERIES)[-RECALL_QUERIES:]
        asked, everything = answers.asked[known], np.arange(len(dataset.train))
        farthest = self._farthest[count][asked]
        found = answers.found[known]
        return float(recalls(dataset.metric, dataset.train, dataset.test[asked], found, farthest, everything).mean())


class Writer:
    """Inserts the rows of `train` from number `stay` on in batches, deletes them in the same order, and again."""

    def __init__(self, index: Updatable, train: Floats, stay: int, batch_rows: int, rate: float) -> None:
        self._index = index
        self._train = train
        self._batches = [
            np.arange(first, min(first + batch_rows, len(train)), dtype=np.int64)
            for first in range(stay, len(train), batch_rows)
        ]
        self._rate = rate

    def run(self, stop: Event) -> tuple[int, float]:
        """Writes until `stop` is set: rows inserted and deleted, and seconds; then removes what it has put there."""
        present: list[int] = []
        written = turn = 0
        began = time.perf_counter()
        while not stop.is_set():
            number = turn % len(self._batches)
            ids = self._batches[number]
            if turn // len(self._batches) % 2 == 0:
                present.append(number)
                self._index.insert(ids, self._train[ids])
            else:
                self._index.delete(ids)
                present.remove(number)
            written += len(ids)
            turn += 1
            if self._rate:
                stop.wait(max(0.0, written / self._rate - (time.perf_counter() - began)))
        seconds = time.perf_counter() - began
        for number in present:
            self._index.delete(self._batches[number])
        return written, seconds
