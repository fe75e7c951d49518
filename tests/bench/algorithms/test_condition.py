from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vecdb.bench.algorithms.condition import OPERATORS, Condition, Test

COLUMNS: dict[str, Any] = {
    "year": np.array([1999, 2020, 2024, 2020]),
    "price": [1.5, float("nan"), None, 2.0],
    "lang": np.array(["en", "de", "en", "fr"]),
    "tags": [["a", "b"], [], None, ["b"]],
    "new": np.array([True, False, True, False]),
}


@pytest.mark.parametrize(
    ("field", "operator", "value", "rows"),
    [
        ("year", "==", 2020, [1, 3]),
        ("year", "==", 2020.0, [1, 3]),
        ("year", "in", (1999, 2024), [0, 2]),
        ("year", "in", (), []),
        ("year", "<", 2020, [0]),
        ("year", "<=", 2020, [0, 1, 3]),
        ("year", ">", 2020, [2]),
        ("year", ">=", 2020, [1, 2, 3]),
        ("year", "==", "2020", []),
        ("year", "<", "3", []),
        ("price", "<=", 2, [0, 3]),
        ("price", ">", -1e9, [0, 3]),
        ("lang", "==", "en", [0, 2]),
        ("lang", "in", ("de", "fr", 7), [1, 3]),
        ("lang", ">", "de", [0, 2, 3]),
        ("tags", "==", "b", [0, 3]),
        ("tags", "in", ("a", "c"), [0]),
        ("new", "==", True, [0, 2]),
        ("new", "==", 1, []),
        ("new", "<", 1, []),
    ],
)
def test_a_test_passes_the_rows_that_it_should(field: str, operator: Any, value: Any, rows: list[int]) -> None:
    condition = Condition((Test(field, operator, value),))
    assert np.flatnonzero(condition.matches(COLUMNS, 4)).tolist() == rows
    as_lists = {name: list(column) for name, column in COLUMNS.items()}
    assert np.flatnonzero(condition.matches(as_lists, 4)).tolist() == rows


def test_every_test_must_pass() -> None:
    condition = Condition((Test("year", ">=", 2020), Test("lang", "==", "en")))
    assert condition.matches(COLUMNS, 4).tolist() == [False, False, True, False]
    assert str(condition) == "year >= 2020 and lang == 'en'"


def test_without_tests_it_holds_for_every_row() -> None:
    assert Condition().matches({}, 3).tolist() == [True, True, True]
    assert str(Condition()) == "every row"


def test_columns_of_numbers_as_python_compares_them() -> None:
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "==": lambda a, b: a == b,
        "in": lambda a, b: a in b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    for _ in range(50):
        values = [choose.randint(-5, 5) for _ in range(30)]
        operator = choose.choice(OPERATORS)
        value: Any = choose.randint(-5, 5)
        if operator == "in":
            value = tuple(choose.randint(-5, 5) for _ in range(choose.randrange(4)))
        expected = [bool(compare[operator](each, value)) for each in values]
        found = Test("x", operator, value).matches(np.array(values, choose.choice(("i1", "i8", "f4"))))
        assert found.tolist() == expected, f"seed {seed}: {operator} {value} of {values}"


@pytest.mark.parametrize(("operator", "value"), [("!=", 1), ("in", 1), ("==", (1,)), ("<", True)])
def test_what_no_row_could_be_compared_with_is_refused(operator: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="received"):
        Test("x", operator, value)


def test_columns_that_do_not_fit_are_refused() -> None:
    condition = Condition((Test("year", "==", 1),))
    with pytest.raises(KeyError, match="year"):
        condition.matches({}, 4)
    with pytest.raises(ValueError, match="expected 5 values, received 4"):
        condition.matches(COLUMNS, 5)
