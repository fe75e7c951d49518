"""Cold start: a fresh process opens what is on disk and answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar, Final, cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm, padded
from vecdb.bench.algorithms.capabilities import Stored
from vecdb.bench.datasets.dataset import Dataset, Floats, Ints
from vecdb.bench.disk import disk_bytes
from vecdb.bench.fresh_process import in_fresh_process, resident_bytes
from vecdb.bench.workloads.ingest import TimedBatches
from vecdb.bench.workloads.recall import farthest_of_all, recalls
from vecdb.bench.workloads.workload import Maker, Measurement, Workload

QUERIES: Final = 100


class ColdStart(Workload):
    """A process ingests every row and closes; then a new process for each lap opens the folder and asks.

    The files are in the page cache: it is the library's start that is measured, not the disk's.
    """

    name = "cold-start"
    summary = "a fresh process: from the import to the open, to the first answer, and its memory"
    needs = (Stored,)
    fits = False
    defaults: ClassVar = {"batch": "1000"}
    _place: Path | None = None  # what the first lap stored

    def lap(
        self,
        algorithm: Algorithm,  # noqa: ARG002
        dataset: Dataset,
        count: int,
        query_arguments: Sequence[Any],
        folder: Path,
    ) -> list[Measurement]:
        """One start; in the first lap, and where the folder is gone, the rows are written before."""
        if self._place is None or not self._place.exists():
            self._place = Path(mkdtemp(prefix="cold-start-", dir=folder))
            in_fresh_process(_store, self._maker(), self._place, dataset.train, self._integer("batch", 1))
        queries = dataset.test[:QUERIES]
        start = in_fresh_process(_start, self._maker(), self._place, queries, count, tuple(query_arguments))
        farthest = farthest_of_all(dataset, np.arange(len(queries)), count)
        everything = np.arange(len(dataset.train))
        recall = recalls(dataset.metric, dataset.train, queries, start.found, farthest, everything).mean()
        return [
            Measurement("import", start.import_seconds * 1000, "ms", "less"),
            Measurement("open", start.open_seconds * 1000, "ms", "less"),
            Measurement("open to the first answer", start.answer_seconds * 1000, "ms", "less"),
            Measurement(f"open to {len(queries)} answers", start.answers_seconds * 1000, "ms", "less"),
            Measurement("recall", float(recall), "", "more"),
            Measurement("memory", start.resident_bytes / 2**20, "MiB", "less"),
            Measurement("disk", disk_bytes(self._place) / 2**20, "MiB", "less"),
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """Seconds of making the algorithm, which imports its library, and, from then on, of what came after it."""

    import_seconds: float
    open_seconds: float
    answer_seconds: float
    answers_seconds: float
    found: Ints
    resident_bytes: int  # all of the process


def _store(make: Maker, folder: Path, train: Floats, batch_rows: int) -> None:
    algorithm = make()
    try:
        cast(Stored, algorithm).ingest(folder, iter(TimedBatches(train, batch_rows)))
    finally:
        algorithm.close()


def _start(make: Maker, folder: Path, queries: Floats, count: int, query_arguments: tuple[Any, ...]) -> _Start:
    before = time.perf_counter()
    algorithm = make()
    made = time.perf_counter()
    try:
        cast(Stored, algorithm).reopen(folder)
        opened = time.perf_counter() - made
        algorithm.set_query_arguments(*query_arguments)
        found: list[Ints] = [algorithm.query(queries[0], count)]
        first = time.perf_counter() - made
        found += [algorithm.query(query, count) for query in queries[1:]]
        all_answers = time.perf_counter() - made
        return _Start(made - before, opened, first, all_answers, padded(found, count), resident_bytes())
    finally:
        algorithm.close()
