"""Filters as plain dicts: what to_dict writes is JSON, and from_dict reads it back to an equal expression.

    {"lang": "en"}                                       a value: ==
    {"year": {">=": 2020, "<": 2024}}                    operators, all of which must match
    {"$and": [...]}  {"$or": [...]}  {"$not": {...}}     several keys in one dict: all must match
    {"$has_id": [1, "b", {"$uuid": "..."}]}

Operators: == != < <= > >= with a value; in, not in, any_of, all_of, none_of with a list; between with [low, high];
prefix with a str; exists and is_null with true or false. A datetime is an object or {"$datetime": "2024-01-02T03:04"}.
A field whose name begins with $ is written with $$.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from vecdb import limits
from vecdb.errors import FilterError, brief
from vecdb.filters.expression import (
    OPERATORS,
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
    Operator,
    Or,
    Prefix,
    Scalar,
)
from vecdb.ids import Id


def to_dict(expression: Expression) -> dict[str, Any]:
    """The canonical dict of an expression, of JSON values only."""
    match expression:
        case And(operands):
            return {"$and": [to_dict(operand) for operand in operands]}
        case Or(operands):
            return {"$or": [to_dict(operand) for operand in operands]}
        case Not(operand):
            return {"$not": to_dict(operand)}
        case HasId(ids):
            return {"$has_id": [{"$uuid": str(value)} if isinstance(value, UUID) else value for value in ids]}
        case FieldCondition(name):
            operator, operand = _operator_and_operand(expression)
            return {f"${name}" if name.startswith("$") else name: {operator: operand}}
    raise AssertionError(f"no such expression: {type(expression).__name__}")


def from_dict(spelling: Mapping[str, Any]) -> Expression:
    """The expression of a dict; FilterError with the place in it ($and[1].year.>=) if it is not one."""
    return _Reader().expression(spelling, "", depth=1)


_Build = Callable[[str, Any, str], Expression]


def _operator_and_operand(condition: FieldCondition) -> tuple[str, Any]:
    match condition:
        case Compare(_, operator, value):
            return operator, _to_json(value)
        case AnyOf(_, values):
            return "in", list(map(_to_json, values))
        case NoneOf(_, values):
            return "not in", list(map(_to_json, values))
        case AllOf(_, values):
            return "all_of", list(map(_to_json, values))
        case Between(_, low, high):
            return "between", [_to_json(low), _to_json(high)]
        case Prefix(_, text):
            return "prefix", text
        case Exists():
            return "exists", True
        case IsNull():
            return "is_null", True
    raise AssertionError(f"no such condition: {type(condition).__name__}")


def _to_json(value: Scalar) -> Any:
    return {"$datetime": value.isoformat()} if isinstance(value, datetime) else value


class _Reader:
    """Reads one dict. Depth and conditions are bounded here too, before the tree that would be refused is built."""

    def __init__(self) -> None:
        self._conditions = 0

    def expression(self, spelling: object, place: str, depth: int) -> Expression:
        if depth > limits.FILTER_DEPTH:
            raise FilterError(position=place, reason=f"nested more than {limits.FILTER_DEPTH} deep")
        if not isinstance(spelling, Mapping):
            raise FilterError(position=place, reason=f"expected a dict, received {brief(spelling)}")
        dot = f"{place}." if place else ""
        return _combined(And, [self._entry(key, value, dot, depth) for key, value in spelling.items()], place)

    def _entry(self, key: object, value: Any, dot: str, depth: int) -> Expression:
        if not isinstance(key, str):
            raise FilterError(position=f"{dot}{brief(key)}", reason="expected a str as key")
        place = f"{dot}{key if len(key) <= limits.FIELD_NAME_BYTES else brief(key)}"
        match key:
            case "$and" | "$or":
                if not isinstance(value, list | tuple):
                    raise FilterError(position=place, reason=f"expected a list of dicts, received {brief(value)}")
                parts = [self.expression(part, f"{place}[{row}]", depth + 1) for row, part in enumerate(value)]
                return _combined(And if key == "$and" else Or, parts, place)
            case "$not":
                return _located(place, lambda: Not(self.expression(value, place, depth + 1)))
            case "$has_id":
                self._count(place)
                return _located(place, lambda: HasId(_ids(value, place)))
        if key.startswith("$") and not key.startswith("$$"):
            raise FilterError(position=place, reason="expected $and, $or, $not, $has_id or a field")
        return self._condition(key.removeprefix("$"), value, place)

    def _condition(self, name: str, value: Any, place: str) -> Expression:
        if not isinstance(value, Mapping) or "$datetime" in value:
            self._count(place)
            return _located(place, lambda: Compare(name, "==", _from_json(value, place)))
        parts: list[Expression] = []
        for operator, operand in value.items():
            self._count(place)
            build = _BUILDERS.get(operator) if isinstance(operator, str) else None
            if build is None:
                reason = f"unknown operator {brief(operator)}, expected one of {', '.join(_BUILDERS)}"
                raise FilterError(position=place, reason=reason)
            parts.append(_built(build, name, operand, f"{place}.{operator}"))
        return _combined(And, parts, place)

    def _count(self, place: str) -> None:
        self._conditions += 1
        if self._conditions > limits.FILTER_CONDITIONS:
            raise FilterError(position=place, reason=f"more than {limits.FILTER_CONDITIONS} conditions")


def _built(build: _Build, name: str, operand: Any, place: str) -> Expression:
    return _located(place, lambda: build(name, operand, place))


def _combined(kind: type[And] | type[Or], parts: list[Expression], place: str) -> Expression:
    if not parts:
        raise FilterError(position=place, reason="nothing to match: expected at least one condition")
    return parts[0] if len(parts) == 1 else _located(place, lambda: kind(tuple(parts)))


def _located(place: str, build: Callable[[], Expression]) -> Expression:
    """What `build` gives; the errors of a constructor know the field, those of this module already know the place."""
    try:
        return build()
    except FilterError as error:
        if isinstance(error.position, str) and error.position.startswith(place):
            raise
        raise FilterError(position=place, reason=error.reason) from None


def _from_json(value: Any, place: str) -> Scalar:
    if not isinstance(value, Mapping):
        return cast(Scalar, value)
    text = value.get("$datetime")
    if len(value) != 1 or not isinstance(text, str):
        raise FilterError(position=place, reason=f"expected a value or $datetime with a str, received {brief(value)}")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(position=place, reason=f"not an ISO 8601 datetime: {brief(text)}") from None


def _list_from_json(value: Any, place: str) -> tuple[Scalar, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise FilterError(position=place, reason=f"expected a list of values, received {brief(value)}")
    return tuple(_from_json(element, f"{place}[{position}]") for position, element in enumerate(value))


def _ids(value: Any, place: str) -> tuple[Id, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise FilterError(position=place, reason=f"expected a list of ids, received {brief(value)}")
    return tuple(_id(element, f"{place}[{position}]") for position, element in enumerate(value))


def _id(value: Any, place: str) -> Id:
    if not isinstance(value, Mapping):
        return cast(Id, value)
    try:
        return UUID(value["$uuid"] if len(value) == 1 else None)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FilterError(position=place, reason=f"expected an id or $uuid, received {brief(value)}") from None


def _compare(operator: Operator) -> _Build:
    return lambda name, operand, place: Compare(name, operator, _from_json(operand, place))


def _between(name: str, operand: Any, place: str) -> Expression:
    bounds = _list_from_json(operand, place)
    if not isinstance(operand, list | tuple) or len(bounds) != 2:
        raise FilterError(position=place, reason=f"expected [low, high], received {brief(operand)}")
    return Between(name, *bounds)


def _presence(kind: type[Exists] | type[IsNull]) -> _Build:
    def build(name: str, operand: Any, place: str) -> Expression:
        if not isinstance(operand, bool):
            raise FilterError(position=place, reason=f"expected true or false, received {brief(operand)}")
        return kind(name) if operand else Not(kind(name))

    return build


_BUILDERS: Final[dict[str, _Build]] = {
    **{operator: _compare(operator) for operator in OPERATORS},
    "in": lambda name, operand, place: AnyOf(name, _list_from_json(operand, place)),
    "not in": lambda name, operand, place: NoneOf(name, _list_from_json(operand, place)),
    "any_of": lambda name, operand, place: AnyOf(name, _list_from_json(operand, place)),
    "all_of": lambda name, operand, place: AllOf(name, _list_from_json(operand, place)),
    "none_of": lambda name, operand, place: NoneOf(name, _list_from_json(operand, place)),
    "between": _between,
    "prefix": lambda name, operand, _place: Prefix(name, operand),
    "exists": _presence(Exists),
    "is_null": _presence(IsNull),
}
