"""Asking, by one client and several: which queries, how many, whose answers."""

from __future__ import annotations

import threading
import time

import numpy as np

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.workloads.asking import QUERIES_MINIMUM, Answers, ask, ask_together

DATASET = made_dataset(100, queries=30)


class SlowIndex(ExactIndex):
    """Notes which threads ask, and takes 2 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.threads_seen: set[int] = set()
        self.at_once = self.at_once_most = 0
        self._lock = threading.Lock()

    def query(self, q: Floats, k: int) -> Ints:
        with self._lock:
            self.threads_seen.add(threading.get_ident())
            self.at_once += 1
            self.at_once_most = max(self.at_once_most, self.at_once)
        time.sleep(0.002)
        ids = super().query(q, k)
        with self._lock:
            self.at_once -= 1
        return ids


def test_every_query_is_asked_once_unless_time_is_over() -> None:
    index = ExactIndex()
    index.fit(DATASET.train)
    answers = ask(index, DATASET.test, 10, seconds=60)
    assert answers.asked.tolist() == list(range(30))
    assert (answers.found == DATASET.neighbors[:, :10]).all()
    assert answers.times.sum() <= answers.seconds
    assert ask(index, DATASET.test, 10, seconds=0).asked.tolist() == list(range(QUERIES_MINIMUM))


def test_queries_begin_where_told_and_go_around() -> None:
    index = ExactIndex()
    index.fit(DATASET.train)
    answers = ask(index, DATASET.test, 5, seconds=60, first=25, at_most=40)
    assert answers.asked.tolist() == [number % 30 for number in range(25, 65)]
    assert (answers.found == DATASET.neighbors[answers.asked, :5]).all()


def test_clients_ask_at_once_each_from_its_own_place() -> None:
    index = SlowIndex()
    index.fit(DATASET.train)
    answers = ask_together(index, DATASET.test, 10, clients=3, seconds=0.1)
    assert len(index.threads_seen) == 3
    assert index.at_once_most > 1
    assert len(answers.times) == len(answers.found) == len(answers.asked) >= 3 * QUERIES_MINIMUM
    assert set(answers.asked.tolist()) == set(range(30))
    assert (answers.found == DATASET.neighbors[answers.asked, :10]).all()
    assert answers.seconds >= 0.1
    assert answers.times.min() >= 0.002


def test_cpu_time_is_that_of_the_whole_process() -> None:
    class Busy(ExactIndex):
        def query(self, q: Floats, k: int) -> Ints:  # noqa: ARG002
            end = time.thread_time() + 0.002
            while time.thread_time() < end:
                pass
            return np.arange(k)

    assert ask(Busy(), DATASET.test, 10, seconds=60).cpu_ms >= 2
    together = ask_together(Busy(), DATASET.test, 10, clients=2, seconds=0.05)
    assert together.cpu_ms >= 2
    assert together.cpu_seconds >= 0.08


def test_missing_answers_and_percentiles() -> None:
    index = ExactIndex()
    index.fit(DATASET.train[:3])
    assert (ask(index, DATASET.test, 5, seconds=0).found[:, 3:] == -1).all()
    answers = Answers(np.arange(3), np.zeros((3, 1), np.int64), np.array([0.001, 0.002, 0.003]), 0.5)
    assert answers.percentile_ms(50) == 2.0
    assert answers.rate == 6.0
    assert Answers(np.arange(2), answers.found, answers.times[:2], 1.0, 0.5).cpu_ms == 250.0
