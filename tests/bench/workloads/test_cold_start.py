"""Cold start: the answers come from another process, from what is on disk."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.workloads.cold_start import ColdStart


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
        assert 0 <= values["open"] <= values["open to the first answer"] <= values["open to 30 answers"]
        assert values["memory"] > 1
        assert values["disk"] * 2**20 >= dataset.train.nbytes
