"""Attributes made for the rows of a data set, and conditions on them that hold for a given part of the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from vecdb.bench.algorithms.condition import Column, Condition, Test
from vecdb.bench.datasets.dataset import Dataset, Floats, Ints, distances_to

LABELS: Final = {"label_50": 0.5, "label_20": 0.2, "label_10": 0.1, "label_5": 0.05, "label_1": 0.01,
                 "label_01": 0.001, "label_001": 0.0001}  # fmt: skip
REST: Final = "label_rest"

UNIFORM, SECOND, LABEL, NEARNESS = "bench_uniform", "bench_second", "bench_label", "bench_nearness"


@dataclass(frozen=True, slots=True)
class MadeAttributes:
    """Four columns of n values, made with a seed.

    bench_uniform and bench_second: two random orders of the rows, 0 .. n-1. bench_label: a text, each of LABELS for
    its part of the rows, at random. bench_nearness: the place of the row by its distance to the query `anchor`.
    """

    columns: Mapping[str, Column]
    rows: int

    def equal(self, part: float) -> Condition | None:
        """One label, or all but one, nearest to `part`; None where no choice is within a tenth of it."""
        for label, own in LABELS.items():
            if math.isclose(own, part, rel_tol=0.1):
                return Condition((Test(LABEL, "==", label),))
        for label, own in LABELS.items():
            if math.isclose(1 - own, part, rel_tol=0.02):
                others = tuple(other for other in (*LABELS, REST) if other != label)
                return Condition((Test(LABEL, "in", others),))
        return None

    def uniform(self, part: float) -> Condition:
        """A range over a number that has nothing to do with the vectors."""
        return Condition((Test(UNIFORM, "<", self._rows_of(part)),))

    def conjunction(self, part: float) -> Condition:
        """Two such ranges, each for the root of `part`."""
        bound = round(self.rows * math.sqrt(part))
        return Condition((Test(UNIFORM, "<", bound), Test(SECOND, "<", bound)))

    def near(self, part: float) -> Condition:
        """The rows nearest to the anchor: for queries near it, the rows that they would find without a condition."""
        return Condition((Test(NEARNESS, "<", self._rows_of(part)),))

    def far(self, part: float) -> Condition:
        """The rows farthest from the anchor: for queries near it, none of those that they would find."""
        return Condition((Test(NEARNESS, ">=", self.rows - self._rows_of(part)),))

    def _rows_of(self, part: float) -> int:
        return max(1, round(self.rows * part))


def make_attributes(dataset: Dataset, anchor: int, seed: int) -> MadeAttributes:
    """The columns for the rows of a data set; the same for the same seed."""
    random = np.random.default_rng(seed)
    rows = len(dataset.train)
    labels = np.full(rows, REST, dtype=f"U{max(map(len, (*LABELS, REST)))}")
    order, first = random.permutation(rows), 0
    for label, part in LABELS.items():
        size = max(1, round(rows * part))
        labels[order[first : first + size]] = label
        first += size
    columns: dict[str, Column] = {
        UNIFORM: random.permutation(rows),
        SECOND: random.permutation(rows),
        LABEL: labels,
        NEARNESS: places(distances_to(dataset.metric, dataset.test[anchor], dataset.train)),
    }
    return MadeAttributes(columns, rows)


def nearest_queries(dataset: Dataset, anchor: int, count: int) -> Ints:
    """The numbers of the `count` queries nearest to the query `anchor`, itself first."""
    return np.argsort(distances_to(dataset.metric, dataset.test[anchor], dataset.test), kind="stable")[:count]


def places(values: Floats) -> Ints:
    """The place of each of values (n,) in their order, 0 for the smallest; equal ones in the order given."""
    found = np.empty(len(values), np.int64)
    found[np.argsort(values, kind="stable")] = np.arange(len(values))
    return found
