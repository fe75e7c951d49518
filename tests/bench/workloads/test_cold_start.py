"""Cold start: the answers come from another process, from what is on disk."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.workloads.cold_process import Task, cold_answer
from vecdb.bench.workloads.cold_start import ColdStart, imported_packages


class Witness(ExactIndex):
    """Leaves a file for each process that fills or opens a folder."""

    def __init__(self, notes: str) -> None:
        super().__init__()
        self._notes = Path(notes)

    def set_query_arguments(self, *arguments: object) -> None:
        (self._notes / f"asked-{os.getpid()}-{arguments[0]}").touch()

    def close(self) -> None:
        (self._notes / f"closed-{os.getpid()}").touch()


def test_processes_of_their_own_answer(tmp_path: Path) -> None:
    notes, folder = tmp_path / "notes", tmp_path / "folder"
    notes.mkdir()
    folder.mkdir()
    dataset, make = made_dataset(120), partial(Witness, str(notes))
    cold = ColdStart({"batch": "50"}, make)
    given = make()
    cold.prepare(given, dataset)
    laps = [cold.lap(given, dataset, 25, (9,), folder) for _ in range(2)]  # 25: more than the file's truth has
    assert given.rows == {}
    asked = {path.name.split("-")[1] for path in notes.glob("asked-*-9")}
    closed = {path.name.split("-")[1] for path in notes.glob("closed-*")}
    assert len(asked) == 2
    assert len(closed) == 3, "one that stored, two that opened"
    assert asked < closed
    assert str(os.getpid()) not in closed
    for lap in laps:
        values = {measurement.name: measurement.value for measurement in lap}
        assert values["recall"] == 1.0
        parts = [values[name] for name in ("interpreter", "import", "open", "first query")]
        assert min(parts) > 0
        assert values["process start to the first answer"] == pytest.approx(sum(parts))
        assert values["memory, with children"] > 1
        assert values["disk"] * 2**20 >= dataset.train.nbytes


class Slow(ExactIndex):
    """Takes 50 ms to be made, 100 to open, 200 for each query, and starts a child of some memory."""

    def __init__(self) -> None:
        super().__init__()
        time.sleep(0.05)

    def reopen(self, folder: Path) -> None:
        time.sleep(0.1)
        program = "held = bytearray(b'x') * (100 << 20); print(flush=True); input()"
        self._child = Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE, text=True)
        assert self._child.stdout is not None
        self._child.stdout.readline()
        super().reopen(folder)

    def query(self, q: Floats, k: int) -> Ints:  # noqa: ARG002
        time.sleep(0.2)
        return np.arange(k)

    def close(self) -> None:
        self._child.communicate("\n")


def test_each_part_has_its_own_time_and_children_count(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    began = time.perf_counter()
    answer = cold_answer(Task(Slow, folder, made_dataset(30).test[:3], 4, ()), (), tmp_path)
    whole = time.perf_counter() - began
    assert answer.import_seconds >= 0.05
    assert answer.open_seconds >= 0.1
    assert 0.2 <= answer.first_seconds < 0.4
    assert answer.others_seconds >= 0.4
    assert answer.start_seconds > 0.001, "an interpreter does not start in a millisecond"
    assert answer.to_first_seconds + answer.others_seconds < whole
    assert answer.found.tolist() == [[0, 1, 2, 3]] * 3
    assert answer.resident_bytes > 100 << 20


def test_the_library_is_imported_before_anything_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_library.py").write_text(
        "import sys, time\n"
        "assert not [name for name in sys.modules if name.startswith('vecdb')], 'ours is here already'\n"
        "time.sleep(0.3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    answer = cold_answer(Task(Quick, tmp_path, made_dataset(30).test[:1], 1, ()), ("slow_library",), tmp_path)
    assert answer.import_seconds >= 0.3
    assert answer.open_seconds < 0.2


class Quick(ExactIndex):
    """Opens nothing and finds the first rows."""

    def reopen(self, folder: Path) -> None:
        assert folder.is_dir()

    def query(self, q: Floats, k: int) -> Ints:  # noqa: ARG002
        return np.arange(k)


class Broken(ExactIndex):
    """Does not open."""

    def reopen(self, folder: Path) -> None:  # noqa: ARG002
        raise OSError("no such database")


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such database"):
        cold_answer(Task(Broken, tmp_path, made_dataset(30).test, 1, ()), (), tmp_path)


def test_packages_are_those_of_the_library_that_are_loaded() -> None:
    assert imported_packages("vecdb") == ["vecdb"]
    assert imported_packages("numpy") == imported_packages("nothing-of-that-name") == []
