"""Conditions on the attributes that a data set brings along, for a given part of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from vecdb.bench.algorithms.condition import Column, Condition, Test

NEAR_ENOUGH: Final = 2.0  # a condition is taken if its part of the rows is at most this factor from what was asked


def plain_columns(attributes: Mapping[str, Column]) -> dict[str, Column]:
    """The columns that have one text, number or truth value for every row."""
    return {name: column for name, column in attributes.items() if _kind_of(column) is not None}


def own_condition(attributes: Mapping[str, Column], part: float) -> Condition | None:
    """The test on one column that holds for the part of the rows nearest to `part`; None if none is near enough.

    Text is compared with its values for equality, a number by a range from its least value on.
    """
    nearest: tuple[float, Condition] | None = None
    for name, column in plain_columns(attributes).items():
        for test, own in _tests(name, column, part):
            distance = abs(np.log(own / part))
            if distance <= np.log(NEAR_ENOUGH) and (nearest is None or distance < nearest[0]):
                nearest = float(distance), Condition((test,))
    return nearest[1] if nearest else None


def _tests(name: str, column: Column, part: float) -> Iterator[tuple[Test, float]]:
    """Tests on a column, and the part of the rows that each holds for."""
    rows = len(column)
    if _kind_of(column) is str:
        for value, times in Counter(map(str, column)).items():
            yield Test(name, "==", value), times / rows
    elif _kind_of(column) is float:
        values = np.asarray(column)
        bound = np.sort(values)[max(0, round(rows * part) - 1)]
        yield Test(name, "<=", bound.item()), float((values <= bound).mean())
        if (values < bound).any():
            yield Test(name, "<", bound.item()), float((values < bound).mean())


def _kind_of(column: Column) -> type | None:
    """str, float (any number), bool, or None where values differ in kind or are missing."""
    if isinstance(column, np.ndarray) and column.ndim != 1:
        return None
    if isinstance(column, np.ndarray) and column.dtype.kind in _KINDS:
        missing = column.dtype.kind == "f" and bool(np.isnan(column).any())
        return None if missing else _KINDS[column.dtype.kind]
    return _kind_of_values(column)


def _kind_of_values(values: Sequence[Any] | np.ndarray[Any, Any]) -> type | None:
    kinds = {type(value) for value in values}
    if kinds == {str} or kinds == {bool}:
        return kinds.pop()
    if kinds and kinds <= {int, float} and all(value == value for value in values):
        return float
    return None


_KINDS: Final[dict[str, type]] = {"b": bool, "i": float, "u": float, "f": float, "U": str}
