"""Filtered: recall against the exact filtered answer, and what must not be returned."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Floats, Ints
from vecdb.bench.algorithms.condition import Condition
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.filtered import KINDS, Filtered

ATTRIBUTES = {"kind": ["noun"] * 800 + ["verb"] * 200}
DATASET = made_dataset(1000, attributes=ATTRIBUTES)


def lap_of(index: ExactIndex, **options: str) -> dict[str, float]:
    workload = Filtered({"queries": "20"} | options)
    workload.prepare(index, DATASET)
    assert index.fits == 1
    laps = [workload.lap(index, DATASET, 10, (3,), Path()) for _ in range(2)]
    assert [each.name for each in laps[0]] == [each.name for each in laps[1]]
    assert len({each.name for each in laps[0]}) == len(laps[0])
    return {each.name: each.value for each in laps[1]}


def test_an_exact_index_has_all_of_every_condition() -> None:
    index = ExactIndex()
    lap = lap_of(index, percents="90,20,1,0.1")
    labels = {name.partition(":")[0] for name in lap if not name.startswith("build")}
    assert labels == {f"{kind} {percent}%" for kind in KINDS for percent in ("90", "20", "1", "0.1")} - {
        "own 1%",
        "own 0.1%",
    }
    for label in labels:
        assert lap[f"{label}: recall"] == 1.0, label
        assert lap[f"{label}: returned"] == 1.0, label
        assert lap[f"{label}: rows that should not be there"] == 0, label
        assert lap[f"{label}: queries"] > 0
    assert lap["own 90%: rows that match"] == 800
    assert lap["uniform 0.1%: rows that match"] == 1
    assert set(index.attributes) >= {"kind", "bench_uniform", "bench_label"}
    assert index.query_arguments == (3,)


def test_an_index_that_filters_afterwards_returns_too_few() -> None:
    class Afterwards(ExactIndex):
        """Takes the nearest 50 and then looks at the condition."""

        def query(self, q: Floats, k: int) -> Ints:
            condition, self.condition = self.condition, None
            ids = super().query(q, 50)
            self.condition = condition
            assert condition is not None
            return ids[condition.matches(self.attributes, len(self.rows))[ids]][:k]

    lap = lap_of(Afterwards(), kinds="uniform,near,far", percents="90,5")
    assert lap["uniform 90%: recall"] == 1.0
    assert lap["uniform 5%: returned"] < 0.6
    assert lap["uniform 5%: recall"] == pytest.approx(lap["uniform 5%: returned"])
    assert lap["far 5%: returned"] < 0.1
    assert lap["near 5%: recall"] > lap["far 5%: recall"]


def test_an_index_without_a_filter_returns_what_it_must_not() -> None:
    class Deaf(ExactIndex):
        def set_filter(self, condition: Condition) -> None:
            pass

    lap = lap_of(Deaf(), kinds="uniform", percents="50")
    assert lap["uniform 50%: rows that should not be there"] > 0
    assert lap["uniform 50%: recall"] < 0.9


class SlowToFilter(ExactIndex):
    """Takes 20 ms for a new filter, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = 0
        self.queries_of_filter: list[int] = []

    def set_filter(self, condition: Condition) -> None:
        time.sleep(0.02)
        super().set_filter(condition)
        self.filters += 1
        self.queries_of_filter.append(0)

    def query(self, q: Floats, k: int) -> Ints:
        self.queries_of_filter[-1] += 1
        if self.queries_of_filter[-1] == 1:
            time.sleep(0.02)  # as libraries do that make the filter when they first need it
        return super().query(q, k)


def test_a_new_filter_is_not_in_the_times_of_later_queries() -> None:
    lap = lap_of(index := SlowToFilter(), kinds="uniform", percents="50,10")
    for label in ("uniform 50%", "uniform 10%"):
        assert lap[f"{label}: a new filter and its first query"] >= 40
        assert lap[f"{label}: p99"] < 20
        assert lap[f"{label}: CPU a query"] > 0
    assert index.filters == 2 * 3, "one for warming up, in each lap, and one a condition"
    assert min(index.queries_of_filter) >= 20, "the first lap's first filter is warmed up too"
    assert lap["build"] > 0


def test_a_filter_a_query_is_in_each_query() -> None:
    lap = lap_of(index := SlowToFilter(), kinds="uniform", percents="50", filter="query", seconds="0")
    assert lap["uniform 50%: p99"] >= 40
    assert lap["uniform 50%: queries"] < 25
    assert lap["uniform 50%: recall"] == 1.0
    assert index.filters > 2 * 40


def test_fewer_matches_than_asked_for_is_no_fault_of_the_index() -> None:
    lap = lap_of(ExactIndex(), kinds="uniform,conjunction", percents="0.3")
    assert lap["uniform 0.3%: rows that match"] == 3
    assert lap["uniform 0.3%: recall"] == lap["uniform 0.3%: returned"] == 1.0
    assert lap["conjunction 0.3%: recall"] == 1.0


@pytest.mark.parametrize(
    "options", [{"kinds": "random"}, {"percents": "0"}, {"percents": "101"}, {"queries": "0"}, {"filter": "no"}]
)
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(Mistake, match=next(iter(options))):
        Filtered(options).prepare(ExactIndex(), DATASET)
