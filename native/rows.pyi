"""Rows of vectors as they are stored or coded: what structures lead to and searches score."""

from typing import Final, Literal

import numpy as np
from _typeshed import ReadableBuffer
from numpy.typing import NDArray

from vecdb.native.kernels import Kind, Metric

RowType = Kind | Literal["code4"]
ROW_TYPES: Final[dict[RowType, int]]
METRICS: Final[dict[Metric, int]]

class Code4:
    """Vectors as four-bit numbers after a projection (native/code4.h), for squared L2 distances or dot products.

    `matrix` (d, 128 * lines - 16) has orthonormal columns, `mean` (d,) is zero for the dot product. ValueError.
    """

    matrix: NDArray[np.float32]
    mean: NDArray[np.float32]
    lines: int
    metric: Metric
    def __init__(self, metric: Metric, lines: int, matrix: NDArray[np.float32], mean: NDArray[np.float32]) -> None: ...
    @property
    def row_bytes(self) -> int:
        """Bytes of a row: 64 a line."""

    def encode(self, source: RowStore, rows: NDArray[np.uint32], out: NDArray[np.uint8]) -> None:
        """Writes the codes of float32 or float16 rows of `source` to out (n, row_bytes)."""

def read_rows(source: RowStore, rows: NDArray[np.uint32]) -> NDArray[np.float32]:
    """A copy of float32 or float16 rows as float32, (n, d)."""

def stored_checksums(source: RowStore, rows: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """CRC-32C of each row as it is stored; the GIL is released."""

class RowStore:
    """Vectors of `dimension` numbers coded as `row_type`, `stride` bytes a row, in pages of 2**page_shift rows.

    Rows of code4 come with their `code4`, and are scored for queries as they are before the projection.
    """

    row_type: RowType
    metric: Metric
    def __init__(
        self,
        row_type: RowType,
        metric: Metric,
        dimension: int,
        stride: int,
        page_shift: int,
        code4: Code4 | None = None,
    ) -> None: ...
    def add_page(self, page: ReadableBuffer | NDArray[np.uint8]) -> None:
        """Adds the next page: any readable buffer of 2**page_shift * stride bytes; it is kept, not copied."""

    def add_last_page(self, page: ReadableBuffer | NDArray[np.uint8]) -> None:
        """The same for a page of fewer rows, at least one; no other follows it."""

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""

    @property
    def page_count(self) -> int:
        """Pages added so far."""

    @property
    def row_bound(self) -> int:
        """One past the last row there is room for."""
