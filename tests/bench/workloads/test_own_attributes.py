"""Conditions on the data set's own attributes: near the part asked for, or none."""

from __future__ import annotations

import numpy as np
import pytest

from vecdb.bench.algorithms.condition import Column
from vecdb.bench.workloads.own_attributes import own_condition, plain_columns

ROWS = 1000
RANDOM = np.random.default_rng(0)
COLUMNS: dict[str, Column] = {
    "kind": ["noun"] * 700 + ["verb"] * 250 + ["rare"] * 50,
    "weight": RANDOM.random(ROWS),
    "depth": RANDOM.integers(0, 4, ROWS),
    "leaf": RANDOM.random(ROWS) < 0.5,
    "holes": [None] + [1.0] * (ROWS - 1),
    "several": [["a", "b"]] * ROWS,
    "gaps": np.where(RANDOM.random(ROWS) < 0.1, np.nan, 1.0),
    "mixed": ["a", 1] * (ROWS // 2),
    "flat": np.ones((ROWS, 2)),
}


def test_columns_with_one_kind_of_value_in_every_row_are_plain() -> None:
    assert list(plain_columns(COLUMNS)) == ["kind", "weight", "depth", "leaf"]


@pytest.mark.parametrize("part", [0.9, 0.7, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001])
def test_conditions_are_near_the_part_asked_for(part: float) -> None:
    condition = own_condition(COLUMNS, part)
    assert condition is not None
    assert condition.matches(COLUMNS, ROWS).mean() == pytest.approx(part, rel=0.1)


def test_text_alone_offers_its_values() -> None:
    text = {"kind": COLUMNS["kind"]}
    found = {part: own_condition(text, part) for part in (0.9, 0.5, 0.25, 0.06, 0.01)}
    assert {part: str(condition) for part, condition in found.items() if condition} == {
        0.9: "kind == 'noun'",
        0.5: "kind == 'noun'",
        0.25: "kind == 'verb'",
        0.06: "kind == 'rare'",
    }
    assert found[0.01] is None


def test_a_number_with_few_values_is_taken_only_where_it_is_near() -> None:
    depth = {"depth": np.array([0] * 10 + [1] * 990)}
    for part, expected in ((0.9, 1.0), (0.01, 0.01), (0.015, 0.01), (0.1, None)):
        condition = own_condition(depth, part)
        assert (condition.matches(depth, ROWS).mean() if condition else None) == expected
    assert own_condition({}, 0.5) is None
