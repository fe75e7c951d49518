"""Random filters and payloads from small pools, so that they meet."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from vecdb.filters.expression import (
    OPERATORS,
    AllOf,
    And,
    AnyOf,
    Between,
    Compare,
    Exists,
    Expression,
    HasId,
    IsNull,
    NoneOf,
    Not,
    Or,
    Prefix,
    Scalar,
)
from vecdb.ids import Id
from vecdb.schema import FieldType

FIELDS: dict[str, FieldType] = {
    "lang": "keyword",
    "year": "integer",
    "price": "float",
    "seen": "boolean",
    "published": "datetime",
    "author.born": "datetime",
}
NAMES = [*FIELDS, "free", "author.name", "author", "absent"]
IDS: list[Id] = [0, 1, 2**63 - 1, "1", "b", UUID(int=1)]

TEXTS: list[str] = [
    "",
    "a",
    "ab",
    "b",
    "é",
    "1",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2024-01-01T02:00+02:00",
    "2024-13-01",
]
NUMBERS: list[int | float] = [0, 1, 2, -3, 1.0, 1.5, 2**53, float(2**53), 2**53 + 1, -(2**63), 2**64 - 1]
INSTANTS = [
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
]

json_scalars = st.sampled_from([*TEXTS, *NUMBERS, True, False, None])
json_values = st.one_of(
    json_scalars,
    st.lists(st.one_of(json_scalars, st.just([1]), st.just({"a": 1})), max_size=4),
    st.just({"deep": 1}),
)
OPERANDS: list[Scalar] = [*TEXTS, *NUMBERS, True, False, *INSTANTS]
operands = st.sampled_from(OPERANDS)
ids = st.sampled_from(IDS)


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    flat = draw(st.dictionaries(st.sampled_from([*NAMES, "other"]), json_values, max_size=6))
    payload: dict[str, Any] = {}
    for name, value in flat.items():
        first, _, second = name.partition(".")
        if not second:
            payload.setdefault(first, value)
        elif isinstance(payload.setdefault(first, {}), dict):
            payload[first][second] = value
    return payload


@st.composite
def conditions(draw: st.DrawFn) -> Expression:
    kind = draw(st.sampled_from(["compare", "listed", "between", "prefix", "bare", "has_id"]))
    name = draw(st.sampled_from(NAMES))
    if kind == "compare":
        operator = draw(st.sampled_from(OPERATORS))
        value = draw(operands.filter(lambda value: operator in ("==", "!=") or not isinstance(value, bool)))
        return Compare(name, operator, value)
    if kind == "listed":
        listed = draw(st.sampled_from([AnyOf, AllOf, NoneOf]))
        return listed(name, tuple(draw(st.lists(operands, max_size=4))))
    if kind == "between":
        pool: list[Scalar] = draw(st.sampled_from([list[Scalar](TEXTS), list[Scalar](NUMBERS), list[Scalar](INSTANTS)]))
        return Between(name, draw(st.sampled_from(pool)), draw(st.sampled_from(pool)))
    if kind == "prefix":
        return Prefix(name, draw(st.sampled_from(TEXTS)))
    if kind == "bare":
        return draw(st.sampled_from([Exists, IsNull]))(name)
    return HasId(tuple(draw(st.lists(ids, max_size=3))))


expressions = st.recursive(
    conditions(),
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=4).map(lambda operands: And(tuple(operands))),
        st.lists(parts, min_size=1, max_size=4).map(lambda operands: Or(tuple(operands))),
        parts.map(Not),
    ),
    max_leaves=10,
)

# Names and texts of any characters that the expression itself accepts, for the spellings.
any_names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters=".[]"), min_size=1, max_size=8),
    min_size=1,
    max_size=3,
).map(".".join)
any_operands = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))])),
)
any_ids = st.one_of(
    st.integers(0, 2**63 - 1), st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), st.uuids()
)
any_conditions = st.one_of(
    st.builds(Compare, any_names, st.sampled_from(["==", "!="]), any_operands),
    st.builds(
        lambda kind, name, values: kind(name, values),
        st.sampled_from([AnyOf, AllOf, NoneOf]),
        any_names,
        st.lists(any_operands, max_size=4).map(tuple),
    ),
    st.builds(Prefix, any_names, st.text(st.characters(codec="utf-8"), max_size=12)),
    st.builds(Exists, any_names),
    st.builds(HasId, st.lists(any_ids, max_size=4).map(tuple)),
)
