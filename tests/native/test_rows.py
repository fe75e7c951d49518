"""What Code4 and RowStore refuse: shapes, kinds and rows that do not belong together."""

import numpy as np
import pytest

from vecdb.native.kernels import Kind
from vecdb.native.rows import Code4, RowStore, read_rows

SEED = 12
KINDS: list[tuple[Kind, int]] = [("float32", 4), ("float16", 2)]


@pytest.mark.parametrize("lines", [0, 9, 2**25])
def test_lines_out_of_range_are_refused(lines: int) -> None:
    width = max(128 * min(lines, 9) - 16, 0)
    with pytest.raises(ValueError):
        Code4("l2", lines, np.zeros((3, width), np.float32), np.zeros(3, np.float32))


@pytest.mark.parametrize(
    ("shape", "dimension"), [((3, 111), 3), ((3, 113), 3), ((2, 112), 3), ((4, 112), 3), ((0, 112), 0)]
)
def test_a_matrix_of_another_shape_is_refused(shape: tuple[int, int], dimension: int) -> None:
    with pytest.raises(ValueError, match=rf"expected a matrix of shape \({dimension}, 112\)"):
        Code4("l2", 1, np.zeros(shape, np.float32), np.zeros(dimension, np.float32))


def test_rows_of_another_kind_or_beyond_the_store_are_refused() -> None:
    code4 = Code4("l2", 1, np.zeros((3, 112), np.float32), np.zeros(3, np.float32))
    out = np.empty((1, 64), np.uint8)
    rows = np.array([5], np.uint32)
    for row_type, dimension in (("float32", 4), ("int8", 3)):
        other = RowStore(row_type, "l2", dimension, 16, 3)  # type: ignore[arg-type]
        other.add_page(np.zeros(16 << 3, np.uint8))
        with pytest.raises(ValueError, match="expected a store of float32 or float16 rows of 3 numbers"):
            code4.encode(other, rows, out)
    store = RowStore("float32", "l2", 3, 12, 3)
    store.add_page(np.arange(24, dtype=np.float32).view(np.uint8))
    code4.encode(store, rows, out)
    assert read_rows(store, rows).tolist() == [[15, 16, 17]]
    for beyond in (8, 2**31):
        with pytest.raises(IndexError, match=f"row {beyond} is beyond the store's 8 rows"):
            code4.encode(store, np.array([beyond], np.uint32), out)
        with pytest.raises(IndexError, match=f"row {beyond} is beyond the store's 8 rows"):
            read_rows(store, np.array([1, beyond], np.uint32))
    for shape in ((2, 64), (1, 128), (0, 64)):
        with pytest.raises(ValueError, match=r"out: expected shape \(1, 64\)"):
            code4.encode(store, rows, np.empty(shape, np.uint8))


@pytest.mark.parametrize("dimension", [1, 3, 16, 37, 200])
def test_halves_are_read_and_coded_as_the_numbers_they_are(dimension: int) -> None:
    rng = np.random.default_rng(SEED)
    halves = rng.standard_normal((64, dimension)).astype(np.float16)
    floats = halves.astype(np.float32)
    wide, narrow = (RowStore(kind, "l2", dimension, size * dimension, 5) for kind, size in KINDS)
    for store, X in ((wide, floats), (narrow, halves)):
        for first in (0, 32):
            store.add_page(X[first : first + 32].view(np.uint8).reshape(-1))
    rows = rng.integers(0, 64, 40).astype(np.uint32)
    for store in (wide, narrow):
        assert np.array_equal(read_rows(store, rows), floats[rows]), f"seed {SEED}"
    matrix = np.linalg.qr(rng.standard_normal((240, 240)))[0][:dimension].astype(np.float32)
    code4 = Code4("l2", 2, matrix, floats.mean(axis=0))
    coded = [np.empty((len(rows), code4.row_bytes), np.uint8) for _ in range(2)]
    code4.encode(wide, rows, coded[0])
    code4.encode(narrow, rows, coded[1])
    assert np.array_equal(coded[0], coded[1]), f"seed {SEED}"
    assert len(np.unique(coded[0], axis=0)) > 1


def test_a_store_and_its_code4_belong_together() -> None:
    code4 = Code4("l2", 1, np.zeros((3, 112), np.float32), np.zeros(3, np.float32))
    RowStore("code4", "l2", 3, 64, 4, code4)
    for row_type, stride, given in (("code4", 64, None), ("code4", 128, code4), ("float32", 64, code4)):
        with pytest.raises(ValueError):
            RowStore(row_type, "l2", 3, stride, 4, given)  # type: ignore[arg-type]
    # A query of the store's dimension is what the code4 reads.
    for dimension in (2, 4):
        with pytest.raises(ValueError):
            RowStore("code4", "l2", dimension, 64, 4, code4)
    with pytest.raises(ValueError):
        RowStore("code4", "dot", 3, 64, 4, code4)
