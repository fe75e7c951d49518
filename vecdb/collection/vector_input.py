"""Vectors as they are stored and searched: finite, and of unit length under cosine."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.errors import InvalidVector
from vecdb.native.kernels import ROW_INFINITE, ROW_NAN, ROW_ZERO, check_rows, encode
from vecdb.schema import Vector
from vecdb.vector_input import Floats, Rows

_REASONS: Final = {
    ROW_NAN: "NaN",
    ROW_INFINITE: "infinity",
    ROW_ZERO: "a zero vector has no direction under cosine",
}
_INFINITE_HALF: Final = 0x7C00  # the bits without the sign; those of NaN are more
_BEYOND_HALVES: Final = "values beyond float16's range, which ends at 65504"


def stored_rows(rows: Rows, vector: Vector, collection: str, name: str) -> npt.NDArray[np.uint8]:
    """The bytes of rows (n, d) from vecdb.vector_input as they are stored, (n, vector.row_bytes).

    They are made ready as by ready_rows(), then rounded to the vector's dtype. InvalidVector names the first that is
    not finite, or is not when it was rounded.
    """
    if rows.dtype == np.float16:
        stored = rows.view(np.uint8)
        _check_halves(stored, _REASONS[ROW_NAN], _REASONS[ROW_INFINITE], collection, name)
    else:
        ready = ready_rows(rows.view(np.float32), vector, collection, name)
        if vector.dtype == "float32":
            stored = ready.view(np.uint8)
        else:
            # Of a row of unit length some number is large enough not to vanish.
            stored = encode(vector.dtype, ready)
            _check_halves(stored, _BEYOND_HALVES, _BEYOND_HALVES, collection, name)
    return stored.reshape(len(rows), vector.row_bytes)


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


def _check_halves(stored: npt.NDArray[np.uint8], nan: str, infinite: str, collection: str, name: str) -> None:
    """InvalidVector for the first row of bytes of halves that are not finite."""
    magnitudes = stored.view(np.uint16) & 0x7FFF
    if magnitudes.max(initial=0) < _INFINITE_HALF:
        return
    row = int(np.flatnonzero((magnitudes >= _INFINITE_HALF).any(axis=1))[0])
    first = magnitudes[row][magnitudes[row] >= _INFINITE_HALF][0]
    reason = infinite if first == _INFINITE_HALF else nan
    raise InvalidVector(collection=collection, vector=name, row=row, reason=reason)
