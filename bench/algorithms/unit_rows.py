"""Rows of unit length, for libraries that have the dot product and no cosine."""

from __future__ import annotations

import numpy as np

from vecdb.bench.algorithms.algorithm import Floats


def unit_rows(X: Floats) -> Floats:
    """A copy of the rows (n, d), each of length 1; what has no length stays as it is.

    With it the order by dot product is the order by cosine whatever the length of the query, so queries are left alone.
    """
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    return np.ascontiguousarray(X / np.where(lengths > 0, lengths, 1), np.float32)
