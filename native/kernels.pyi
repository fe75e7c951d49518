"""The instruction-set kernels as arrays see them: checks of rows, checksums, and every kernel of every level.

VECDB_ISA=baseline|avx2|avx512 in the environment forces a level; importing this module raises ImportError, with the
value, when it names an unknown level or one that the CPU lacks. A `level` of None is the active one; an unknown name in
any argument raises ValueError.
"""

from typing import Any, Final, Literal

import numpy as np
from _typeshed import ReadableBuffer
from numpy.typing import NDArray

LEVELS: Final[tuple[str, ...]]
KINDS: Final[tuple[Kind, ...]]
METRICS: Final[tuple[Metric, ...]]

ROW_OK: Final[int]
ROW_NAN: Final[int]
ROW_INFINITE: Final[int]
ROW_ZERO: Final[int]

Kind = Literal["float32", "float16", "bfloat16", "int8"]
Metric = Literal["l2", "dot"]

def levels() -> list[str]:
    """The levels this CPU has, least first."""

def active() -> str:
    """The level in use: the best of levels(), or the one VECDB_ISA forces."""

def crc32c(buffer: ReadableBuffer | NDArray[Any], crc: int = 0, *, level: str | None = None) -> int:
    """CRC-32C (Castagnoli, RFC 3720) of a C-contiguous buffer, continuing from `crc`; large buffers release the GIL."""

def check_rows(X: NDArray[np.float32], normalise: bool, out: NDArray[np.float32] | None = None) -> tuple[int, int]:
    """The first bad row of X (n, d) and why: (row, ROW_NAN | ROW_INFINITE | ROW_ZERO), or (-1, ROW_OK); GIL released.

    A zero row is bad only under `normalise`. With `normalise`, the rows before the bad one are written to `out` (n, d)
    with length one; `out` may be X. Any finite row has a length here, however large or small its values.
    """

def row_bytes(kind: Kind, dimension: int) -> int:
    """Bytes one row of the kind takes, without padding after it."""

def encode(
    kind: Kind, X: NDArray[np.float32], stride: int | None = None, *, level: str | None = None
) -> NDArray[np.uint8]:
    """Rows of X (n, d) in the kind's format: (n, stride) bytes, row_bytes(kind, d) unless a larger stride is given."""

def decode(kind: Kind, codes: NDArray[np.uint8], dimension: int, *, level: str | None = None) -> NDArray[np.float32]:
    """The inverse of encode: (n, dimension) values."""

def prepare_int8(level: str | None, query: NDArray[np.float32]) -> tuple[NDArray[np.int8], float, int, float]:
    """A query (d,), d >= 1, made ready for int8 rows: (values, scale, sum of values, squared norm of the query)."""

def score(
    level: str | None,
    kind: Kind,
    metric: Metric,
    query: NDArray[np.float32],
    codes: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    page_shift: int = 20,
) -> NDArray[np.float32]:
    """Distances (len(rows),) of a query (d,) to rows of codes (n, stride), seen as pages of 2 ** page_shift rows.

    Lower is nearer: squared L2, or the negated dot product.
    """

def panel_shape(level: str | None) -> tuple[int, int]:
    """Rows and queries of one block of panel_dot."""

def panel_dot(level: str | None, queries: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dot products (rows, queries) of rows (n, d) and queries (nq, d), block by block."""

def select_below(level: str | None, values: NDArray[np.float32], bounds: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Positions where values <= bounds, ascending; NaN never passes."""

def squared_norm(level: str | None, x: NDArray[np.float32]) -> float:
    """Sum of squares of x (d,), added in float32; not finite when any value is not."""

def scale(level: str | None, x: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """x * factor."""
