"""Mixed: what is written while queries are asked, at which rate, and what is there afterwards."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Timer

import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.mixed import Mixed, Writer

DATASET = made_dataset(200)


def values(index: ExactIndex, **options: str) -> dict[str, float]:
    mixed = Mixed({"seconds": "0.15", "batch": "3", "rate": "0"} | options)
    mixed.prepare(index, DATASET)
    laps = [mixed.lap(index, DATASET, 10, (5,), Path()) for _ in range(2)]
    assert index.fits == 1
    assert index.rows.keys() == set(range(180)), "as before the lap"
    return {measurement.name: measurement.value for measurement in laps[-1]}


def test_rows_come_and_go_while_queries_are_asked() -> None:
    index = ExactIndex()
    measured = values(index, rate="2000")
    assert index.most > 180
    assert measured["idle: recall"] == measured["writing: recall"] == 1.0
    assert measured["rows written"] > 0
    kept = measured["writing: queries"] / measured["idle: queries"]
    assert measured["queries kept while writing"] == pytest.approx(kept)
    assert measured["rows written, rate asked"] == 2000
    assert measured["rows written, of the rate asked"] == pytest.approx(measured["rows written"] / 2000)
    assert measured["idle: CPU a query"] > 0
    assert measured["writing: CPU, of searches and writes"] > 0
    assert measured["build"] > 0
    assert 0 < measured["writing: p50"] <= measured["writing: p99"]


def test_without_a_rate_there_is_none_to_reach() -> None:
    assert not [name for name in values(ExactIndex()) if "rate" in name]


def test_an_index_that_misses_rows_while_it_is_written_is_seen() -> None:
    class Forgetful(ExactIndex):
        def query(self, q: Floats, k: int) -> Ints:
            self.forgets = 2 if len(self.rows) > 180 else 0
            return super().query(q, k)

    measured = values(Forgetful(), batch="5", rate="1000")
    assert measured["idle: recall"] == 1.0
    assert measured["writing: recall"] < 1.0


def test_the_writer_keeps_its_pace_and_stops() -> None:
    index = ExactIndex()
    index.fit(DATASET.train[:150])
    stop = Event()
    Timer(0.3, stop.set).start()
    began = time.perf_counter()
    written, seconds = Writer(index, DATASET.train, 150, 10, 200.0).run(stop)
    assert time.perf_counter() - began < 5
    assert seconds >= 0.3
    assert 10 <= written <= 200 * seconds + 10
    assert index.rows.keys() == set(range(150))


@pytest.mark.parametrize("options", [{"moving": "1"}, {"batch": "0"}, {"rate": "fast"}])
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(Mistake, match=next(iter(options))):
        Mixed(options).prepare(ExactIndex(), DATASET)
