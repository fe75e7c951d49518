"""Concurrency: every number of clients measured, and the answers looked at."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.concurrency import Concurrency

DATASET = made_dataset(100)


def values(index: ExactIndex) -> dict[str, float]:
    workload = Concurrency({"clients": "1,3", "seconds": "0.05"})
    index.fit(DATASET.train)
    workload.prepare(index, DATASET)
    lap = workload.lap(index, DATASET, 10, (7,), Path())
    assert len({measurement.name for measurement in lap}) == len(lap)
    assert index.query_arguments == (7,)
    return {measurement.name: measurement.value for measurement in lap}


def test_every_number_of_clients_is_measured() -> None:
    measured = values(ExactIndex())
    assert measured["1 client: gain"] == 1.0
    assert measured["3 clients: gain"] == pytest.approx(measured["3 clients: queries"] / measured["1 client: queries"])
    assert 0 < measured["3 clients: p50"] <= measured["3 clients: p99"]
    assert measured["3 clients: recall"] == 1.0


def test_wrong_answers_are_seen() -> None:
    assert values(ExactIndex(forgets=1))["3 clients: recall"] == pytest.approx(0.9)


def test_recall_is_known_for_each_number_of_clients() -> None:
    class Crowded(ExactIndex):
        """Misses the nearest once three threads have asked."""

        def query(self, q: Floats, k: int) -> Ints:
            seen.add(threading.get_ident())
            self.forgets = 1 if len(seen) > 2 else 0
            return super().query(q, k)

    seen: set[int] = set()
    measured = values(Crowded())
    assert measured["1 client: recall"] == 1.0
    assert measured["3 clients: recall"] < 1.0
    assert measured["3 clients: CPU a query"] > 0


@pytest.mark.parametrize("options", [{"clients": "0"}, {"clients": "two"}, {"seconds": "-1"}])
def test_options_are_checked_before_anything_is_measured(options: dict[str, str]) -> None:
    with pytest.raises(Mistake, match=next(iter(options))):
        Concurrency(options).prepare(ExactIndex(), DATASET)
