"""Vectors as they are stored and searched: finite, and of unit length under cosine."""

from __future__ import annotations

from typing import Final

import numpy as np

from vecdb.errors import InvalidVector
from vecdb.native.kernels import ROW_INFINITE, ROW_NAN, ROW_ZERO, check_rows
from vecdb.schema import Vector
from vecdb.vector_input import Floats

_REASONS: Final = {
    ROW_NAN: "NaN",
    ROW_INFINITE: "infinity",
    ROW_ZERO: "a zero vector has no direction under cosine",
}


def ready_rows(rows: Floats, vector: Vector, collection: str, name: str) -> Floats:
    """(n, d) rows that are finite and, under cosine, copied to unit length. InvalidVector names the first that is not.

    `rows` is what vecdb.vector_input gives, of rows to store or of several queries.
    """
    normalise = vector.metric == "cosine"
    out = np.empty_like(rows) if normalise else None
    bad, reason = check_rows(rows, normalise, out)
    if bad >= 0:
        raise InvalidVector(collection=collection, vector=name, row=bad, reason=_REASONS[reason])
    return rows if out is None else out
