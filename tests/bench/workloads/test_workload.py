"""What every workload has: options with defaults, an algorithm nothing was done with, a place in the catalogue."""

# ruff: noqa: ARG002 - these do what they must, and no more

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.bench.workloads.exact_index import ExactIndex, made_dataset
from vecdb.bench.algorithms.algorithm import Algorithm, Floats, Ints
from vecdb.bench.algorithms.capabilities import Concurrent, Updatable
from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.catalogue import WORKLOADS, get_workload
from vecdb.bench.workloads.workload import Measurement, Workload


class Plain(Algorithm):
    """Can do nothing beside."""

    def fit(self, X: Floats) -> None: ...

    def set_query_arguments(self, *arguments: Any) -> None: ...

    def query(self, q: Floats, k: int) -> Ints:
        raise AssertionError


class Probe(Workload):
    """Says what it was given."""

    name = "probe"
    summary = "for this test"
    needs = (Updatable, Concurrent)
    defaults: ClassVar = {"size": "7", "parts": "1,0.5"}

    def lap(
        self,
        algorithm: Algorithm,
        dataset: Dataset,
        count: int,
        query_arguments: Sequence[Any],
        folder: Path,
    ) -> list[Measurement]:
        parts = self._numbers("parts", 0, 1)
        return [Measurement("size", self._integer("size", 1), "", "more"), Measurement("last", parts[-1], "", "more")]


def values(options: dict[str, str]) -> list[float]:
    measured = Probe(options).lap(ExactIndex(), made_dataset(5), 1, (), Path())
    return [measurement.value for measurement in measured]


def test_options_have_defaults_and_are_checked() -> None:
    assert values({}) == [7, 0.5]
    assert values({"size": "9", "parts": "0.25,0.5,0.25"}) == [9, 0.5]
    with pytest.raises(Mistake, match="expected the options size, parts, received colour"):
        Probe({"colour": "red"})
    for options in ({"size": "0"}, {"size": "2.5"}, {"size": "x"}, {"size": "inf"}, {"parts": ""}, {"parts": "1,2"}):
        with pytest.raises(Mistake, match=next(iter(options))):
            values(options)


def test_what_an_algorithm_must_be() -> None:
    assert Probe.suits(ExactIndex())
    assert not Probe.suits(Plain("dot", 1))
    assert all(workload.suits(ExactIndex()) for workload in WORKLOADS.values())


def test_the_given_algorithm_is_unused_once() -> None:
    given = ExactIndex()
    workload = Probe({}, ExactIndex)
    assert workload.unused(given) is given
    first, second = workload.unused(given), workload.unused(given)
    assert len({id(given), id(first), id(second)}) == 3
    alone = Probe({})
    assert alone.unused(given) is given
    with pytest.raises(Mistake, match="make the algorithm again"):
        alone.unused(given)


def test_the_catalogue_knows_its_workloads() -> None:
    assert set(WORKLOADS) == {"ingest", "mixed", "runbook", "cold-start", "concurrency", "filtered"}
    for name in WORKLOADS:
        assert get_workload(name, {}).name == name
        assert get_workload(name, {}).summary
    with pytest.raises(Mistake, match="received 'search'"):
        get_workload("search", {})
