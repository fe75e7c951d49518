"""The worker: the process that one algorithm lives in, and does what a session asks over a connection.

python -m vecdb.bench.runs.worker CONNECTION, a file descriptor. It ends when the other side closes it.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.definition import Absent, available, instantiate
from vecdb.bench.datasets.dataset import Dataset, Floats
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.runs.messages import (
    Answered,
    Build,
    Built,
    Close,
    Command,
    Failed,
    Inspect,
    Measured,
    Missing,
    Ready,
    Reply,
    Search,
    Unsuited,
    Work,
)
from vecdb.bench.runs.process_tree import (
    cpu_seconds,
    descendants,
    give_back_memory,
    peak_bytes,
    reset_peak,
    resident_bytes,
)
from vecdb.bench.runs.search_lap import search_lap
from vecdb.bench.runs.versions import library_versions

if TYPE_CHECKING:
    from vecdb.bench.workloads.workload import Workload


class Worker:
    """One algorithm, from the first command on; every command has one reply."""

    def __init__(self) -> None:
        self._algorithm: Algorithm | None = None
        self._test: Floats | None = None
        self._workload: Workload | None = None
        self._dataset: Dataset | None = None
        self._scratch: Path | None = None

    def answer(self, command: Command) -> Reply:
        """Does what is asked; any exception is Failed."""
        try:
            match command:
                case Inspect():
                    why = available(command.definition)
                    return Ready() if why is None else Missing(command.definition.name, why)
                case Build():
                    return self._build(command)
                case Search():
                    return self._search(command)
                case Work():
                    return self._work(command)
                case Close():
                    if self._algorithm is not None:
                        self._algorithm.close()
                    return Ready()
        except Absent as absent:
            return Missing(absent.library, absent.why)
        except Exception as error:
            return Failed(f"{type(error).__name__}: {error}", traceback.format_exc())

    def _build(self, command: Build) -> Reply:
        algorithm = self._algorithm = instantiate(command.definition, command.metric, command.threads)
        if command.workload is not None:
            from vecdb.bench.workloads.catalogue import get_workload  # only here: searches do without

            make = partial(instantiate, command.definition, command.metric, command.threads)
            self._workload = get_workload(command.workload, command.options, make)
            if not self._workload.suits(algorithm):
                return Unsuited(tuple(need.__name__ for need in self._workload.needs))
            self._dataset = read_dataset(command.dataset)
            self._scratch = command.scratch
        self._test = read_dataset(command.dataset).test
        fits = self._workload is None or self._workload.fits
        built = measured_build(algorithm, command.dataset, fits=fits)
        if self._workload is not None and self._dataset is not None:
            self._workload.prepare(algorithm, self._dataset)
        return built

    def _search(self, command: Search) -> Answered:
        assert self._algorithm is not None, "a session builds first"
        assert self._test is not None, "the build has read the queries"
        self._algorithm.set_query_arguments(*command.query_arguments)
        test = self._test[: command.queries]
        return search_lap(
            self._algorithm,
            test,
            command.count,
            batch=command.batch,
            seconds=command.seconds,
            repeat_seconds=command.repeat_seconds,
        )

    def _work(self, command: Work) -> Measured:
        assert self._algorithm is not None, "a session builds first"
        assert self._workload is not None, "the build was for a workload"
        assert self._dataset is not None, "the build has read it"
        folder = Path(mkdtemp(dir=self._scratch))
        measurements = self._workload.lap(
            self._algorithm, self._dataset, command.count, command.query_arguments, folder
        )
        return Measured(tuple(measurements))


def measured_build(algorithm: Algorithm, dataset: Path, *, fits: bool) -> Built:
    """Calls fit() with the rows in a file, unless the workload does; what it took.

    The index's memory is what is resident when the rows' array is let go, less what was before it was read: a
    library that keeps the array has it counted, one that copies is not charged twice.
    """
    give_back_memory()
    before = resident_bytes()
    reset_peak()
    taken = cpu = 0.0
    if fits:
        rows = read_dataset(dataset).train
        cpu_before, started = cpu_seconds(descendants(os.getpid())), time.perf_counter()
        algorithm.fit(rows)
        taken = time.perf_counter() - started
        cpu = cpu_seconds(descendants(os.getpid())) - cpu_before
        del rows
    give_back_memory()
    after = resident_bytes()
    return Built(
        build_seconds=taken,
        build_cpu_seconds=cpu,
        index_bytes=max(0, after - before),
        reported_index_bytes=algorithm.index_bytes() if fits else None,
        memory_after_build_bytes=after,
        memory_peak_bytes=peak_bytes(),
        versions=library_versions(algorithm.library),
    )


def main(arguments: list[str]) -> int:
    """Answers commands until Close, or until nobody asks any more."""
    connection: Connection[Reply, Command] = Connection(int(arguments[0]))
    worker = Worker()
    while True:
        try:
            command = connection.recv()
        except EOFError:
            return 0
        connection.send(worker.answer(command))
        if isinstance(command, Close):
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
