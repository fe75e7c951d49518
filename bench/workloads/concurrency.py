"""Concurrency: the same queries from one client thread, and from more and more of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Concurrent
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.workloads.asking import ask_together, warm
from vecdb.bench.workloads.recall import farthest_of_all, recalls
from vecdb.bench.workloads.workload import Measurement, Workload


class Concurrency(Workload):
    """Queries a second and their times with several client threads in the process of the library."""

    name = "concurrency"
    summary = "queries a second and p99 with 1, 2, 4, 8 client threads"
    needs = (Concurrent,)
    defaults: ClassVar = {"clients": "1,2,4,8", "seconds": "2"}  # seconds: of each number of clients

    def prepare(self, algorithm: Algorithm, dataset: Dataset) -> None:  # noqa: ARG002
        """Nothing but to see that the options are right."""
        self._clients()
        self._number("seconds", 0)

    def lap(
        self,
        algorithm: Algorithm,
        dataset: Dataset,
        count: int,
        query_arguments: Sequence[Any],
        folder: Path,  # noqa: ARG002
    ) -> list[Measurement]:
        """Every number of clients once; `gain` is queries a second with it, of those with the first."""
        algorithm.set_query_arguments(*query_arguments)
        seconds = self._number("seconds", 0)
        measured: list[Measurement] = []
        first_rate = 0.0
        warm(algorithm, dataset.test, count, seconds=seconds)
        everything = np.arange(len(dataset.train))
        for clients in self._clients():
            answers = ask_together(algorithm, dataset.test, count, clients=clients, seconds=seconds)
            first_rate = first_rate or answers.rate
            label = f"{clients} clients" if clients > 1 else "1 client"
            # Recall of each, not of one: a library may answer worse when it is crowded.
            asked, places = np.unique(answers.asked, return_index=True)
            farthest, found = farthest_of_all(dataset, asked, count), answers.found[places]
            recall = recalls(dataset.metric, dataset.train, dataset.test[asked], found, farthest, everything).mean()
            measured += [
                Measurement(f"{label}: queries", answers.rate, "/s", "more"),
                Measurement(f"{label}: gain", answers.rate / first_rate, "x", "more"),
                Measurement(f"{label}: p50", answers.percentile_ms(50), "ms", "less"),
                Measurement(f"{label}: p99", answers.percentile_ms(99), "ms", "less"),
                Measurement(f"{label}: CPU a query", answers.cpu_ms, "ms", "less"),
                Measurement(f"{label}: recall", float(recall), "", "more"),
            ]
        return measured

    def _clients(self) -> tuple[int, ...]:
        return tuple(int(clients) for clients in self._numbers("clients", 1, 1024))
