"""AttributeColumn: an attribute as a database wants it, typed, and the comparisons that it is asked for.

Databases have typed fields and compare like with like; a Condition says what it means whatever the types are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from vecdb.bench.algorithms.condition import Column, Condition, Operator, Scalar, Test

Kind = Literal["boolean", "integer", "number", "text"]


@dataclass(frozen=True, slots=True, eq=False)
class AttributeColumn:
    """Values of one kind, one a row; None where a row has none, lists of values if `several`."""

    kind: Kind
    several: bool
    cells: list[Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A test in the types of its column: `values` has one value, or several for "in"."""

    field: str
    operator: Operator
    values: tuple[Any, ...]
    several: bool  # whether the rows have lists of values, of which one must pass


def attribute_column(name: str, column: Column) -> AttributeColumn:
    """The column in Python's types; ValueError if its values are of more than one kind."""
    raw = column.tolist() if isinstance(column, np.ndarray) else list(column)
    lists = [_values(cell) for cell in raw]
    kinds = {_kind(value) for values in lists for value in values}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) > 1:
        raise ValueError(f"attribute {name!r}: expected values of one kind, received {' and '.join(sorted(kinds))}")
    kind: Kind = kinds.pop() if kinds else "text"
    several = any(isinstance(cell, list | tuple | set | frozenset | np.ndarray) for cell in raw)
    typed = [[_TYPES[kind](value) for value in values] for values in lists]
    return AttributeColumn(kind, several, typed if several else [values[0] if values else None for values in typed])


def comparisons(condition: Condition, columns: Mapping[str, AttributeColumn]) -> list[Comparison]:
    """The condition's tests in the types of their columns; KeyError for an attribute that is not there.

    ValueError for a test that no row of these types can pass.
    """
    return [_comparison(test, columns[test.field]) for test in condition.tests]


_TYPES: Final[dict[Kind, type]] = {"boolean": bool, "integer": int, "number": float, "text": str}


def _values(cell: Any) -> list[Any]:
    several = cell if isinstance(cell, list | tuple | set | frozenset | np.ndarray) else (cell,)
    return [value for value in several if value is not None and value == value]  # NaN is not itself


def _kind(value: object) -> Kind:
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | np.integer):
        return "integer"
    return "number" if isinstance(value, float | np.floating) else "text"


def _comparison(test: Test, column: AttributeColumn) -> Comparison:
    asked = test.value if isinstance(test.value, tuple) else (test.value,)
    operator, values = test.operator, tuple(_fitting(asked, column.kind))
    if column.kind == "integer" and operator not in ("==", "in"):
        operator, values = _whole_bound(operator, values)
    elif column.kind == "integer":
        values = tuple(int(value) for value in values if value == math.floor(value))
    if not values:
        raise ValueError(f"{test}: no row can pass, attribute {test.field!r} holds values of kind {column.kind}")
    return Comparison(test.field, operator, values, column.several)


def _fitting(values: Iterable[Scalar], kind: Kind) -> Iterable[Any]:
    """The values of the column's kind, in its type; the others are equal to nothing there."""
    for value in values:
        own = _kind(value)
        if own == kind or (own, kind) == ("number", "integer"):
            yield value
        elif (own, kind) == ("integer", "number"):
            yield float(value)


def _whole_bound(operator: Operator, values: tuple[Any, ...]) -> tuple[Operator, tuple[Any, ...]]:
    """The bound that whole numbers meet when they meet this one: < 2.5 is <= 2."""
    if not values or values[0] == math.floor(values[0]):
        return operator, tuple(int(value) for value in values)
    return ("<=", (math.floor(values[0]),)) if operator in ("<", "<=") else (">=", (math.ceil(values[0]),))
