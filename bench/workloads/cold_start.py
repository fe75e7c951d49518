"""Cold start: a fresh process opens what is on disk and answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, ClassVar, Final, cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Stored
from vecdb.bench.datasets.dataset import Dataset, Floats
from vecdb.bench.disk import disk_bytes
from vecdb.bench.fresh_process import in_fresh_process
from vecdb.bench.workloads.cold_process import Task, cold_answer
from vecdb.bench.workloads.ingest import TimedBatches
from vecdb.bench.workloads.recall import farthest_of_all, recalls
from vecdb.bench.workloads.workload import Maker, Measurement, Workload

QUERIES: Final = 100


class ColdStart(Workload):
    """A process ingests every row and closes; then a new process for each lap opens the folder and asks.

    The files are in the page cache: it is the library's start that is measured, not the disk's.
    """

    name = "cold-start"
    summary = "a fresh process: its start, import, open, first answer, and its memory"
    needs = (Stored,)
    fits = False
    defaults: ClassVar = {"batch": "1000"}
    _place: Path | None = None  # what the first lap stored

    def lap(
        self,
        algorithm: Algorithm,
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
        task = Task(self._maker(), self._place, queries, count, tuple(query_arguments))
        with TemporaryDirectory(prefix="cold-task-", dir=folder) as scratch:
            start = cold_answer(task, imported_packages(algorithm.library), Path(scratch))
        farthest = farthest_of_all(dataset, np.arange(len(queries)), count)
        everything = np.arange(len(dataset.train))
        recall = recalls(dataset.metric, dataset.train, queries, start.found, farthest, everything).mean()
        others = start.others_seconds / max(1, len(queries) - 1)
        return [
            Measurement("process start to the first answer", start.to_first_seconds * 1000, "ms", "less"),
            Measurement("interpreter", start.start_seconds * 1000, "ms", "less"),
            Measurement("import", start.import_seconds * 1000, "ms", "less"),
            Measurement("open", start.open_seconds * 1000, "ms", "less"),
            Measurement("first query", start.first_seconds * 1000, "ms", "less"),
            Measurement("a query after it, mean", others * 1000, "ms", "less"),
            Measurement("recall", float(recall), "", "more"),
            Measurement("memory, with children", start.resident_bytes / 2**20, "MiB", "less"),
            Measurement("disk", disk_bytes(self._place) / 2**20, "MiB", "less"),
        ]


def imported_packages(library: str) -> list[str]:
    """The packages of what pip calls `library` that this process has imported, by name; numpy is not among them."""
    owners = packages_distributions()
    # Some are pip's leftovers and cannot be imported, "dist" or "example": those that nobody imported are left out.
    return sorted(name for name, own in owners.items() if library in own and name in sys.modules and name != "numpy")


def _store(make: Maker, folder: Path, train: Floats, batch_rows: int) -> None:
    algorithm = make()
    try:
        cast(Stored, algorithm).ingest(folder, iter(TimedBatches(train, batch_rows)))
    finally:
        algorithm.close()
