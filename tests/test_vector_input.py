"""What is taken as vectors and what is refused before their numbers are looked at, against numpy in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vecdb import limits
from vecdb.errors import DimensionMismatch, InvalidVector, LimitExceeded
from vecdb.schema import Vector
from vecdb.vector_input import Rows, query_of, rows_of

L2 = Vector(3, metric="l2")
SEED = 3
FLOAT32_MAXIMUM = float(np.finfo(np.float32).max)


def rows(value: Any, vector: Vector = L2) -> Rows:
    return rows_of(value, vector, "docs", "text")


def test_float32_rows_are_not_copied() -> None:
    X = np.ones((4, 3), np.float32)
    assert rows(X) is X
    assert np.shares_memory(rows(X[1:3]), X)


@pytest.mark.parametrize("metric", ["l2", "dot", "cosine"])
def test_float16_rows_stay_where_they_are_stored_as_they_come(metric: Any) -> None:
    X = np.arange(12, dtype=np.float16).reshape(4, 3)
    halves = Vector(3, metric=metric, dtype="float16")
    if metric == "cosine":
        assert rows(X, halves).dtype == np.float32
    else:
        assert rows(X, halves) is X
        apart = rows(X.T.copy().T, halves)
        assert apart.flags.c_contiguous
        assert apart.dtype == np.float16
    for same in (X.astype(np.float32), X.astype(">f2"), X.astype(np.int64), X.tolist(), [list(row) for row in X]):
        assert rows(same, halves).dtype == np.float32
        assert rows(same, halves).tolist() == X.tolist()
    with pytest.raises(DimensionMismatch):
        rows(X[:, :2], halves)
    with pytest.raises(InvalidVector, match="expected rows"):
        rows(X[0], halves)
    assert rows(X[:0], halves).shape == rows([], halves).shape == (0, 3)
    assert query_of(X, halves, "docs", "").dtype == np.float32


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2, 3], [4, 5, 6]],
        ((1.0, 2.0, 3.0), (4, 5, 6)),
        [np.array([1, 2, 3]), [4.0, 5, 6]],
        np.array([[1, 2, 3], [4, 5, 6]], np.uint8),
        np.array([[1, 2, 3], [4, 5, 6]], np.int64),
        np.array([[1, 2, 3], [4, 5, 6]], np.float16),
        np.array([[1, 2, 3], [4, 5, 6]], ">f4"),
        np.array([[1, 2, 3], [4, 5, 6]], np.float32, order="F"),
        np.array([[1, 2, 3, 9], [4, 5, 6, 9]], np.float32)[:, :3],
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_what_has_the_same_numbers_is_the_same(value: Any) -> None:
    array = rows(value)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_wider_floats_are_rounded_to_the_nearest() -> None:
    X = np.random.default_rng(SEED).standard_normal((100, 3))
    assert (rows(X) == X.astype(np.float32)).all()
    assert rows([[1 / 3, 0.1, FLOAT32_MAXIMUM]])[0].tolist() == [np.float32(1 / 3), np.float32(0.1), FLOAT32_MAXIMUM]


@pytest.mark.parametrize(
    ("value", "row", "reason"),
    [
        ([[1, 2, 3], [1, 1e39, 3]], 1, "range"),
        ([[1, 2, 2**24 + 1]], None, "digits"),
        ([[1, 2, -(2**63)]], None, "digits"),
        ([[1, 2, 2**70]], None, "dtype"),
        ([["1", "2", "3"]], None, "dtype"),
        ([[True, False, True]], None, "dtype"),
        ([[1, 2, None]], None, "dtype"),
        ([[1j, 2, 3]], None, "dtype"),
        ([[1, 2, 3], [1, 2]], None, "not an array"),
        (b"123", None, "dtype"),
        (None, None, "dtype"),
        ([1.0, 2.0, 3.0], None, "expected rows"),
        ([[[1.0, 2.0, 3.0]]], None, "expected rows"),
        (5.0, None, "expected rows"),
    ],
)
def test_what_would_lose_data_is_refused(value: Any, row: int | None, reason: str) -> None:
    with pytest.raises(InvalidVector, match=reason) as raised:
        rows(value)
    assert (raised.value.collection, raised.value.vector, raised.value.row) == ("docs", "text", row)


@pytest.mark.parametrize("width", [0, 2, 4])
@pytest.mark.parametrize("check", [rows, lambda value: query_of(value, L2, "docs", "text")])
def test_another_width_carries_its_facts(check: Callable[[Any], object], width: int) -> None:
    with pytest.raises(DimensionMismatch) as raised:
        check(np.ones((5, width)))
    assert (raised.value.expected, raised.value.received) == (3, width)


def test_no_rows_are_rows() -> None:
    assert rows(np.empty((0, 3))).shape == rows([]).shape == (0, 3)


def test_a_batch_has_a_bound() -> None:
    with pytest.raises(LimitExceeded):
        rows_of(np.empty((limits.BATCH_ROWS + 1, 1), np.float32), Vector(1, metric="l2"), "docs", "")


def test_a_query_is_one_or_several() -> None:
    X = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert query_of(X[0], L2, "docs", "") is not None
    assert query_of([1, 2, 3], L2, "docs", "").tolist() == [1, 2, 3]
    assert query_of(X.tolist(), L2, "docs", "").tolist() == X.tolist()
    for wrong in (X[None], 5.0, "text"):
        with pytest.raises(InvalidVector):
            query_of(wrong, L2, "docs", "")


def test_numbers_are_left_to_the_collection() -> None:
    X = np.array([[np.nan, np.inf, 0], [0, 0, 0]], np.float32)
    assert rows(X) is X
    assert query_of(X[1], Vector(3), "docs", "") is not None
