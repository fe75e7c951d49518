"""Vectors a caller gives, as C-contiguous arrays of floats of the right shape. NaN and zero are not looked for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb import limits
from vecdb.errors import DimensionMismatch, InvalidVector, LimitExceeded
from vecdb.schema import Vector

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Rows = Floats | Halves

_FLOAT32: Final = np.dtype(np.float32)
_FLOAT16: Final = np.dtype(np.float16)
_FLOAT32_INTEGERS: Final = 2**24  # every integer up to here is a float32


def rows_of(value: Any, vector: Vector, collection: str, name: str) -> Rows:
    """(n, d) rows of any numbers, NaN too. A float32 C-contiguous array is not copied.

    Nor is one of float16 where such rows are stored as they come. All else becomes float32: wider floats are rounded to
    the nearest, integers must be exact in it, and anything else that would lose data is InvalidVector;
    DimensionMismatch for another width, LimitExceeded for too many rows.
    """
    as_stored = vector.dtype == "float16" and vector.metric != "cosine"  # which changes the numbers
    if as_stored and isinstance(value, np.ndarray) and value.dtype == _FLOAT16:
        rows: Rows = np.ascontiguousarray(value)
    else:
        rows = _floats(value, collection, name)
    if rows.shape == (0,):
        rows = rows.reshape(0, vector.dimension)  # an empty list
    if rows.ndim != 2:
        raise InvalidVector(
            collection=collection, vector=name, reason=f"expected rows (n, {vector.dimension}), received {rows.shape}"
        )
    if rows.shape[1] != vector.dimension:
        raise DimensionMismatch(
            collection=collection, vector=name, expected=vector.dimension, received=int(rows.shape[1])
        )
    if len(rows) > limits.BATCH_ROWS:
        raise LimitExceeded(limit="BATCH_ROWS", maximum=limits.BATCH_ROWS, received=len(rows))
    return rows


def query_of(value: Any, vector: Vector, collection: str, name: str) -> Floats:
    """(d,) or (nq, d) as float32 of any numbers: the search checks those as it reads them."""
    if (
        type(value) is np.ndarray
        and value.dtype is _FLOAT32
        and value.shape == (vector.dimension,)
        and value.flags.c_contiguous
    ):
        return value  # as nearly every query
    queries = _floats(value, collection, name)
    if queries.ndim not in (1, 2):
        raise InvalidVector(
            collection=collection,
            vector=name,
            reason=f"expected one query ({vector.dimension},) or several (n, {vector.dimension}), "
            f"received {queries.shape}",
        )
    if queries.shape[-1] != vector.dimension:
        raise DimensionMismatch(
            collection=collection, vector=name, expected=vector.dimension, received=int(queries.shape[-1])
        )
    return queries


def lone_query_of(value: Any, vector: Vector, collection: str, name: str) -> Floats:
    """query_of() for one query (d,); InvalidVector for several."""
    query = query_of(value, vector, collection, name)
    if query.ndim != 1:
        reason = f"expected one query ({vector.dimension},), received {query.shape}"
        raise InvalidVector(collection=collection, vector=name, reason=reason)
    return query


def _floats(value: Any, collection: str, name: str) -> Floats:
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        return np.ascontiguousarray(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidVector(collection=collection, vector=name, reason=f"not an array of numbers: {error}") from None
    kind = array.dtype.kind
    if array.size == 0 and kind in "fiu":
        return np.ascontiguousarray(array, np.float32)
    if kind in "iu":
        if max(int(array.max()), -int(array.min())) > _FLOAT32_INTEGERS:
            raise InvalidVector(
                collection=collection, vector=name, reason=f"{array.dtype} values beyond 2**24 would lose digits"
            )
    elif kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            narrowed = array.astype(np.float32, order="C")
        overflow = np.isinf(narrowed) & np.isfinite(array)
        if overflow.any():
            row = int(np.argwhere(overflow)[0][0]) if array.ndim == 2 else None
            raise InvalidVector(
                collection=collection, vector=name, row=row, reason=f"{array.dtype} values beyond float32's range"
            )
        return narrowed
    else:
        raise InvalidVector(
            collection=collection, vector=name, reason=f"dtype {array.dtype} holds no real numbers; expected float32"
        )
    return np.ascontiguousarray(array, np.float32)
