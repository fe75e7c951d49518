"""Runbook: rows inserted, replaced and deleted step by step, and recall after each search step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.datasets.dataset import Dataset, Floats
from vecdb.bench.mistake import Mistake
from vecdb.bench.runs.process_tree import peak_bytes, reset_peak
from vecdb.bench.workloads.asking import Answers, ask, together
from vecdb.bench.workloads.cost import MIB, Stopwatch
from vecdb.bench.workloads.live_rows import Live, Replay
from vecdb.bench.workloads.recall import farthest_true, recalls
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search, read_book, write_book
from vecdb.bench.workloads.runbook_maker import cluster_order, clustered, expiration_time, sliding_window
from vecdb.bench.workloads.workload import Measurement, Workload

FOLDER: Final = Path(__file__).parent / "runbooks"  # those that are shipped
KINDS: Final = ("sliding-window", "expiration-time", "clustered")


class Runbook(Workload):
    """A runbook of KINDS made for the data set's size, or one in big-ann-benchmarks' YAML.

    Recall is against the exact answer among the rows that are there at that step. The ids that an algorithm gets begin
    at 0 with the first insert, which is its fit().
    """

    name = "runbook"
    summary = "recall after each step of inserts, replacements and deletes; rows and queries a second"
    needs = (Updatable,)
    fits = False
    defaults: ClassVar = {
        "runbook": "sliding-window",  # or expiration-time, clustered, the path of a file, the name of a shipped one
        "batches": "20",
        "clusters": "16",
        "order": "",  # "clusters": the numbers of a file are places in the rows sorted by cluster
        "seed": "0",
        "queries": "100",
        "batch": "1000",  # rows an insert or a delete at most; the first insert is one fit()
        "write": "",  # a path to write the runbook to
    }

    def prepare(self, algorithm: Algorithm, dataset: Dataset) -> None:  # noqa: ARG002
        """Makes or reads the runbook, and writes it if it is to be written."""
        self._farthest: dict[int, list[Floats]] = {}
        self._queries = dataset.test[: self._integer("queries", 1)]
        self._vectors, self._book = self._ordered(dataset)
        rows = len(self._vectors)
        if self._book.rows_needed > rows:
            raise Mistake(f"runbook for {self._book.dataset}: it needs {self._book.rows_needed} rows, there are {rows}")
        if self._text("write"):
            write_book(Path(self._text("write")), self._book)

    def lap(
        self,
        algorithm: Algorithm,
        dataset: Dataset,
        count: int,
        query_arguments: Sequence[Any],
        folder: Path,  # noqa: ARG002
    ) -> list[Measurement]:
        """The whole runbook, from an empty index on."""
        if count not in self._farthest:
            self._farthest[count] = [
                farthest_true(dataset.metric, self._vectors[row_of[row_of >= 0]], self._queries, count)
                for step, row_of in Replay(self._book)
                if isinstance(step, Search)
            ]
        farthest = iter(self._farthest[count])
        index = Live(self.unused(algorithm), self._book, self._vectors, self._integer("batch", 1))
        watches = {Insert: Stopwatch(), Delete: Stopwatch(), Replace: Stopwatch()}
        build_seconds = 0.0
        reset_peak()
        rows = {Insert: 0, Delete: 0, Replace: 0}
        steps: list[Measurement] = []
        answers: list[Answers] = []
        try:
            for number, (step, row_of) in enumerate(Replay(self._book), 1):
                if not isinstance(step, Search):
                    with watches[type(step)] as watch:
                        rows[type(step)] += index.change(step)
                    build_seconds = build_seconds or watch.seconds
                    continue
                index.algorithm.set_query_arguments(*query_arguments)
                answers.append(ask(index.algorithm, self._queries, count, seconds=float("inf")))
                found = answers[-1].found
                recall = recalls(dataset.metric, self._vectors, self._queries, found, next(farthest), row_of)
                steps += [
                    Measurement(f"step {number}: recall", float(recall.mean()), "", "more"),
                    Measurement(f"step {number}: queries", answers[-1].rate, "/s", "more"),
                ]
        finally:
            peak = peak_bytes()  # a server below is gone with close()
            index.algorithm.close()
        seconds = sum(watch.seconds for watch in watches.values())
        changing = sum(watch.cpu_seconds for watch in watches.values())
        whole = [
            Measurement(f"rows, {kind.__name__.lower()}", rows[kind] / watches[kind].seconds, "rows/s", "more")
            for kind in rows
            if rows[kind]
        ]
        whole += [
            Measurement("first insert, the build", build_seconds, "s", "less"),
            Measurement("CPU of all changes", changing, "s", "less"),
            Measurement("memory peak", peak / MIB, "MiB", "less"),
        ]
        if not answers:
            return whole
        every = together(answers, sum(each.seconds for each in answers))
        all_seconds = every.seconds + seconds
        found_recalls = [measurement.value for measurement in steps if measurement.name.endswith("recall")]
        return [
            Measurement("recall, mean of the steps", float(np.mean(found_recalls)), "", "more"),
            Measurement("recall, lowest step", min(found_recalls), "", "more"),
            Measurement("queries", every.rate, "/s", "more"),
            Measurement("CPU a query", every.cpu_ms, "ms", "less"),
            Measurement("p99", every.percentile_ms(99), "ms", "less"),
            *whole,
            Measurement("all steps", all_seconds, "s", "less"),
            *steps,
        ]

    def _ordered(self, dataset: Dataset) -> tuple[Floats, Book]:
        """The rows in the order that the runbook counts them in, and the runbook."""
        kind, seed, name = self._text("runbook"), self._integer("seed", 0), dataset.name
        if self._text("order") not in ("", "clusters"):
            raise Mistake(f"workload {self.name}: order: expected clusters, received {self._text('order')!r}")
        vectors, sizes = dataset.train, [len(dataset.train)]
        if kind == "clustered" or self._text("order"):
            order, sizes = cluster_order(dataset.train, dataset.metric, self._integer("clusters", 1), seed)
            vectors = dataset.train[order]
        if kind == "clustered":
            return vectors, clustered(dataset.name, sizes, seed)
        if kind == "sliding-window":
            return vectors, sliding_window(name, len(vectors), self._integer("batches", 2))
        if kind == "expiration-time":
            return vectors, expiration_time(name, len(vectors), self._integer("batches", 2), seed)
        path = Path(kind) if Path(kind).exists() else FOLDER / kind
        if not path.is_file():
            shipped = ", ".join(sorted(file.name for file in FOLDER.glob("*.yaml")))
            raise Mistake(f"expected a runbook among {', '.join(KINDS)}, {shipped}, or a path, received {kind!r}")
        return vectors, read_book(path, dataset.name)
