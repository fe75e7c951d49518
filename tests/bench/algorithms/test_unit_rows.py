from __future__ import annotations

import numpy as np

from vecdb.bench.algorithms.unit_rows import unit_rows


def test_rows_have_length_one_and_keep_their_direction() -> None:
    X = np.array([[3, 4], [0, 0], [-0.5, 0]], np.float32)
    unit = unit_rows(X)
    assert unit.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [-1, 0]]
    assert unit.dtype == np.float32
    assert unit.flags.c_contiguous
    assert X[0].tolist() == [3, 4]
