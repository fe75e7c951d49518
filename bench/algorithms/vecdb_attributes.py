"""Attributes as vecdb has them: declared fields, payloads, and filters for conditions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

import numpy as np

import vecdb
from vecdb.bench.algorithms.condition import Column, Condition, Test
from vecdb.schema import FieldType

_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FIELD_TYPES: Final[dict[frozenset[type], FieldType]] = {
    frozenset((str,)): "keyword",
    frozenset((bool,)): "boolean",
    frozenset((int,)): "integer",
    frozenset((float,)): "float",
    frozenset((int, float)): "float",
}


def declared_fields(attributes: Mapping[str, Column]) -> dict[str, FieldType]:
    """The fields to declare: every attribute whose values are of one kind."""
    kinds = {name: frozenset(_kinds(column)) for name, column in attributes.items()}
    return {name: _FIELD_TYPES[kind] for name, kind in kinds.items() if kind in _FIELD_TYPES}


def payloads(attributes: Mapping[str, Column], start: int, stop: int) -> list[dict[str, Any]] | None:
    """The payloads of rows start .. stop - 1: what has no value is left out. None where there are no attributes."""
    if not attributes:
        return None
    columns = {name: [_plain(value) for value in column[start:stop]] for name, column in attributes.items()}
    rows = zip(*columns.values(), strict=True)
    return [{name: value for name, value in zip(columns, row, strict=True) if value is not None} for row in rows]


def where_of(condition: Condition) -> vecdb.Expression | None:
    """The filter for a condition; None if it has no tests."""
    return reduce(operator.and_, map(_comparison, condition.tests)) if condition.tests else None


def _comparison(test: Test) -> vecdb.Expression:
    field = vecdb.field(test.field)
    if isinstance(test.value, tuple):
        return field.in_(test.value)
    compared: vecdb.Expression = _COMPARISONS[test.operator](field, test.value)
    return compared


def _kinds(column: Column) -> set[type]:
    if isinstance(column, np.ndarray) and column.dtype.kind in "biufU":
        return {type(column.dtype.type().item())}
    flat: set[type] = set()
    for value in map(_plain, column):
        flat.update(map(type, value) if isinstance(value, list) else () if value is None else (type(value),))
    return flat


def _plain(value: Any) -> Any:
    """As a payload holds it: None for NaN too."""
    if isinstance(value, np.ndarray | list | tuple | set | frozenset):
        return [each for each in map(_plain, value) if each is not None]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value
