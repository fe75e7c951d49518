"""Runbooks carried out: the index is told the right changes, and recall is against what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.runbook import Runbook
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search, read_book, write_book

DATASET = made_dataset(200)
# The first insert begins at 50, so number 50 is id 0; number 0 is what comes after the last.
BOOK = Book(
    "made-200",
    70,
    (
        Insert(50, 100),
        Search(),
        Delete(60, 80),
        Insert(0, 40),
        Search(),
        Replace(50, 55, 150, 155),
        Insert(60, 62),
        Search(),
    ),
)


def lap_of(index: ExactIndex, **options: str) -> dict[str, float]:
    workload = Runbook(options)
    workload.prepare(index, DATASET)
    lap = workload.lap(index, DATASET, 10, (3,), Path())
    assert len({measurement.name for measurement in lap}) == len(lap)
    return {measurement.name: measurement.value for measurement in lap}


@pytest.mark.parametrize(
    "options",
    [
        {"runbook": "sliding-window", "batches": "5"},
        {"runbook": "expiration-time", "batches": "8", "seed": "2"},
        {"runbook": "clustered", "clusters": "4"},
    ],
    ids=lambda options: str(options["runbook"]),
)
def test_an_exact_index_is_right_at_every_step_and_a_forgetful_one_is_not(options: dict[str, str]) -> None:
    exact = lap_of(ExactIndex(), **options)
    recalls = [value for name, value in exact.items() if name.endswith("recall")]
    assert len(recalls) >= 5
    assert set(recalls) == {1.0}
    assert exact["rows, insert"] > 0
    assert exact["rows, delete"] > 0
    assert ("rows, replace" in exact) == (options["runbook"] == "clustered")
    assert exact["first insert, the build"] > 0
    assert exact["CPU of all changes"] > 0
    assert exact["CPU a query"] > 0
    assert exact["memory peak"] > 1
    forgetful = lap_of(ExactIndex(forgets=1), **options)
    assert forgetful["recall, lowest step"] <= forgetful["recall, mean of the steps"] < 0.95


def test_an_index_that_keeps_what_is_deleted_is_seen() -> None:
    class Hoarder(ExactIndex):
        def delete(self, ids: np.ndarray[Any, Any]) -> None:
            pass

    lap = lap_of(Hoarder(), runbook="sliding-window", batches="4")
    assert lap["step 2: recall"] == 1.0
    assert lap["recall, lowest step"] < 0.9


def test_every_lap_begins_with_an_empty_index(tmp_path: Path) -> None:
    made: list[ExactIndex] = []

    def make() -> ExactIndex:
        made.append(ExactIndex())
        return made[-1]

    path = tmp_path / "book.yaml"
    write_book(path, BOOK)
    given = ExactIndex()
    workload = Runbook({"runbook": str(path)}, make)
    workload.prepare(given, DATASET)
    for _ in range(3):
        lap = {each.name: each.value for each in workload.lap(given, DATASET, 10, (3,), tmp_path)}
        assert lap["recall, mean of the steps"] == 1.0
        assert "step 8: recall" in lap
    assert len(made) == 2
    assert all(index.closed and index.fits == 1 and index.query_arguments == (3,) for index in (given, *made))


def test_a_made_runbook_is_written(tmp_path: Path) -> None:
    path = tmp_path / "written.yaml"
    options = {"runbook": "expiration-time", "batches": "6", "seed": "4"}
    first = lap_of(ExactIndex(), write=str(path), **options)
    assert read_book(path, DATASET.name).dataset == DATASET.name
    again = lap_of(ExactIndex(), runbook=str(path))
    assert [name for name in first if "step" in name] == [name for name in again if "step" in name]


def test_a_clustered_file_counts_in_the_order_of_clusters(tmp_path: Path) -> None:
    path = tmp_path / "clustered.yaml"
    made = Runbook({"runbook": "clustered", "clusters": "4", "write": str(path)})
    made.prepare(ExactIndex(), DATASET)
    from_file = Runbook({"runbook": str(path), "clusters": "4", "order": "clusters"})
    from_file.prepare(ExactIndex(), DATASET)
    indexes = ExactIndex(), ExactIndex()
    for workload, index in zip((made, from_file), indexes, strict=True):
        workload.lap(index, DATASET, 10, (), tmp_path)
    assert indexes[0].rows.keys() == indexes[1].rows.keys()
    assert all((indexes[0].rows[id_] == indexes[1].rows[id_]).all() for id_ in indexes[0].rows)
    assert any((indexes[0].rows[id_] != DATASET.train[id_]).any() for id_ in indexes[0].rows)


def test_a_shipped_runbook_is_found_by_its_name() -> None:
    with pytest.raises(Mistake, match="it needs 10000 rows, there are 200"):
        lap_of(ExactIndex(), runbook="simple.yaml")


@pytest.mark.parametrize("options", [{"runbook": "other"}, {"order": "size"}, {"queries": "0"}, {"batches": "1"}])
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(Mistake):
        lap_of(ExactIndex(), **options)
