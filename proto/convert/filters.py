"""Filters as a tree of messages; they are values, never text, and go through the constructors of vecdb.filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, cast

from vecdb import limits
from vecdb.errors import FilterError, InvalidArgument
from vecdb.filters.expression import (
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
    Operator,
    Or,
    Prefix,
    Scalar,
)
from vecdb.ids import Id
from vecdb.instant import instant_of
from vecdb.proto.convert.ids import ids_count, ids_from_message, ids_to_message
from vecdb.proto.v1 import types_pb2


def filter_to_message(expression: Expression | None) -> types_pb2.Filter:
    """The message of a filter; one that holds nothing for None, which is every row."""
    match expression:
        case None:
            return types_pb2.Filter()
        case And(operands):
            return types_pb2.Filter(conjunction=_filters(operands))
        case Or(operands):
            return types_pb2.Filter(disjunction=_filters(operands))
        case Not(operand):
            return types_pb2.Filter(negation=filter_to_message(operand))
        case Compare(name, operator, value):
            comparison = types_pb2.Comparison(field=name, operator=_OPERATORS[operator], value=value_to_message(value))
            return types_pb2.Filter(comparison=comparison)
        case AnyOf(name, values):
            return types_pb2.Filter(any_of=_listed(name, values))
        case AllOf(name, values):
            return types_pb2.Filter(all_of=_listed(name, values))
        case NoneOf(name, values):
            return types_pb2.Filter(none_of=_listed(name, values))
        case Between(name, low, high):
            bounds = value_to_message(low), value_to_message(high)
            return types_pb2.Filter(between=types_pb2.Interval(field=name, low=bounds[0], high=bounds[1]))
        case Exists(name):
            return types_pb2.Filter(exists=name)
        case IsNull(name):
            return types_pb2.Filter(is_null=name)
        case Prefix(name, text):
            return types_pb2.Filter(prefix=types_pb2.Prefix(field=name, text=text))
        case HasId(ids):
            return types_pb2.Filter(has_id=ids_to_message(ids))
    raise AssertionError(f"no such expression: {type(expression).__name__}")


def filter_from_message(message: types_pb2.Filter) -> Expression | None:
    """The filter of a message, None if it holds nothing; FilterError with the place in it ($and[1].$not.year).

    Depth, conditions and the values of a list are counted before anything is made of them.
    """
    # A kind that is not known here has bytes all the same: such a filter does not mean every row.
    if message.WhichOneof("kind") is None and not message.ByteSize():
        return None
    return _Reader().expression(message, "", depth=1)


def value_to_message(value: Scalar) -> types_pb2.Value:
    """The message of an operand, of its exact type: 1, 1.0 and True stay three operands."""
    if isinstance(value, str):
        return types_pb2.Value(text=value)
    if isinstance(value, bool):
        return types_pb2.Value(boolean=value)
    if isinstance(value, int):
        return types_pb2.Value(integer=value) if value < 2**63 else types_pb2.Value(large_integer=value)
    if isinstance(value, float):
        return types_pb2.Value(number=value)
    return types_pb2.Value(instant_microseconds=instant_of(value))


def value_from_message(message: types_pb2.Value, position: str) -> Scalar:
    """The operand of a message, a datetime as its instant in UTC; FilterError at `position` if it holds none."""
    kind = message.WhichOneof("kind")
    if kind is None:
        raise FilterError(position=position, reason="a value that is not set; for null use is_null")
    if kind == "instant_microseconds":
        return _datetime(message.instant_microseconds, position)
    return cast(Scalar, getattr(message, kind))


class _Reader:
    """Reads one message, counting its conditions."""

    def __init__(self) -> None:
        self._conditions = 0

    def expression(self, message: types_pb2.Filter, place: str, depth: int) -> Expression:
        if depth > limits.FILTER_DEPTH:
            raise FilterError(position=place, reason=f"nested more than {limits.FILTER_DEPTH} deep")
        dot = f"{place}." if place else ""
        match message.WhichOneof("kind"):
            case "conjunction":
                place = f"{dot}$and"
                operands = self._operands(message.conjunction, place, depth)
                return _located(place, lambda: And(operands))
            case "disjunction":
                place = f"{dot}$or"
                operands = self._operands(message.disjunction, place, depth)
                return _located(place, lambda: Or(operands))
            case "negation":
                place = f"{dot}$not"
                operand = self.expression(message.negation, place, depth + 1)
                return _located(place, lambda: Not(operand))
            case None:
                raise FilterError(position=place, reason="nothing to match: expected a condition of a kind known here")
            case kind:
                self._count(place)
                return _CONDITIONS[kind](message, dot)

    def _operands(self, message: types_pb2.Filters, place: str, depth: int) -> tuple[Expression, ...]:
        return tuple(
            self.expression(operand, f"{place}[{row}]", depth + 1) for row, operand in enumerate(message.operands)
        )

    def _count(self, place: str) -> None:
        self._conditions += 1
        if self._conditions > limits.FILTER_CONDITIONS:
            raise FilterError(position=place, reason=f"more than {limits.FILTER_CONDITIONS} conditions")


def _compare(message: types_pb2.Filter, dot: str) -> Expression:
    comparison = message.comparison
    place = _field_place(dot, comparison.field)
    operator = _SPELLINGS.get(comparison.operator)
    if operator is None:
        raise FilterError(position=place, reason=f"unknown operator {comparison.operator}")
    place = f"{place}.{operator}"
    value = value_from_message(comparison.value, place)
    return _located(place, lambda: Compare(comparison.field, operator, value))


def _any_of(message: types_pb2.Filter, dot: str) -> Expression:
    return _listed_from(AnyOf, message.any_of, dot, "in")


def _all_of(message: types_pb2.Filter, dot: str) -> Expression:
    return _listed_from(AllOf, message.all_of, dot, "all_of")


def _none_of(message: types_pb2.Filter, dot: str) -> Expression:
    return _listed_from(NoneOf, message.none_of, dot, "not in")


def _between(message: types_pb2.Filter, dot: str) -> Expression:
    interval = message.between
    place = f"{_field_place(dot, interval.field)}.between"
    low = value_from_message(interval.low, f"{place}[0]")
    high = value_from_message(interval.high, f"{place}[1]")
    return _located(place, lambda: Between(interval.field, low, high))


def _exists(message: types_pb2.Filter, dot: str) -> Expression:
    return _located(f"{_field_place(dot, message.exists)}.exists", lambda: Exists(message.exists))


def _is_null(message: types_pb2.Filter, dot: str) -> Expression:
    return _located(f"{_field_place(dot, message.is_null)}.is_null", lambda: IsNull(message.is_null))


def _prefix(message: types_pb2.Filter, dot: str) -> Expression:
    prefix = message.prefix
    return _located(f"{_field_place(dot, prefix.field)}.prefix", lambda: Prefix(prefix.field, prefix.text))


def _has_id(message: types_pb2.Filter, dot: str) -> Expression:
    place = f"{dot}$has_id"
    try:
        _check_length(ids_count(message.has_id), place)
        ids = ids_from_message(message.has_id, place)
    except FilterError:
        raise
    except InvalidArgument as error:
        raise FilterError(position=place, reason=str(error)) from None
    values = cast("list[Id]", ids if isinstance(ids, list) else ids.tolist())
    return _located(place, lambda: HasId(tuple(values)))


_CONDITIONS: Final[dict[str, Callable[[types_pb2.Filter, str], Expression]]] = {
    "comparison": _compare,
    "any_of": _any_of,
    "all_of": _all_of,
    "none_of": _none_of,
    "between": _between,
    "exists": _exists,
    "is_null": _is_null,
    "prefix": _prefix,
    "has_id": _has_id,
}
_OPERATORS: Final[dict[Operator, types_pb2.Operator]] = {
    "==": types_pb2.OPERATOR_EQUAL,
    "!=": types_pb2.OPERATOR_NOT_EQUAL,
    "<": types_pb2.OPERATOR_LESS,
    "<=": types_pb2.OPERATOR_LESS_OR_EQUAL,
    ">": types_pb2.OPERATOR_GREATER,
    ">=": types_pb2.OPERATOR_GREATER_OR_EQUAL,
}
_SPELLINGS: Final[dict[int, Operator]] = {number: spelling for spelling, number in _OPERATORS.items()}
_EPOCH: Final = datetime(1970, 1, 1)
_FARTHEST: Final = timedelta(hours=23, minutes=59)


def _filters(operands: tuple[Expression, ...]) -> types_pb2.Filters:
    return types_pb2.Filters(operands=map(filter_to_message, operands))


def _listed(name: str, values: tuple[Scalar, ...]) -> types_pb2.Listed:
    return types_pb2.Listed(field=name, values=map(value_to_message, values))


def _listed_from(
    kind: type[AnyOf] | type[AllOf] | type[NoneOf], message: types_pb2.Listed, dot: str, operator: str
) -> Expression:
    place = f"{_field_place(dot, message.field)}.{operator}"
    values: Sequence[types_pb2.Value] = message.values
    _check_length(len(values), place)
    made = tuple(value_from_message(value, f"{place}[{row}]") for row, value in enumerate(values))
    return _located(place, lambda: kind(message.field, made))


def _check_length(count: int, place: str) -> None:
    if count > limits.FILTER_LIST:
        raise FilterError(position=place, reason=f"more than {limits.FILTER_LIST} values")


def _field_place(dot: str, name: str) -> str:
    shown = name if len(name) <= limits.FIELD_NAME_BYTES else f"{name[: limits.FIELD_NAME_BYTES]}..."
    return f"{dot}${shown}" if shown.startswith("$") else f"{dot}{shown}"


def _located(place: str, build: Callable[[], Expression]) -> Expression:
    """What `build` gives; its FilterError, which knows the field at most, with the place in the whole filter."""
    try:
        return build()
    except FilterError as error:
        raise FilterError(position=place, reason=error.reason) from None


def _datetime(microseconds: int, position: str) -> datetime:
    since = timedelta(microseconds=microseconds)
    # An instant just outside of the years 1 .. 9999 in UTC is inside them somewhere on Earth.
    for offset in (timedelta(), _FARTHEST, -_FARTHEST):
        try:
            local = _EPOCH + (since + offset)
        except OverflowError:
            continue
        return local.replace(tzinfo=UTC if not offset else timezone(offset))
    raise FilterError(position=position, reason=f"no datetime: {microseconds} microseconds since 1970")
