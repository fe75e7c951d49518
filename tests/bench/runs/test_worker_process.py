"""A worker, as the session sees it: answers, failures, and its end."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.bench.runs.small_run import dataset_file, definition
from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.runs.messages import Answered, Build, Built, Inspect, Missing, Ready, Search
from vecdb.bench.runs.process_tree import runs
from vecdb.bench.runs.worker_process import WorkerFailed, WorkerProcess


def build(worker: WorkerProcess, folder: Path, what: Definition) -> Build:
    _, path = dataset_file(folder)
    return Build(definition=what, dataset=path, metric="euclidean", threads=1, scratch=worker.scratch)


def search(*query_arguments: object, queries: int = 25) -> Search:
    return Search(
        query_arguments=query_arguments, count=10, batch=False, queries=queries, seconds=1.0, repeat_seconds=0
    )


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_builds_searches_and_leaves_nothing_behind(tmp_path: Path) -> None:
    dataset, _ = dataset_file(tmp_path)
    pids = tmp_path / "pids"
    with WorkerProcess(3) as worker:
        assert worker.ask(Inspect(definition("Exact")), 30) == Ready()
        built = worker.ask(build(worker, tmp_path, definition("WithServer", str(pids))), 30)
        assert isinstance(built, Built)
        assert built.build_seconds > 0
        assert built.index_bytes < built.memory_after_build_bytes <= built.memory_peak_bytes
        assert built.reported_index_bytes == dataset.train.nbytes
        assert built.versions["numpy"] == np.__version__
        answered = worker.ask(search(1), 30)
        assert isinstance(answered, Answered)
        np.testing.assert_array_equal(answered.neighbors, dataset.neighbors[:25, :10])
        assert len(answered.times) == 25
        own, server, scratch = pids.read_text().split()
        assert Path(scratch) == worker.scratch
        assert Path(f"/proc/{own}/environ").read_bytes().count(b"OMP_NUM_THREADS=3\0") == 1
        assert alive(int(own))
        assert alive(int(server))
    assert not alive(int(own))
    assert not alive(int(server))
    assert not Path(scratch).exists()


def states(pids: list[int]) -> set[str]:
    return {Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids}


def test_a_pause_stops_all_its_processes_until_it_is_asked(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with WorkerProcess(1) as worker:
        worker.ask(build(worker, tmp_path, definition("WithServer", str(pids))), 30)
        both = [int(pid) for pid in pids.read_text().split()[:2]]
        worker.pause()
        assert not any(map(runs, both))
        worker.pause()
        assert states(both) == {"T"}
        assert isinstance(worker.ask(search(1), 30), Answered)
        assert "T" not in states(both)
        worker.pause()
    assert not any(alive(pid) for pid in both)
    with WorkerProcess(1) as worker:
        worker.ask(build(worker, tmp_path, definition("WithServer", str(pids))), 30)
        both = [int(pid) for pid in pids.read_text().split()[:2]]
        worker.pause()
        worker.kill()
        assert not any(alive(pid) for pid in both)


def test_an_exception_is_told_and_the_worker_lives(tmp_path: Path) -> None:
    with WorkerProcess(1) as worker:
        worker.ask(build(worker, tmp_path, definition("Raising")), 30)
        with pytest.raises(WorkerFailed, match="ValueError: no such argument") as caught:
            worker.ask(search("raise"), 30)
        assert caught.value.lives
        assert "small_algorithms.py" in caught.value.detail
        assert isinstance(worker.ask(search("well"), 30), Answered)
        absent = worker.ask(build(worker, tmp_path, definition("Absent")), 30)
        assert absent == Missing("numpy", "No module named 'absent'")


def test_a_crash_is_told_with_the_last_words(tmp_path: Path) -> None:
    with WorkerProcess(1) as worker, pytest.raises(WorkerFailed, match="its process ended: signal SIGSEGV") as caught:
        worker.ask(build(worker, tmp_path, definition("Crashing")), 30)
    assert not caught.value.lives
    assert "about to crash" in caught.value.detail
    assert not worker.scratch.exists()


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    with WorkerProcess(1) as worker:
        with pytest.raises(WorkerFailed, match=r"no answer within 1\.5 s") as caught:
            worker.ask(build(worker, tmp_path, definition("Hanging")), 1.5)
        assert not caught.value.lives
        with pytest.raises(WorkerFailed, match="its process ended"):
            worker.ask(search(1), 30)
    assert not worker.scratch.exists()


def test_descriptors_are_not_kept() -> None:
    before = len(os.listdir("/proc/self/fd"))
    WorkerProcess(1).close()
    assert len(os.listdir("/proc/self/fd")) == before
