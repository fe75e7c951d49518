"""Condition: a conjunction of tests on the attributes of rows, as data that each library translates.

A column has one value a row: None or NaN where the row has none, a list where it has several.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from vecdb.bench.datasets.dataset import Column

__all__ = ["OPERATORS", "Column", "Condition", "Mask", "Operator", "Scalar", "Test"]

Operator = Literal["==", "in", "<", "<=", ">", ">="]
Scalar = str | bool | int | float
Mask = npt.NDArray[np.bool_]

OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: what the row has on the left, `value` on the right, for "in" a tuple of values.

    A row with several values passes if one of them does, a row with none never. Text, truth values and numbers are
    three kinds: values of two kinds are never equal, and neither is before the other. ValueError for what no row could
    be compared with.
    """

    __test__ = False  # pytest: not one of its tests

    field: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"{self.field}: expected one of {' '.join(OPERATORS)}, received {self.operator!r}")
        if (self.operator == "in") != isinstance(self.value, tuple):
            raise ValueError(f"{self.field} {self.operator}: expected a tuple for 'in' alone, received {self.value!r}")
        if self.operator in _ORDERINGS and isinstance(self.value, bool):
            raise ValueError(f"{self.field} {self.operator}: truth values have no order, received {self.value!r}")

    def matches(self, column: Column) -> Mask:
        """Which rows of a column pass, (n,)."""
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        compare: _Comparison = _ORDERINGS.get(self.operator, operator.eq)
        array = column if isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.kind in "biufU" else None
        if array is not None:
            kind = _KINDS[array.dtype.kind]
            found = np.zeros(len(array), np.bool_)
            for value in values:
                if _kind(value) is kind:
                    found |= compare(array, value)
            return found
        wanted = [(value, _kind(value)) for value in values]
        return np.fromiter((_passes(cell, wanted, compare) for cell in column), np.bool_, len(column))

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {self.value!r}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Every test must pass; without tests it holds for every row."""

    tests: tuple[Test, ...] = ()

    def matches(self, attributes: Mapping[str, Column], n: int) -> Mask:
        """The rows of n that it holds for, (n,), found by looking at each: what libraries are compared with.

        KeyError names an attribute that is not there, ValueError a column that has not n values.
        """
        found = np.ones(n, np.bool_)
        for test in self.tests:
            column = attributes[test.field]
            if len(column) != n:
                raise ValueError(f"attribute {test.field!r}: expected {n} values, received {len(column)}")
            found &= test.matches(column)
        return found

    def __str__(self) -> str:
        return " and ".join(map(str, self.tests)) or "every row"


_Comparison = Callable[[Any, Any], Any]

_ORDERINGS: Final[dict[str, _Comparison]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# dtype.kind -> the kind of its values: bool, float for every number, str
_KINDS: Final[dict[str, type]] = {"b": bool, "i": float, "u": float, "f": float, "U": str}


def _kind(value: object) -> type | None:
    if isinstance(value, bool | np.bool_):
        return bool
    if isinstance(value, int | float | np.integer | np.floating):
        return float
    return str if isinstance(value, str) else None


def _passes(cell: Any, wanted: list[tuple[Scalar, type | None]], compare: _Comparison) -> bool:
    several = cell if isinstance(cell, list | tuple | set | frozenset | np.ndarray) else (cell,)
    return any(_kind(own) is kind and bool(compare(own, value)) for own in several for value, kind in wanted)
