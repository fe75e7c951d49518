"""Filters survive the wire with the types of their operands; those of others are bounded and refused with a place."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.filters.strategies import any_conditions, expressions
from vecdb import limits
from vecdb.errors import FilterError
from vecdb.filters import field
from vecdb.filters.expression import And, AnyOf, Compare, Expression, HasId, Scalar
from vecdb.proto.convert.filters import filter_from_message, filter_to_message, value_from_message, value_to_message
from vecdb.proto.v1 import types_pb2
from vecdb.proto.v1.types_pb2 import Comparison, Filter, Filters, Interval, Listed, Value

ONE = Value(integer=1)
EXISTS = Filter(exists="a")


def sent(expression: Expression) -> Expression | None:
    return filter_from_message(Filter.FromString(filter_to_message(expression).SerializeToString()))


@given(st.one_of(expressions, any_conditions))
def test_filters_come_back_equal(expression: Expression) -> None:
    assert sent(expression) == expression


def test_no_filter_is_every_row() -> None:
    assert filter_to_message(None) == Filter()
    assert filter_from_message(Filter()) is None


def test_a_filter_is_the_message_that_its_names_say() -> None:
    where = (field("lang") == "en") & ~field("year").between(2020, 2024)
    english = Filter(comparison=Comparison(field="lang", operator="OPERATOR_EQUAL", value=Value(text="en")))
    between = Filter(between=Interval(field="year", low=Value(integer=2020), high=Value(integer=2024)))
    expected = Filter(conjunction=Filters(operands=[english, Filter(negation=between)]))
    assert filter_to_message(where) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, Value(integer=1)),
        (1.0, Value(number=1)),
        (True, Value(boolean=True)),
        ("1", Value(text="1")),
        (-(2**63), Value(integer=-(2**63))),
        (2**63 - 1, Value(integer=2**63 - 1)),
        (2**63, Value(large_integer=2**63)),
        (2**64 - 1, Value(large_integer=2**64 - 1)),
        (datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC), Value(instant_microseconds=1_000_005)),
        (datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), Value(instant_microseconds=0)),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), Value(instant_microseconds=-1_000_000)),
    ],
)
def test_operands_keep_their_type(value: Scalar, message: Value) -> None:
    assert value_to_message(value) == message
    found = value_from_message(message, "")
    assert (type(found), found) == (type(value), value)


@given(st.datetimes(timezones=st.timezones()))
def test_datetimes_are_instants(moment: datetime) -> None:
    found = value_from_message(value_to_message(moment), "")
    assert isinstance(found, datetime)
    assert found - moment == timedelta()


@pytest.mark.parametrize("microseconds", [2**63 - 1, -(2**63)])
def test_instants_outside_of_the_calendar_are_refused(microseconds: int) -> None:
    with pytest.raises(FilterError, match="microseconds since 1970"):
        value_from_message(Value(instant_microseconds=microseconds), "a")


def negated(levels: int) -> Filter:
    message = Filter(exists="a")
    for _ in range(levels):
        message = Filter(negation=message)
    return message


REFUSED: list[tuple[Filter, str, str]] = [
    (Filter(negation=Filter()), "$not", "nothing to match"),
    (Filter(conjunction=Filters()), "$and", "and of nothing"),
    (Filter(disjunction=Filters()), "$or", "or of nothing"),
    (Filter(conjunction=Filters(operands=[EXISTS, Filter()])), "$and[1]", "nothing to match"),
    (Filter(comparison=Comparison(field="a", value=ONE)), "a", "unknown operator 0"),
    (Filter(comparison=Comparison(field="a", operator=77, value=ONE)), "a", "unknown operator 77"),  # type: ignore[arg-type]
    (Filter(comparison=Comparison(field="a", operator=1)), "a.==", "not set"),  # type: ignore[arg-type]
    (Filter(comparison=Comparison(field="a", operator=3, value=Value(boolean=True))), "a.<", "no order"),  # type: ignore[arg-type]
    (Filter(comparison=Comparison(field="a..b", operator=1, value=ONE)), "a..b.==", "not the name"),  # type: ignore[arg-type]
    (Filter(comparison=Comparison(operator=1, value=ONE)), ".==", "not the name"),  # type: ignore[arg-type]
    (Filter(comparison=Comparison(field="a", operator=1, value=Value(number=float("nan")))), "a.==", "finite"),  # type: ignore[arg-type]
    (Filter(any_of=Listed(field="a", values=[ONE, Value()])), "a.in[1]", "not set"),
    (Filter(none_of=Listed(field="a", values=[Value(number=float("inf"))])), "a.not in", "finite"),
    (Filter(all_of=Listed(field="$a", values=[Value()])), "$$a.all_of[0]", "not set"),
    (Filter(between=Interval(field="a", low=ONE)), "a.between[1]", "not set"),
    (Filter(between=Interval(field="a", low=ONE, high=Value(text="x"))), "a.between", "two bounds of one type"),
    (Filter(exists=""), ".exists", "not the name"),
    (Filter(is_null="a[0]"), "a[0].is_null", "not the name"),
    (Filter(prefix=types_pb2.Prefix(text="x")), ".prefix", "not the name"),
    (Filter(has_id=types_pb2.Ids(integers=b"123")), "$has_id", "8 bytes an id"),
    (Filter(has_id=types_pb2.Ids(integers=b"\xff" * 8)), "$has_id", "0 .. 2**63-1"),
    (Filter(has_id=types_pb2.Ids(texts=types_pb2.Texts(values=["a", ""]))), "$has_id", "UTF-8 bytes"),
    (
        Filter(conjunction=Filters(operands=[EXISTS, Filter(negation=Filter(exists="."))])),
        "$and[1].$not...exists",
        "not the name",
    ),
]


@pytest.mark.parametrize(("message", "position", "reason"), REFUSED)
def test_what_has_no_meaning_is_refused_with_its_place(message: Filter, position: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        filter_from_message(message)
    assert (caught.value.position, reason in caught.value.reason) == (position, True), caught.value


def test_depth_is_bounded() -> None:
    assert filter_from_message(negated(limits.FILTER_DEPTH - 1)) is not None
    for levels in (limits.FILTER_DEPTH, 40):
        with pytest.raises(FilterError, match=f"nested more than {limits.FILTER_DEPTH}"):
            filter_from_message(negated(levels))


def test_depth_is_bounded_where_and_within_and_would_be_merged() -> None:
    message = EXISTS
    for _ in range(40):
        message = Filter(conjunction=Filters(operands=[message]))
    with pytest.raises(FilterError, match="nested more than"):
        filter_from_message(message)


def test_conditions_are_bounded() -> None:
    most = [EXISTS] * limits.FILTER_CONDITIONS
    assert isinstance(filter_from_message(Filter(disjunction=Filters(operands=most))), Expression)
    with pytest.raises(FilterError, match="more than 1024 conditions"):
        filter_from_message(Filter(disjunction=Filters(operands=[*most, EXISTS])))
    spread = Filter(conjunction=Filters(operands=[Filter(disjunction=Filters(operands=most)), EXISTS]))
    with pytest.raises(FilterError, match="more than 1024 conditions"):
        filter_from_message(spread)


@pytest.mark.parametrize("kind", ["any_of", "has_id integers", "has_id uuids"])
def test_lists_are_bounded_before_values_are_made(kind: str) -> None:
    count = 20 * limits.FILTER_LIST
    message = Filter()
    match kind:
        case "any_of":
            message.any_of.field = "a"
            message.any_of.values.extend([Value()] * count)  # unset: reading even one would be another refusal
        case "has_id integers":
            message.has_id.integers = bytes(8 * count)
        case "has_id uuids":
            message.has_id.uuids = bytes(16 * count)
    began = time.perf_counter()
    with pytest.raises(FilterError, match=f"more than {limits.FILTER_LIST} values"):
        filter_from_message(message)
    assert time.perf_counter() - began < 1


def test_the_longest_lists_are_read() -> None:
    numbers = tuple(range(limits.FILTER_LIST))
    for where in (AnyOf("a", numbers), HasId(numbers), HasId(tuple(map(UUID, map("{:032x}".format, numbers[:1000]))))):
        assert sent(where) == where


def test_a_name_of_any_length_gives_a_short_error() -> None:
    with pytest.raises(FilterError) as caught:
        filter_from_message(Filter(exists="a" * 10**6))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("operand", [1, 1.0, True])
def test_numbers_and_truth_are_not_mixed_up(operand: Any) -> None:
    found = sent(And((Compare("a", "==", operand), Compare("b", "!=", operand))))
    assert isinstance(found, And)
    assert [type(part.value) for part in found.operands if isinstance(part, Compare)] == [type(operand)] * 2
