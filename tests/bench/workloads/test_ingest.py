"""Ingest: which rows are given, how often, and what is left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.workloads.ingest import Ingest, TimedBatches


def test_batches_are_all_rows_once_and_timed() -> None:
    train = made_dataset(25).train
    batches = TimedBatches(train, 10)
    given = []
    for ids, rows in batches:
        given.append((ids.tolist(), rows))
        time.sleep(0.003)
    assert [ids for ids, _ in given] == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
    assert (np.concatenate([rows for _, rows in given]) == train).all()
    assert len(batches.times) == 3
    assert min(batches.times) >= 0.003


def test_each_lap_fills_an_empty_folder_with_a_new_algorithm(tmp_path: Path) -> None:
    made: list[ExactIndex] = []

    def make() -> ExactIndex:
        made.append(ExactIndex())
        return made[-1]

    dataset, given = made_dataset(205), ExactIndex()
    ingest = Ingest({"batch": "20"}, make)
    ingest.prepare(given, dataset)
    laps = [ingest.lap(given, dataset, 10, (64,), tmp_path) for _ in range(3)]
    assert len(made) == 2
    for index in (given, *made):
        assert index.rows.keys() == set(range(205))
        assert index.query_arguments == (64,)
        assert index.closed
    for lap in laps:
        values = {measurement.name: measurement.value for measurement in lap}
        assert len(values) == len(lap)
        assert values["rows"] > 0
        assert values["disk"] * 2**20 >= dataset.train.nbytes
        assert values["disk, of the vectors' bytes"] == pytest.approx(values["disk"] * 2**20 / dataset.train.nbytes)
        assert values["CPU, until closed"] > 0
        assert values["memory peak"] > 1
        assert 0 < values["batch p50"] <= values["batch p99"]
    assert list(tmp_path.iterdir()) == []


def test_a_rate_is_rows_over_the_whole_time(tmp_path: Path) -> None:
    class SlowIndex(ExactIndex):
        def ingest(self, folder: Path, batches: Iterator[tuple[Ints, Floats]]) -> None:
            super().ingest(folder, batches)
            time.sleep(0.2)

        def close(self) -> None:
            time.sleep(0.2)

    lap = Ingest({"rows": "40"}).lap(SlowIndex(), made_dataset(100), 10, (), tmp_path)
    values = {measurement.name: measurement.value for measurement in lap}
    assert values["rows"] <= 40 / 0.2
    assert values["rows, until closed"] <= 40 / 0.4
    assert values["batch p99"] < 150
