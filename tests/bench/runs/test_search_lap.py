"""A lap: what is asked, what is timed, and when it ends."""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
import pytest

from tests.bench.results.made_result import made_dataset
from tests.bench.runs.small_algorithms import Exact
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.runs import search_lap as module
from vecdb.bench.runs.search_lap import search_lap


class Watched(Exact):
    """Records what it is asked; a query takes `setting` seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__("euclidean", 1, seconds)
        self.asked: list[Any] = []

    def query(self, q: Floats, k: int) -> Ints:
        self.asked.append((q, gc.isenabled()))
        time.sleep(self.setting)
        return super().query(q, k)


def watched(seconds: float) -> Watched:
    algorithm = Watched(seconds)
    algorithm.fit(made_dataset(rows=50).train)
    return algorithm


def test_every_query_is_asked_in_order_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WARM_QUERIES", 3)
    dataset = made_dataset(rows=50)
    algorithm = watched(0.001)
    answered = search_lap(algorithm, dataset.test, 10, batch=False, seconds=30, repeat_seconds=0)
    warm, timed = algorithm.asked[:3], algorithm.asked[3:]
    np.testing.assert_array_equal([q for q, _ in warm], dataset.test[-3:])
    np.testing.assert_array_equal([q for q, _ in timed], dataset.test)
    assert [enabled for _, enabled in timed] == [False] * 30
    assert gc.isenabled()
    assert answered.times.min() >= 0.001
    assert answered.seconds == pytest.approx(answered.times.sum())
    assert answered.cpu_seconds < answered.seconds
    np.testing.assert_array_equal(answered.neighbors, dataset.neighbors[:, :10])


def test_a_lap_ends_in_time_but_not_before_it_says_something() -> None:
    dataset = made_dataset(rows=50, queries=200)
    slow = search_lap(watched(0.01), dataset.test, 5, batch=False, seconds=0.01, repeat_seconds=0)
    assert slow.times.shape == (20,)
    assert slow.neighbors.shape == (20, 5)
    bounded = search_lap(watched(0.005), dataset.test, 5, batch=False, seconds=0.2, repeat_seconds=0)
    assert 20 <= len(bounded.times) <= 60


def test_a_batch_is_one_call_and_each_query_has_its_share() -> None:
    dataset = made_dataset(rows=50)
    algorithm = watched(0.002)
    answered = search_lap(algorithm, dataset.test, 10, batch=True, seconds=30, repeat_seconds=0)
    assert len(algorithm.asked) == 60  # the warm one, and the timed one
    np.testing.assert_array_equal(answered.neighbors, dataset.neighbors[:, :10])
    assert answered.seconds >= 30 * 0.002
    np.testing.assert_allclose(answered.times, answered.seconds / 30)
    short = search_lap(watched(0.002), dataset.test, 10, batch=True, seconds=0.01, repeat_seconds=0)
    assert len(short.times) == len(short.neighbors) == 20


@pytest.mark.parametrize("batch", [False, True])
def test_few_queries_are_asked_again_until_the_times_mean_something(batch: bool) -> None:
    dataset = made_dataset(rows=50)
    algorithm = watched(0)
    answered = search_lap(algorithm, dataset.test, 10, batch=batch, seconds=30, repeat_seconds=30)
    assert 0.2 < answered.seconds < 5
    assert len(answered.times) >= 200
    assert len(answered.times) % 30 == 0
    assert len(algorithm.asked) == 30 + len(answered.times)
    assert answered.seconds == pytest.approx(answered.times.sum())
    np.testing.assert_array_equal(answered.neighbors, dataset.neighbors[:, :10])
    many = made_dataset(rows=50, queries=200)
    assert len(search_lap(algorithm, many.test, 10, batch=batch, seconds=30, repeat_seconds=30).times) == 200


@pytest.mark.parametrize("batch", [False, True])
def test_no_pass_goes_beyond_the_seconds_of_a_lap(batch: bool) -> None:
    dataset = made_dataset(rows=50)
    answered = search_lap(watched(0.002), dataset.test, 10, batch=batch, seconds=4, repeat_seconds=0.2)
    assert len(answered.times) in (30, 60, 90)  # more than 0.06 s each
    assert answered.seconds <= 0.3


def test_fewer_rows_than_asked_for() -> None:
    algorithm = Exact("euclidean", 1)
    algorithm.fit(made_dataset(rows=30).train[:4])
    answered = search_lap(algorithm, made_dataset().test, 10, batch=False, seconds=5, repeat_seconds=0)
    assert (answered.neighbors[:, 4:] == -1).all()
    assert (np.sort(answered.neighbors[:, :4], axis=1) == np.arange(4)).all()


def test_the_collector_comes_back_after_an_error() -> None:
    algorithm = watched(0)
    algorithm.fit(np.zeros((3, 5), np.float32))
    with pytest.raises(ValueError, match="broadcast"):
        search_lap(algorithm, made_dataset().test, 10, batch=False, seconds=1, repeat_seconds=0)
    assert gc.isenabled()
