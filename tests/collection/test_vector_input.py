"""What numbers are stored and searched, and which are refused, against numpy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vecdb.collection.vector_input import ready_rows, stored_rows
from vecdb.errors import InvalidVector
from vecdb.schema import Vector
from vecdb.vector_input import query_of, rows_of

L2 = Vector(3, metric="l2")
COSINE = Vector(3, metric="cosine")
SEED = 3


def rows(value: Any, vector: Vector = L2) -> np.ndarray[Any, np.dtype[np.float32]]:
    return ready_rows(query_of(value, vector, "docs", "text"), vector, "docs", "text")


def stored(value: Any, vector: Vector) -> np.ndarray[Any, np.dtype[Any]]:
    """The rows as numpy reads what is stored."""
    found = stored_rows(rows_of(value, vector, "docs", "text"), vector, "docs", "text")
    assert found.shape == (len(value), vector.row_bytes)
    return found.view(vector.dtype)


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


@pytest.mark.parametrize("metric", ["l2", "dot"])
@pytest.mark.parametrize("scale", [1e-9, 1e-7, 1e-5, 1e-3, 1, 300, 65_000])
@pytest.mark.parametrize("dimension", [1, 3, 8, 50])
def test_halves_are_the_nearest_to_the_rows(metric: Any, scale: float, dimension: int) -> None:
    vector = Vector(dimension, metric=metric, dtype="float16")
    X = (np.random.default_rng(SEED).uniform(-1, 1, (200, dimension)) * scale).astype(np.float32)
    expected = X.astype(np.float16)
    for given in (X, X.astype(np.float64), expected):
        assert np.array_equal(stored(given, vector).view(np.uint16), expected.view(np.uint16)), f"seed {SEED}"
    assert stored(X, Vector(dimension, metric=metric)).tobytes() == X.tobytes()


@pytest.mark.parametrize("scale", [1e-40, 1e-22, 6e-8, 1, 6e4, 1e19, 1e38])
@pytest.mark.parametrize("dimension", [1, 2, 50, 4096])
def test_under_cosine_halves_are_made_of_the_row_of_unit_length(scale: float, dimension: int) -> None:
    """Neither a row too small for halves nor one too large is refused, and none vanishes."""
    X = (np.random.default_rng(SEED).uniform(-1, 1, (20, dimension)) * scale).astype(np.float32)
    wide = X.astype(np.float64)
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    halves = stored(X, Vector(dimension, dtype="float16")).astype(np.float64)
    # Where float32's own rounding goes first, a number half way between two halves may become either.
    spacing = np.spacing(np.abs(unit).astype(np.float16)).astype(np.float64)
    assert (np.abs(halves - unit) <= spacing / 2 * 1.001).all(), f"seed {SEED}"
    assert (np.abs(np.linalg.norm(halves, axis=1) - 1) < 2**-11).all(), f"seed {SEED}"


@pytest.mark.parametrize(
    ("value", "row", "reason"),
    [
        ([[65504, -65504, 65519], [0, 0, 65520]], 1, "beyond float16's range"),
        ([[0, 0, -1e30], [0, 0, 7e4]], 0, "beyond float16's range"),
        (np.array([[1, 2, 3], [1, np.nan, np.inf]], np.float16), 1, "^.*: NaN"),
        (np.array([[1, -np.inf, 3], [1, np.nan, 3]], np.float16), 0, "infinity"),
        ([[1, 2, 3], [1, np.nan, 1e30]], 1, "NaN"),
        ([[1, 1e30, 3], [1, np.inf, 3]], 1, "infinity"),
    ],
)
@pytest.mark.parametrize("metric", ["l2", "dot"])
def test_what_does_not_fit_halves_is_refused_by_row(metric: Any, value: Any, row: int, reason: str) -> None:
    with pytest.raises(InvalidVector, match=reason) as raised:
        stored(value, Vector(3, metric=metric, dtype="float16"))
    assert (raised.value.collection, raised.value.vector, raised.value.row) == ("docs", "text", row)


def test_the_edges_of_halves_are_rounded_as_numpy_does() -> None:
    edges = [65504.0, 65519.0, -65519.9, 6e-8, 3e-8, 2.98e-8, 1e-8, 0.0, -0.0, 6.1e-5, 6.09e-5, 1 / 3]
    X = np.array([edges], np.float32)
    found = stored(X, Vector(len(edges), metric="l2", dtype="float16"))
    assert found.view(np.uint16).tolist() == X.astype(np.float16).view(np.uint16).tolist()


def test_zeros_among_halves() -> None:
    for zeros in (np.zeros((1, 3), np.float16), np.full((1, 3), 1e-9, np.float32)):
        assert stored(zeros, Vector(3, metric="dot", dtype="float16")).tolist() == [[0, 0, 0]]
    with pytest.raises(InvalidVector, match="zero") as raised:
        stored(np.array([[6e-8, 0, 0], [0, 0, 0]], np.float16), Vector(3, dtype="float16"))
    assert raised.value.row == 1


@pytest.mark.parametrize("vector", [L2, COSINE, Vector(3, metric="l2", dtype="float16"), Vector(3, dtype="float16")])
def test_no_rows_have_no_bytes(vector: Vector) -> None:
    for nothing in (np.empty((0, 3), np.float16), np.empty((0, 3), np.float32)):
        assert stored(nothing, vector).shape == (0, 3)
