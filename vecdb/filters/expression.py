"""Filter expressions: immutable, hashable trees, built with field(...), has_id(...) and & | ~; FilterError if refused.

    (field("lang") == "en") & field("year").between(2020, 2024) & ~field("tags").any_of(["draft", "spam"])

A field is a dotted path through nested dicts. Operands are str, bool, int of 64 bits, finite float and datetime or
date; numpy scalars count as what they hold. What each operator matches is said in `vecdb.filters.evaluate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from math import isfinite
from typing import Any, Final, Literal, NoReturn, cast

import numpy as np

from vecdb import limits
from vecdb.errors import FilterError, InvalidId, InvalidName, brief
from vecdb.ids import Id, plain_id
from vecdb.schema import safe_field_name

Scalar = str | bool | int | float | datetime
Operator = Literal["==", "!=", "<", "<=", ">", ">="]

OPERATORS: Final[tuple[Operator, ...]] = ("==", "!=", "<", "<=", ">", ">=")
ORDERING: Final[frozenset[str]] = frozenset(("<", "<=", ">", ">="))


def field(name: str) -> Field:
    """The field at a dotted path, to compare: field("author.name") == "Ada"."""
    return Field(name)


def has_id(ids: Iterable[Id | np.integer]) -> HasId:
    """Rows whose id is one of `ids`."""
    return HasId(cast("tuple[Id, ...]", ids))


class Expression:
    """Base of the tree. Equal are expressions of the same shape and operands; 1, 1.0 and True are three operands."""

    __match_args__: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The expressions directly below, none for a condition."""
        return ()

    @cached_property
    def depth(self) -> int:
        """Levels of the tree, 1 for a condition."""
        return 1 + max((part.depth for part in self.parts), default=0)

    @cached_property
    def conditions(self) -> int:
        """Conditions in the tree."""
        return sum(part.conditions for part in self.parts) if self.parts else 1

    @cached_property
    def field_names(self) -> frozenset[str]:
        """The fields that the tree reads."""
        return frozenset[str]().union(*(part.field_names for part in self.parts))

    def __and__(self, other: object) -> Expression:
        return And((self, other)) if isinstance(other, Expression) else NotImplemented

    def __or__(self, other: object) -> Expression:
        return Or((self, other)) if isinstance(other, Expression) else NotImplemented

    def __invert__(self) -> Expression:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a filter has no truth value: write & | ~ for and, or, not, with parentheses round each comparison, "
            "and field(...).between(low, high) for low <= x <= high"
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key == other._key

    def __hash__(self) -> int:
        return hash((type(self), self._key))

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return tuple(_typed(getattr(self, name)) for name in self.__match_args__)


@dataclass(frozen=True, eq=False)
class FieldCondition(Expression):
    """Base of the conditions on one field."""

    name: str

    def __post_init__(self) -> None:
        _set(self, name=_checked_name(self.name))

    @cached_property
    def field_names(self) -> frozenset[str]:
        """The field that the condition reads."""
        return frozenset((self.name,))


@dataclass(frozen=True, eq=False)
class Compare(FieldCondition):
    """One value against the field. != is exactly the rows that == leaves."""

    operator: Operator
    value: Scalar

    def __post_init__(self) -> None:
        super().__post_init__()
        _set(self, value=plain_scalar(self.value, self.name))
        if self.operator not in OPERATORS:
            raise FilterError(position=self.name, reason=f"unknown operator {brief(self.operator)}")
        if self.operator in ORDERING and isinstance(self.value, bool):
            raise FilterError(position=self.name, reason=f"booleans have no order, {self.operator} was given one")


@dataclass(frozen=True, eq=False)
class _Listed(FieldCondition):
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _set(self, values=tuple(plain_scalar(value, self.name) for value in _listed(self.values, self.name)))


class AnyOf(_Listed):
    """The field, or one value of its list, is one of the values: `in` and any_of. No values: no rows."""


class AllOf(_Listed):
    """Every one of the values is the field or in its list. No values: all rows."""


class NoneOf(_Listed):
    """Exactly the rows that AnyOf leaves, those without the field among them: `not in` and none_of."""


@dataclass(frozen=True, eq=False)
class Between(FieldCondition):
    """The field, or one single value of its list, is at least `low` and at most `high`."""

    low: Scalar
    high: Scalar

    def __post_init__(self) -> None:
        super().__post_init__()
        _set(self, low=plain_scalar(self.low, self.name), high=plain_scalar(self.high, self.name))
        if isinstance(self.low, bool) or isinstance(self.high, bool):
            raise FilterError(position=self.name, reason="booleans have no order, between was given one")
        if _order_kind(self.low) is not _order_kind(self.high):
            reason = f"between needs two bounds of one type, received {brief(self.low)} and {brief(self.high)}"
            raise FilterError(position=self.name, reason=reason)


class Exists(FieldCondition):
    """The payload has the field, whatever its value, null and the empty list too."""


class IsNull(FieldCondition):
    """The payload has the field and its value is null. Rows that lack it are ~exists()."""


@dataclass(frozen=True, eq=False)
class Prefix(FieldCondition):
    """The field, or one value of its list, is a str that starts with these code points."""

    text: str

    def __post_init__(self) -> None:
        super().__post_init__()
        text = plain_scalar(self.text, self.name)
        if not isinstance(text, str):
            raise FilterError(position=self.name, reason=f"prefix needs a str, received {brief(text)}")
        _set(self, text=text)


@dataclass(frozen=True, eq=False)
class HasId(Expression):
    """Rows whose id is one of these."""

    ids: tuple[Id, ...]

    def __post_init__(self) -> None:
        try:
            _set(self, ids=tuple(plain_id(value, row) for row, value in enumerate(_listed(self.ids, "has_id"))))
        except InvalidId as error:
            raise FilterError(position=f"has_id[{error.row}]", reason=error.reason) from None


@dataclass(frozen=True, eq=False)
class _Combined(Expression):
    operands: tuple[Expression, ...]

    def __post_init__(self) -> None:
        operands: list[Expression] = []
        for operand in self.operands:
            if not isinstance(operand, Expression):
                raise FilterError(position="", reason=f"expected a filter, received {brief(operand)}")
            # a & b & c is one And of three, so that the order of typing does not make depth.
            operands.extend(operand.parts if type(operand) is type(self) else (operand,))
        if not operands:
            raise FilterError(position="", reason=f"{type(self).__name__.lower()} of nothing")
        _set(self, operands=tuple(operands))
        _check_size(self)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The expressions directly below."""
        return self.operands


class And(_Combined):
    """Rows that match every operand; an And among them is merged."""


class Or(_Combined):
    """Rows that match at least one operand; an Or among them is merged."""


@dataclass(frozen=True, eq=False)
class Not(Expression):
    """Exactly the rows that the operand leaves."""

    operand: Expression

    def __post_init__(self) -> None:
        if not isinstance(self.operand, Expression):
            raise FilterError(position="", reason=f"expected a filter, received {brief(self.operand)}")
        _check_size(self)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The expression directly below."""
        return (self.operand,)


class Field:
    """A field to compare: == != < <= > >= and the methods below, each giving an Expression."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        self.name = _checked_name(name)

    def __repr__(self) -> str:
        return f"field({self.name!r})"

    def __eq__(self, value: object) -> Expression:  # type: ignore[override]
        return Compare(self.name, "==", cast(Scalar, value))

    def __ne__(self, value: object) -> Expression:  # type: ignore[override]
        return Compare(self.name, "!=", cast(Scalar, value))

    def __lt__(self, value: Scalar | date) -> Expression:
        return Compare(self.name, "<", cast(Scalar, value))

    def __le__(self, value: Scalar | date) -> Expression:
        return Compare(self.name, "<=", cast(Scalar, value))

    def __gt__(self, value: Scalar | date) -> Expression:
        return Compare(self.name, ">", cast(Scalar, value))

    def __ge__(self, value: Scalar | date) -> Expression:
        return Compare(self.name, ">=", cast(Scalar, value))

    def __bool__(self) -> NoReturn:
        raise TypeError(f"field({self.name!r}) has no truth value: compare it, or ask exists()")

    def in_(self, values: Iterable[Scalar | date]) -> Expression:
        """The field, or one value of its list, is one of `values`."""
        return AnyOf(self.name, cast("tuple[Scalar, ...]", values))

    def not_in(self, values: Iterable[Scalar | date]) -> Expression:
        """Exactly the rows that in_ leaves, those without the field among them."""
        return NoneOf(self.name, cast("tuple[Scalar, ...]", values))

    any_of = in_
    none_of = not_in

    def all_of(self, values: Iterable[Scalar | date]) -> Expression:
        """Every one of `values` is the field or in its list."""
        return AllOf(self.name, cast("tuple[Scalar, ...]", values))

    def between(self, low: Scalar | date, high: Scalar | date) -> Expression:
        """At least `low` and at most `high`."""
        return Between(self.name, cast(Scalar, low), cast(Scalar, high))

    def exists(self) -> Expression:
        """The payload has the field, whatever its value."""
        return Exists(self.name)

    def is_null(self) -> Expression:
        """The payload has the field and its value is null."""
        return IsNull(self.name)

    def prefix(self, text: str) -> Expression:
        """A str that starts with `text`."""
        return Prefix(self.name, text)


def plain_scalar(value: Any, position: str) -> Scalar:
    """`value` as an exact str, bool, int, float or aware datetime; FilterError at `position` if it is no operand."""
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = str.__str__(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise FilterError(position=position, reason="a lone surrogate has no UTF-8 form") from None
        return text
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment
    hint = "; for null use is_null()" if value is None else ""
    if isinstance(value, list | tuple | set | frozenset):
        hint = "; for several values use in_, any_of, all_of or none_of"
    reason = f"expected a str, bool, 64-bit int, finite float or datetime, received {brief(value)}{hint}"
    raise FilterError(position=position, reason=reason)


def _set(expression: Expression, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(expression, name, value)


def _checked_name(name: object) -> str:
    try:
        return safe_field_name(name)
    except InvalidName as error:
        raise FilterError(position=brief(name), reason=f"not the name of a field: {error.reason}") from None


def _listed(values: object, position: str) -> Iterator[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise FilterError(position=position, reason=f"expected a list of values, received {brief(values)}")
    for count, value in enumerate(values):
        if count == limits.FILTER_LIST:
            raise FilterError(position=position, reason=f"more than {limits.FILTER_LIST} values")
        yield value


def _check_size(expression: Expression) -> None:
    if expression.depth > limits.FILTER_DEPTH:
        raise FilterError(position="", reason=f"nested more than {limits.FILTER_DEPTH} deep")
    if expression.conditions > limits.FILTER_CONDITIONS:
        raise FilterError(position="", reason=f"more than {limits.FILTER_CONDITIONS} conditions")


def _order_kind(bound: Scalar) -> type:
    return float if isinstance(bound, int) else type(bound)


def _typed(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_typed, value))
    return value if isinstance(value, Expression) else (type(value), value)
