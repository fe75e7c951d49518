"""Filtered: searches among the rows that a condition holds for, from most of the rows to a few."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import numpy as np

from vecdb.bench.algorithms.algorithm import Algorithm
from vecdb.bench.algorithms.capabilities import Filterable
from vecdb.bench.algorithms.condition import Column, Condition
from vecdb.bench.datasets.dataset import Dataset, Floats, Ints
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.asking import Asked, ask, warm
from vecdb.bench.workloads.cost import build_cost
from vecdb.bench.workloads.made_attributes import make_attributes, nearest_queries
from vecdb.bench.workloads.own_attributes import own_condition, plain_columns
from vecdb.bench.workloads.recall import farthest_true, first_places, recalls, rows_found
from vecdb.bench.workloads.workload import Measurement, Workload

FILTERS: Final = ("kept", "query")
KINDS: Final = ("uniform", "equal", "conjunction", "near", "far", "own")
ANCHORED: Final = ("near", "far")


class Filtered(Workload):
    """For each kind of condition and each part of the rows: recall against the exact answer, rows returned, speed.

    Kinds: `uniform`, `equal`, `conjunction` have nothing to do with the vectors; `near` holds for what lies around the
    queries, `far` for what lies far away from them; `own` is on the data set's attributes, where it has some. For near
    and far the queries are those nearest to one of them.
    """

    name = "filtered"
    summary = "recall, rows returned and queries a second under conditions for 90% to 0.01% of the rows"
    needs = (Filterable,)
    fits = False
    defaults: ClassVar = {
        "kinds": ",".join(KINDS),
        "percents": "90,50,20,10,5,1,0.1,0.01",
        "queries": "100",
        "seconds": "1",  # of each condition
        "seed": "0",
        "filter": "kept",  # or "query": a new filter a query, and its making is in the query's time
    }

    def prepare(self, algorithm: Algorithm, dataset: Dataset) -> None:
        """Builds the index, timed, with the data set's own attributes and the made ones."""
        if self._text("filter") not in FILTERS:
            raise Mistake(f"workload {self.name}: filter: expected one of {', '.join(FILTERS)}")
        seed = self._integer("seed", 0)
        anchor = int(np.random.default_rng(seed).integers(len(dataset.test)))
        made = make_attributes(dataset, anchor, seed)
        own = plain_columns(dataset.attributes or {})
        self._attributes: dict[str, Column] = {**own, **made.columns}
        self._queries = min(self._integer("queries", 1), len(dataset.test))
        self._nearest = dataset.test[nearest_queries(dataset, anchor, self._queries)]
        self._truths: dict[tuple[str, int], _Truth] = {}
        self._questions: list[_Question] = []
        for kind in self._kinds():
            for percent in self._numbers("percents", 1e-6, 100):
                part = percent / 100
                condition = own_condition(own, part) if kind == "own" else getattr(made, kind)(part)
                if condition is not None:
                    queries = self._nearest if kind in ANCHORED else dataset.test[: self._queries]
                    self._questions.append(_Question(f"{kind} {percent:g}%", condition, queries))
        self._build = build_cost(lambda: cast(Filterable, algorithm).fit_attributes(dataset.train, self._attributes))

    def lap(
        self,
        algorithm: Algorithm,
        dataset: Dataset,
        count: int,
        query_arguments: Sequence[Any],
        folder: Path,  # noqa: ARG002
    ) -> list[Measurement]:
        """Every condition once; `returned` are the rows of min(count, rows that match) that were returned and match."""
        algorithm.set_query_arguments(*query_arguments)
        measured: list[Measurement] = []
        seconds = self._number("seconds", 0)
        for number, question in enumerate(self._questions):
            label, queries = question.label, question.queries
            truth = self._truth(question, dataset, count)
            if number == 0:  # or the first of the first queries would pay for what the lap before left cold
                cast(Filterable, algorithm).set_filter(self._questions[-1].condition)
                warm(algorithm, dataset.test, count, seconds=seconds)
            asked_of: Asked = algorithm
            if self._text("filter") == "query":
                asked_of = _FilterEach(algorithm, question.condition)
            began = time.perf_counter()
            cast(Filterable, algorithm).set_filter(question.condition)
            algorithm.query(queries[-1], count)
            first = time.perf_counter() - began
            warm(asked_of, queries, count, seconds=seconds)
            answers = ask(asked_of, queries, count, seconds=seconds)
            asked, found = answers.asked, answers.found
            recall = recalls(dataset.metric, dataset.train, queries[asked], found, truth.farthest[asked], truth.row_of)
            right = (rows_found(found, truth.row_of) >= 0) & first_places(found)
            wrong = (found >= 0) & ~right
            matching = int((truth.row_of >= 0).sum())
            returned = right.sum() / (len(found) * min(count, matching)) if matching else 1.0
            measured += [
                Measurement(f"{label}: queries", answers.rate, "/s", "more"),
                Measurement(f"{label}: p99", answers.percentile_ms(99), "ms", "less"),
                Measurement(f"{label}: CPU a query", answers.cpu_ms, "ms", "less"),
                Measurement(f"{label}: a new filter and its first query", first * 1000, "ms", "less"),
                Measurement(f"{label}: recall", float(recall.mean()), "", "more"),
                Measurement(f"{label}: returned", float(returned), "", "more"),
                Measurement(f"{label}: rows that should not be there", float(wrong.sum()), "rows", "less"),
                Measurement(f"{label}: rows that match", float(matching), "rows", "more"),
            ]
        return [*measured, *self._build]

    def _kinds(self) -> tuple[str, ...]:
        kinds = tuple(dict.fromkeys(self._text("kinds").split(",")))
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise Mistake(f"workload {self.name}: kinds: expected some of {', '.join(KINDS)}, received {unknown[0]!r}")
        return kinds

    def _truth(self, question: _Question, dataset: Dataset, count: int) -> _Truth:
        key = question.label, count
        if key not in self._truths:
            allowed = question.condition.matches(self._attributes, len(dataset.train))
            farthest = farthest_true(dataset.metric, dataset.train[allowed], question.queries, count)
            self._truths[key] = _Truth(np.where(allowed, np.arange(len(allowed)), -1), farthest)
        return self._truths[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A condition, what its measurements are called, and the queries (nq, d) asked under it."""

    label: str
    condition: Condition
    queries: Floats


class _FilterEach:
    """Sets the filter anew before each query, as callers do who filter by who asks."""

    def __init__(self, algorithm: Algorithm, condition: Condition) -> None:
        self._set_filter = cast(Filterable, algorithm).set_filter
        self._query = algorithm.query
        self._condition = condition

    def query(self, q: Floats, k: int) -> Ints:
        """Both, as one call."""
        self._set_filter(self._condition)
        return self._query(q, k)


@dataclass(frozen=True, slots=True, eq=False)
class _Truth:
    """The row of each id that a condition holds for, else -1, (n,); the distance of each query's last right answer."""

    row_of: Ints
    farthest: Floats
