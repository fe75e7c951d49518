"""The dict spelling: round trips through JSON, shorthands, and every refusal with its place."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.strategies import any_conditions, expressions
from vecdb import limits
from vecdb.errors import FilterError
from vecdb.filters import Expression, field, from_dict, has_id, to_dict
from vecdb.filters.expression import Exists


@settings(max_examples=200, deadline=None)
@given(st.one_of(expressions, any_conditions))
def test_the_canonical_dict_is_json_and_reads_back_equal(expression: Expression) -> None:
    if expression.depth <= limits.FILTER_DEPTH and not _has_lone_combination(expression):
        assert from_dict(orjson.loads(orjson.dumps(to_dict(expression)))) == expression


def _has_lone_combination(expression: Expression) -> bool:
    """And(x) and Or(x) of a single operand read back as x, which matches the same."""
    combined = type(expression).__name__ in ("And", "Or")
    return (combined and len(expression.parts) == 1) or any(map(_has_lone_combination, expression.parts))


@pytest.mark.parametrize(
    ("spelling", "expression"),
    [
        ({"lang": "en"}, field("lang") == "en"),
        ({"lang": "en", "seen": True}, (field("lang") == "en") & (field("seen") == True)),  # noqa: E712
        ({"year": {">=": 2020, "<": 2024}}, (field("year") >= 2020) & (field("year") < 2024)),
        ({"$or": [{"a": 1}, {"b": {"any_of": [2]}}]}, (field("a") == 1) | field("b").in_([2])),
        ({"$not": {"a": {"none_of": ["x"]}}}, ~field("a").not_in(["x"])),
        ({"a": {"exists": False}}, ~field("a").exists()),
        ({"a": {"is_null": True}}, field("a").is_null()),
        ({"a": {"between": (1, 2)}}, field("a").between(1, 2)),
        ({"a": {"prefix": "x"}}, field("a").prefix("x")),
        ({"d": datetime(2024, 1, 2)}, field("d") == datetime(2024, 1, 2)),
        ({"d": {"$datetime": "2024-01-02"}}, field("d") == datetime(2024, 1, 2)),
        ({"d": {">": {"$datetime": "2024-01-02"}}}, field("d") > datetime(2024, 1, 2)),
        ({"$has_id": [1, {"$uuid": str(UUID(int=5))}]}, has_id([1, UUID(int=5)])),
        ({"$$and": 1}, field("$and") == 1),
        ({"$$$x": {"==": 1}}, field("$$x") == 1),
        ({"and": {"in": []}}, field("and").in_([])),
    ],
)
def test_spellings(spelling: dict[str, Any], expression: Expression) -> None:
    assert from_dict(spelling) == expression


@pytest.mark.parametrize(
    ("spelling", "position", "reason"),
    [
        ({}, "", "nothing to match"),
        ({"$and": []}, "$and", "nothing to match"),
        ({"$and": {"a": 1}}, "$and", "list of dicts"),
        ({"$and": [{"a": 1}, 5]}, "$and[1]", "expected a dict"),
        ({"$or": [{"a": 1}, {"$not": {"b": {"=~": 1}}}]}, "$or[1].$not.b", "unknown operator '=~'"),
        ({"$nor": []}, "$nor", "expected $and, $or, $not, $has_id or a field"),
        ({"a": {}}, "a", "nothing to match"),
        ({"a": {5: 1}}, "a", "unknown operator 5"),
        ({5: 1}, "5", "expected a str as key"),
        ({"a..b": 1}, "a..b", "not the name of a field"),
        ({"a": None}, "a", "is_null"),
        ({"a": [1]}, "a", "in_"),
        ({"$and": [{"year": {">": True}}]}, "$and[0].year.>", "no order"),
        ({"year": {"in": 5}}, "year.in", "list of values"),
        ({"year": {"in": [1, {"$datetime": "x"}]}}, "year.in[1]", "ISO 8601"),
        ({"year": {"in": [{"x": 1}]}}, "year.in[0]", "$datetime"),
        ({"year": {"between": [1]}}, "year.between", "[low, high]"),
        ({"year": {"between": {1, 2}}}, "year.between", "[low, high]"),
        ({"year": {"between": [1, "2"]}}, "year.between", "one type"),
        ({"year": {"exists": 1}}, "year.exists", "true or false"),
        ({"year": {"prefix": 1}}, "year.prefix", "prefix needs a str"),
        ({"$has_id": 5}, "$has_id", "list of ids"),
        ({"$has_id": [{"$uuid": "x"}]}, "$has_id[0]", "$uuid"),
        ({"$has_id": [{"uuid": "x"}]}, "$has_id[0]", "$uuid"),
        ({"$has_id": [{"$uuid": 5}]}, "$has_id[0]", "$uuid"),
        ({"$has_id": [-1]}, "$has_id", "0 .. 2**63-1"),
        ({"a": {"in": list(range(limits.FILTER_LIST + 1))}}, "a.in", "more than 100000"),
        ({"$or": [{"a": 1}] * (limits.FILTER_CONDITIONS + 1)}, "$or[1024].a", "more than 1024"),
        ({"$and": [{"$or": [{"a": 1}] * 1000}] * 1000}, "$and[1].$or[24].a", "more than 1024"),
    ],
)
def test_refusals_name_the_place(spelling: dict[str, Any], position: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        from_dict(spelling)
    assert caught.value.position == position
    assert reason in caught.value.reason


def test_hostile_depth_is_refused_and_never_a_recursion_error() -> None:
    spelling: dict[str, Any] = {"a": 1}
    for _ in range(10_000):
        spelling = {"$not": spelling}
    with pytest.raises(FilterError, match="nested more than 16"):
        from_dict(spelling)


def test_the_deepest_expression_round_trips() -> None:
    expression: Expression = Exists("a")
    for _ in range(limits.FILTER_DEPTH - 1):
        expression = ~expression
    assert from_dict(to_dict(expression)) == expression
