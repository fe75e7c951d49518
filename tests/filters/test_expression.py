"""Building filters in Python: shape, equality, limits and every refusal."""

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from vecdb import limits
from vecdb.errors import FilterError
from vecdb.filters import Expression, field, has_id
from vecdb.filters.expression import And, AnyOf, Between, Compare, HasId, NoneOf, Not, Or


def test_operators_build_the_tree() -> None:
    a, b, c = field("a") == 1, field("b") != "x", field("c") >= 2.5
    assert a == Compare("a", "==", 1)
    assert (a & b) & c == And((a, b, c)) == a & (b & c)
    assert a | b | c == Or((a, b, c))
    assert ~(a | b) & c == And((Not(Or((a, b))), c))
    assert field("t").any_of(["x"]) == field("t").in_(["x"]) == AnyOf("t", ("x",))
    assert field("t").none_of(["x"]) == field("t").not_in(["x"]) == NoneOf("t", ("x",))
    assert (2020 <= field("y")) == Compare("y", ">=", 2020)  # noqa: SIM300


def test_equality_and_hash_tell_operands_of_different_kinds_apart() -> None:
    operands: list[Any] = [1, 1.0, True, "1"]
    assert len({field("a") == value for value in operands}) == 4
    assert len({field("a").in_([value]) for value in operands}) == 4
    assert len({field("a") == 1, field("a") == np.int64(1), copy.deepcopy(field("a") == 1)}) == 1
    assert field("a").exists() != field("a").is_null()


def test_operands_become_plain_python_values() -> None:
    compare = field("a") == np.float32(0.5)
    assert isinstance(compare, Compare)
    assert type(compare.value) is float
    assert (field("a") == date(2024, 1, 2)) == (field("a") == datetime(2024, 1, 2, tzinfo=UTC))
    assert has_id([np.int64(3), "b"]) == HasId((3, "b"))
    assert field("a").in_(value for value in (1, 2)) == AnyOf("a", (1, 2))


def test_size_and_fields_are_known() -> None:
    expression = (field("a") == 1) & ~((field("b.c") == 2) | has_id([1]))
    assert (expression.depth, expression.conditions) == (4, 3)
    assert expression.field_names == {"a", "b.c"}


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: bool(field("a") == 1),
        lambda: (field("a") == 1) and (field("b") == 2),
        lambda: not field("a").exists(),
        lambda: 1 < field("a") < 5,
        lambda: "x" in field("a"),  # type: ignore[operator]
        lambda: bool(field("a")),
        lambda: (field("a") == 1) & True,
        lambda: {field("a")},
    ],
)
def test_truth_values_and_other_misuse_are_type_errors(misuse: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        misuse()


def test_the_hint_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"write & \| ~"):
        bool(field("a") == 1)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: field(""), "not the name"),
        (lambda: field("a..b"), "not the name"),
        (lambda: field("a[0]"), "not the name"),
        (lambda: field("a\x00"), "not the name"),
        (lambda: field("\ud800"), "surrogate"),
        (lambda: field(5), "expected a str"),  # type: ignore[arg-type]
        (lambda: field("a" * (limits.FIELD_NAME_BYTES + 1)), "at most"),
        (lambda: field("a") == None, "is_null"),  # noqa: E711
        (lambda: field("a") == [1], "in_"),
        (lambda: field("a") == float("nan"), "finite"),
        (lambda: field("a") > float("inf"), "finite"),
        (lambda: field("a") == 2**64, "64-bit"),
        (lambda: field("a") == b"x", "expected a str"),
        (lambda: field("a") == "\ud800", "surrogate"),
        (lambda: field("a") > True, "no order"),
        (lambda: field("a").between(False, 1), "no order"),
        (lambda: field("a").between(1, "2"), "one type"),
        (lambda: field("a").between("2024-01-01", date(2024, 1, 2)), "one type"),
        (lambda: field("a").prefix(5), "prefix needs a str"),  # type: ignore[arg-type]
        (lambda: field("a").in_("abc"), "list of values"),
        (lambda: field("a").in_(5), "list of values"),  # type: ignore[arg-type]
        (lambda: field("a").in_([None]), "is_null"),  # type: ignore[list-item]
        (lambda: field("a").in_(range(limits.FILTER_LIST + 1)), "more than 100000 values"),
        (lambda: Compare("a", "=~", 1), "unknown operator"),  # type: ignore[arg-type]
        (lambda: has_id([1, -1]), "0 .. 2\\*\\*63-1"),
        (lambda: has_id([True]), "int, str or UUID"),
        (lambda: And(()), "and of nothing"),
        (lambda: Or((field("a"),)), "expected a filter"),  # type: ignore[arg-type]
        (lambda: Not(field("a")), "expected a filter"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_meaning_is_refused(build: Callable[[], object], reason: str) -> None:
    with pytest.raises(FilterError, match=reason):
        build()


def test_a_bad_id_names_its_place() -> None:
    with pytest.raises(FilterError) as caught:
        has_id([1, 1.5])  # type: ignore[list-item]
    assert caught.value.position == "has_id[1]"


def test_depth_is_bounded() -> None:
    expression: Expression = field("a") == 1
    for _ in range(limits.FILTER_DEPTH - 1):
        expression = ~expression
    assert expression.depth == limits.FILTER_DEPTH
    with pytest.raises(FilterError, match="nested more than 16"):
        _ = ~expression


def test_conditions_are_bounded_and_long_lists_are_one() -> None:
    condition = field("a").in_(range(limits.FILTER_LIST))
    assert condition.conditions == 1
    full = Or((field("a") == 1,) * limits.FILTER_CONDITIONS)
    assert full.depth == 2
    with pytest.raises(FilterError, match="more than 1024 conditions"):
        _ = full | (field("b") == 1)


def test_expressions_are_immutable() -> None:
    expression = field("a").between(1, 2)
    assert expression == Between("a", 1, 2)
    with pytest.raises(AttributeError):
        expression.low = 5  # type: ignore[attr-defined]
