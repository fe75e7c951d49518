"""Ingest: every row written durably, batch after batch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final, cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Stored
from vecdb.bench.datasets.dataset import Dataset, Floats, Ints
from vecdb.bench.disk import disk_bytes, sync_seconds
from vecdb.bench.runs.process_tree import peak_bytes, reset_peak
from vecdb.bench.workloads.cost import MIB, Stopwatch
from vecdb.bench.workloads.workload import Measurement, Workload

SYNC_PROBES: Final = 10


class Ingest(Workload):
    """Rows a second into an empty folder, each batch acknowledged before the next is given, and what they take.

    `rows` ends when the last batch is durable; an index may still be growing then. `rows, until closed` has the time of
    close() added, when nothing is left to be done.
    """

    name = "ingest"
    summary = "rows a second written durably, batch by batch; bytes on disk"
    needs = (Stored,)
    fits = False
    defaults: ClassVar = {"batch": "1000", "rows": "0"}  # rows: 0 is all of them

    def lap(
        self, algorithm: Algorithm, dataset: Dataset, count: int, query_arguments: Sequence[Any], folder: Path
    ) -> list[Measurement]:
        """One load; the disk's own time for an append and fdatasync of a batch stands beside it."""
        batch_rows = self._integer("batch", 1)
        train = dataset.train[: self._integer("rows", 0) or len(dataset.train)]
        fresh = self.unused(algorithm)
        with TemporaryDirectory(prefix="ingest-", dir=folder, ignore_cleanup_errors=True) as scratch:
            place = Path(scratch) / "database"
            place.mkdir()
            syncs = sync_seconds(Path(scratch), batch_rows * train.shape[1] * 4, SYNC_PROBES)
            batches = TimedBatches(train, batch_rows)
            loading, closing = Stopwatch(), Stopwatch()
            reset_peak()
            try:
                with loading:
                    cast(Stored, fresh).ingest(place, iter(batches))
                fresh.set_query_arguments(*query_arguments)
                before = time.perf_counter()
                fresh.query(dataset.test[0], count)
                first_search = time.perf_counter() - before
            finally:
                with closing:
                    fresh.close()
            size, peak = disk_bytes(place), peak_bytes()
        all_cpu = loading.cpu_seconds + closing.cpu_seconds
        return [
            Measurement("rows", len(train) / loading.seconds, "rows/s", "more"),
            Measurement("rows, until closed", len(train) / (loading.seconds + closing.seconds), "rows/s", "more"),
            Measurement("batch p50", float(np.percentile(batches.times, 50)) * 1000, "ms", "less"),
            Measurement("batch p99", float(np.percentile(batches.times, 99)) * 1000, "ms", "less"),
            Measurement("first search after it", first_search * 1000, "ms", "less"),
            Measurement("CPU, until closed", all_cpu, "s", "less"),
            Measurement("memory peak", peak / MIB, "MiB", "less"),
            Measurement("disk", size / MIB, "MiB", "less"),
            Measurement("disk, of the vectors' bytes", size / train.nbytes, "x", "less"),
            Measurement("this disk, append and fdatasync of a batch", median(syncs) * 1000, "ms", "less"),
        ]


class TimedBatches:
    """The rows of `train` (n, d) as batches (ids, rows); `times` are the seconds from giving one to the next asked."""

    def __init__(self, train: Floats, batch_rows: int) -> None:
        self.times: list[float] = []
        self._train = train
        self._batch_rows = batch_rows

    def __iter__(self) -> Iterator[tuple[Ints, Floats]]:
        """The batches in order, ids 0 .. n-1."""
        rows = len(self._train)
        for first in range(0, rows, self._batch_rows):
            end = min(first + self._batch_rows, rows)
            given = time.perf_counter()
            yield np.arange(first, end, dtype=np.int64), self._train[first:end]
            self.times.append(time.perf_counter() - given)
