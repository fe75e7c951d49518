"""What numbers are stored and searched, and which are refused, against numpy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vecdb.collection.vector_input import ready_rows
from vecdb.errors import InvalidVector
from vecdb.schema import Vector
from vecdb.vector_input import rows_of

L2 = Vector(3, metric="l2")
COSINE = Vector(3, metric="cosine")
SEED = 3


def rows(value: Any, vector: Vector = L2) -> np.ndarray[Any, np.dtype[np.float32]]:
    return ready_rows(rows_of(value, vector, "docs", "text"), vector, "docs", "text")


@pytest.mark.parametrize("scale", [1e-40, 1e-22, 1e-3, 1, 1e10, 1e19, 1e38])
def test_cosine_rows_are_of_unit_length(scale: float) -> None:
    X = np.random.default_rng(SEED).uniform(-1, 1, (50, 3)) * scale
    given = X.astype(np.float32)
    before = given.copy()
    array = rows(given, COSINE)
    wide = given.astype(np.float64)
    expected = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    np.testing.assert_allclose(array, expected, rtol=1e-6, atol=1e-6, err_msg=f"seed {SEED}")
    assert (given == before).all(), "the caller's array was written to"


def test_zero_has_no_direction() -> None:
    zeros = np.zeros((2, 3), np.float32)
    assert rows(zeros).tolist() == zeros.tolist()
    with pytest.raises(InvalidVector, match="zero") as raised:
        rows(np.array([[1, 0, 0], [-0.0, 0, 0]], np.float32), COSINE)
    assert raised.value.row == 1


@pytest.mark.parametrize(
    ("value", "row", "reason"),
    [
        ([[1, 2, 3], [1, np.nan, 3]], 1, "NaN"),
        ([[1, 2, 3], [1, np.inf, 3]], 1, "infinity"),
        ([[1, 2, -np.inf], [1, np.nan, 3]], 0, "infinity"),
        (np.array([[1, 2, 3], [1, 2, np.nan]], np.float32), 1, "NaN"),
    ],
)
def test_what_is_no_number_is_refused_by_row(value: Any, row: int, reason: str) -> None:
    for vector in (L2, COSINE):
        with pytest.raises(InvalidVector, match=reason) as raised:
            rows(value, vector)
        assert (raised.value.collection, raised.value.vector, raised.value.row) == ("docs", "text", row)


@pytest.mark.parametrize("vector", [L2, COSINE])
def test_no_rows_are_rows(vector: Vector) -> None:
    assert rows(np.empty((0, 3)), vector).shape == (0, 3)


def test_rows_that_need_no_change_are_not_copied() -> None:
    X = np.ones((4, 3), np.float32)
    assert rows(X) is X
