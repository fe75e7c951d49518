"""Filters as predicates over stored payloads; the one statement of what each operator matches.

- A list-valued field matches a condition when any one of its values does, and all_of when they cover the operands.
- != and `not in` match exactly the rows that == and `in` leave: rows without the field, with null, with another type.
- int and float compare as numbers, exactly; True is no number. Text compares by code point; nothing is normalised.
- A datetime field compares as instants, a naive one as UTC, and an operand for it may be a datetime or ISO 8601 text.
  On an undeclared field a datetime operand matches text that is ISO 8601, and a text operand is text.
- A value of another type than the operand does not match. An ordering operator, between or prefix whose operand cannot
  be of the declared type of the field is a FilterError when the filter is compiled, before any row is read; == and its
  kin match nothing then.
- exists: the field is there, null and [] too. is_null: it is there and null. A path through anything but dicts is not
  there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from operator import ge, gt, le, lt
from typing import Any, Final

from vecdb.errors import FilterError, brief
from vecdb.filters.expression import (
    ORDERING,
    AllOf,
    And,
    AnyOf,
    Between,
    Compare,
    Exists,
    Expression,
    FieldCondition,
    HasId,
    IsNull,
    NoneOf,
    Not,
    Or,
    Prefix,
    Scalar,
)
from vecdb.ids import Id
from vecdb.instant import instant_of, parse_instant
from vecdb.payload import MISSING, field_value
from vecdb.schema import FieldType

Predicate = Callable[[Mapping[str, Any], Id], bool]


def compile_filter(expression: Expression, fields: Mapping[str, FieldType]) -> Predicate:
    """A predicate over a decoded payload and its id, stateless and shareable; FilterError as check_filter."""
    check_filter(expression, fields)
    return _compiled(expression, fields)


def check_filter(expression: Expression, fields: Mapping[str, FieldType]) -> None:
    """FilterError, with its place in the tree (and[1].not.year), if a condition contradicts a declared field."""
    for place, condition in _conditions(expression, ""):
        kind = fields.get(condition.name)
        if kind is None:
            continue
        expected = _ORDERED_AS[kind]
        for operator, operand in _ordering_operands(condition):
            if operator == "prefix" and kind != "keyword":
                accepts = "it takes a keyword field"
            elif expected is None:
                accepts = "it has no order"
            elif _is_ordered_as(expected, operand):
                continue
            else:
                accepts = f"it compares with {expected}"
            reason = f"{operator} {brief(operand)} against the {kind} field '{condition.name}': {accepts}"
            raise FilterError(position=place, reason=reason)


_TEXT: Final = "a str"
_NUMBER: Final = "a number"
_INSTANT: Final = "a datetime or ISO 8601 text"
_ORDERED_AS: Final[dict[FieldType, str | None]] = {
    "keyword": _TEXT,
    "integer": _NUMBER,
    "float": _NUMBER,
    "boolean": None,
    "datetime": _INSTANT,
}
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}

_Read = Callable[[Mapping[str, Any]], Any]
_Test = Callable[[Any], bool]


def _conditions(expression: Expression, place: str) -> Iterator[tuple[str, FieldCondition]]:
    dot = f"{place}." if place else ""
    match expression:
        case And(operands) | Or(operands):
            kind = type(expression).__name__.lower()
            for position, part in enumerate(operands):
                yield from _conditions(part, f"{dot}{kind}[{position}]")
        case Not(operand):
            yield from _conditions(operand, f"{dot}not")
        case FieldCondition(name):
            yield f"{dot}{name}", expression


def _ordering_operands(condition: FieldCondition) -> Iterator[tuple[str, Scalar]]:
    match condition:
        case Compare(_, operator, value) if operator in ORDERING:
            yield operator, value
        case Between(_, low, high):
            yield "between", low
            yield "between", high
        case Prefix(_, text):
            yield "prefix", text


def _is_ordered_as(expected: str, operand: Scalar) -> bool:
    if expected == _TEXT:
        return isinstance(operand, str)
    if expected == _NUMBER:
        return isinstance(operand, int | float)
    return isinstance(operand, datetime) or (isinstance(operand, str) and parse_instant(operand) is not None)


def _compiled(expression: Expression, fields: Mapping[str, FieldType]) -> Predicate:
    match expression:
        case And(operands):
            parts = [_compiled(operand, fields) for operand in operands]
            return lambda payload, row_id: all(part(payload, row_id) for part in parts)
        case Or(operands):
            parts = [_compiled(operand, fields) for operand in operands]
            return lambda payload, row_id: any(part(payload, row_id) for part in parts)
        case Not(operand):
            return _inverse(_compiled(operand, fields))
        case HasId(ids):
            wanted = frozenset(ids)
            return lambda _payload, row_id: row_id in wanted
        case FieldCondition():
            return _compiled_condition(expression, fields.get(expression.name) == "datetime")
    raise AssertionError(f"no such expression: {type(expression).__name__}")


def _compiled_condition(condition: FieldCondition, is_datetime: bool) -> Predicate:
    read = _reader(condition.name)
    match condition:
        case Compare(_, "==", value):
            return _any_value(read, _Operands((value,), is_datetime).holds)
        case Compare(_, "!=", value):
            return _inverse(_any_value(read, _Operands((value,), is_datetime).holds))
        case Compare(_, operator, value):
            return _any_value(read, _ordered(_ORDER[operator], value, is_datetime))
        case AnyOf(_, values):
            return _any_value(read, _Operands(values, is_datetime).holds)
        case NoneOf(_, values):
            return _inverse(_any_value(read, _Operands(values, is_datetime).holds))
        case AllOf(_, values):
            operands = _Operands(values, is_datetime)
            return lambda payload, _row_id: operands.covered_by(read(payload))
        case Between(_, low, high):
            above = _ordered(ge, low, is_datetime)
            below = _ordered(le, high, is_datetime)
            return _any_value(read, lambda value: above(value) and below(value))
        case Prefix(_, text):
            return _any_value(read, lambda value: value.__class__ is str and value.startswith(text))
        case Exists():
            return lambda payload, _row_id: read(payload) is not MISSING
        case IsNull():
            return lambda payload, _row_id: read(payload) is None
    raise AssertionError(f"no such condition: {type(condition).__name__}")


def _reader(name: str) -> _Read:
    path = tuple(name.split("."))
    if len(path) == 1:
        return lambda payload: payload.get(name, MISSING)
    return lambda payload: field_value(payload, path)


def _inverse(predicate: Predicate) -> Predicate:
    return lambda payload, row_id: not predicate(payload, row_id)


def _any_value(read: _Read, test: _Test) -> Predicate:
    def matches(payload: Mapping[str, Any], _row_id: Id) -> bool:
        value = read(payload)
        return any(map(test, value)) if value.__class__ is list else test(value)

    return matches


def _ordered(order: Callable[[Any, Any], bool], operand: Scalar, is_datetime: bool) -> _Test:
    if isinstance(operand, datetime) or (is_datetime and isinstance(operand, str)):
        bound = instant_of(operand) if isinstance(operand, datetime) else parse_instant(operand)

        def instant_test(value: Any) -> bool:
            instant = parse_instant(value) if value.__class__ is str else None
            return instant is not None and order(instant, bound)

        return instant_test
    if isinstance(operand, str):
        return lambda value: value.__class__ is str and order(value, operand)
    return lambda value: (value.__class__ is int or value.__class__ is float) and order(value, operand)


class _Operands:
    """A set of operands by kind, since True, 1 and "1" are three and a datetime compares as its instant."""

    __slots__ = ("_booleans", "_instants", "_numbers", "_texts", "_unmatchable")

    def __init__(self, values: Iterable[Scalar], is_datetime: bool) -> None:
        self._booleans: set[bool] = set()
        self._numbers: set[int | float] = set()
        self._texts: set[str] = set()
        self._instants: set[int] = set()
        self._unmatchable = False
        for value in values:
            if isinstance(value, bool):
                self._booleans.add(value)
            elif isinstance(value, int | float):
                self._numbers.add(value)
            elif isinstance(value, datetime):
                self._instants.add(instant_of(value))
            elif not is_datetime:
                self._texts.add(value)
            elif (instant := parse_instant(value)) is not None:
                self._instants.add(instant)
            else:
                self._unmatchable = True

    def holds(self, value: Any) -> bool:
        """True if one value, not a list, equals an operand."""
        kind = value.__class__
        if kind is str:
            return value in self._texts or (bool(self._instants) and parse_instant(value) in self._instants)
        if kind is int or kind is float:
            return value in self._numbers
        return kind is bool and value in self._booleans

    def covered_by(self, value: Any) -> bool:
        """True if every operand equals the value or one in its list."""
        if self._unmatchable:
            return False
        values = value if value.__class__ is list else [value]
        texts = {value for value in values if value.__class__ is str}
        return (
            self._texts <= texts
            and self._numbers <= {value for value in values if value.__class__ is int or value.__class__ is float}
            and self._booleans <= {value for value in values if value.__class__ is bool}
            and (not self._instants or self._instants <= set(map(parse_instant, texts)))
        )
