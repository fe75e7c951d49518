"""Filtered: recall against the exact filtered answer, and what must not be returned."""

from __future__ import annotations

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
    labels = {name.partition(":")[0] for name in lap}
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


def test_fewer_matches_than_asked_for_is_no_fault_of_the_index() -> None:
    lap = lap_of(ExactIndex(), kinds="uniform,conjunction", percents="0.3")
    assert lap["uniform 0.3%: rows that match"] == 3
    assert lap["uniform 0.3%: recall"] == lap["uniform 0.3%: returned"] == 1.0
    assert lap["conjunction 0.3%: recall"] == 1.0


@pytest.mark.parametrize("options", [{"kinds": "random"}, {"percents": "0"}, {"percents": "101"}, {"queries": "0"}])
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(Mistake, match=next(iter(options))):
        Filtered(options).prepare(ExactIndex(), DATASET)
