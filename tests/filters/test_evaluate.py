"""Predicates against the reference evaluator, and each rule of the contract by name."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import event, given, settings

from tests.filters import reference
from tests.filters.strategies import FIELDS, expressions, ids, payloads
from vecdb.errors import FilterError
from vecdb.filters import Expression, check_filter, compile_filter, field, has_id, to_dict
from vecdb.ids import Id
from vecdb.schema import FieldType


@settings(max_examples=400, deadline=None)
@given(expressions, payloads(), ids)
def test_any_filter_matches_what_the_reference_matches(
    expression: Expression, payload: dict[str, Any], row_id: Id
) -> None:
    spelling = to_dict(expression)
    if reference.is_refused(spelling, FIELDS):
        event("refused")
        with pytest.raises(FilterError):
            compile_filter(expression, FIELDS)
        return
    expected = reference.matches(spelling, payload, row_id, dict(FIELDS))
    event(f"matches: {expected}")
    assert compile_filter(expression, FIELDS)(payload, row_id) is expected
    assert compile_filter(~expression, FIELDS)(payload, row_id) is not expected


@settings(max_examples=200, deadline=None)
@given(expressions, payloads(), ids)
def test_without_declared_fields_nothing_is_refused(
    expression: Expression, payload: dict[str, Any], row_id: Id
) -> None:
    expected = reference.matches(to_dict(expression), payload, row_id, {})
    assert compile_filter(expression, {})(payload, row_id) is expected


@pytest.mark.parametrize(
    ("expression", "payload", "expected"),
    [
        (field("tags") == "a", {"tags": ["b", "a"]}, True),
        (field("tags") == "a", {"tags": []}, False),
        (field("tags") != "a", {"tags": ["b", "a"]}, False),
        (field("tags") != "a", {}, True),
        (field("tags") != "a", {"tags": None}, True),
        (field("tags") != "a", {"tags": 1}, True),
        (field("tags").not_in(["a"]), {}, True),
        (field("tags").none_of(["a"]), {"tags": ["a"]}, False),
        (field("tags").in_([]), {"tags": ["a"]}, False),
        (field("tags").all_of(["a", "b"]), {"tags": ["b", "c", "a"]}, True),
        (field("tags").all_of(["a", "b"]), {"tags": ["a"]}, False),
        (field("tags").all_of(["a"]), {"tags": "a"}, True),
        (field("tags").all_of([]), {}, True),
        (field("n") == 1, {"n": 1.0}, True),
        (field("n") == 1, {"n": True}, False),
        (field("n") == True, {"n": 1}, False),  # noqa: E712
        (field("n") == "1", {"n": 1}, False),
        (field("n") == 2**53 + 1, {"n": float(2**53)}, False),
        (field("n") > 1, {"n": "2"}, False),
        (field("n") > 1, {"n": True}, False),
        (field("n") > 1, {"n": None}, False),
        (field("n") > 1, {"n": [0, 5]}, True),
        (field("n").between(1, 3), {"n": 3}, True),
        (field("n").between(1, 3), {"n": [0, 9]}, False),
        (field("n").between(3, 1), {"n": 2}, False),
        (field("n").exists(), {"n": None}, True),
        (field("n").exists(), {}, False),
        (field("n").is_null(), {"n": None}, True),
        (field("n").is_null(), {}, False),
        (field("n").is_null(), {"n": [None]}, False),
        (field("t").prefix("é"), {"t": "éa"}, True),
        (field("t").prefix("é"), {"t": "e\u0301a"}, False),
        (field("t").prefix(""), {"t": 5}, False),
        (field("a.b") == 1, {"a": {"b": 1}}, True),
        (field("a.b") == 1, {"a.b": 1}, False),
        (field("a.b") == 1, {"a": [{"b": 1}]}, False),
        (field("a.b").exists(), {"a": 3}, False),
        (field("d") >= date(2024, 1, 1), {"d": "2024-01-01T01:00:00+01:00"}, True),
        (field("d") > datetime(2024, 1, 1), {"d": "2024-01-01T00:30:00+01:00"}, False),
        (field("d") == datetime(2024, 1, 1, tzinfo=UTC), {"d": "2024-01-01"}, True),
        (field("d") == "2024-01-01", {"d": "2024-01-01T00:00:00"}, False),
    ],
)
def test_rules_on_undeclared_fields(expression: Expression, payload: dict[str, Any], expected: bool) -> None:
    assert compile_filter(expression, {})(payload, 1) is expected


def test_text_compares_as_an_instant_with_a_datetime_field() -> None:
    fields: dict[str, FieldType] = {"d": "datetime"}
    stored = {"d": "2024-01-01T02:00:00+02:00"}
    assert compile_filter(field("d") == "2024-01-01", fields)(stored, 1)
    assert compile_filter(field("d").between("2023-12-31", "2024-01-01"), fields)(stored, 1)
    assert compile_filter(field("d").in_(["x", "2024-01-01T00:00Z"]), fields)(stored, 1)
    assert not compile_filter(field("d") == "not a date", fields)(stored, 1)
    assert not compile_filter(field("d").all_of(["2024-01-01", "not a date"]), fields)(stored, 1)


def test_ids_match_by_type_and_value() -> None:
    predicate = compile_filter(has_id([5, "a", UUID(int=7)]), {})
    assert [predicate({}, row_id) for row_id in (5, "5", "a", UUID(int=7), 7)] == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("expression", "position", "reason"),
    [
        (field("year") > "2020", "year", "> '2020' against the integer field 'year': it compares with a number"),
        (field("lang") < 3, "lang", "< 3 against the keyword field 'lang': it compares with a str"),
        (field("seen") >= 1, "seen", ">= 1 against the boolean field 'seen': it has no order"),
        (field("published") < "soon", "published", "a datetime or ISO 8601 text"),
        (field("year").prefix("20"), "year", "prefix '20' against the integer field 'year': it takes a keyword field"),
        (
            (field("a") == 1) & ~(field("b").exists() | field("year").between("1", "2")),
            "and[1].not.or[1].year",
            "between '1' against",
        ),
    ],
)
def test_an_ordering_operator_against_the_wrong_type_names_the_place(
    expression: Expression, position: str, reason: str
) -> None:
    with pytest.raises(FilterError) as caught:
        check_filter(expression, FIELDS)
    assert caught.value.position == position
    assert reason in caught.value.reason


def test_equality_with_the_wrong_type_matches_nothing() -> None:
    assert not compile_filter(field("year") == "2020", FIELDS)({"year": 2020}, 1)
    assert compile_filter(field("year") != "2020", FIELDS)({"year": 2020}, 1)
