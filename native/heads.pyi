"""Heads of rows: cells of 48 bytes that hold a row's id and check themselves."""

from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from vecdb.native.rows import RowStore

HEAD_BYTES: Final[int]
INLINE_ID_BYTES: Final[int]

def head_store(page_shift: int) -> RowStore:
    """A store for cells, in pages of 2**page_shift."""

def head_ids(heads: RowStore, rows: npt.NDArray[np.uint32]) -> tuple[list[int | str | UUID | None], list[int]]:
    """(the id of each row, None if too long for its cell; the places of these). ValueError(row): it does not check."""

def head_integers(heads: RowStore, rows: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64] | None:
    """The ids of rows if all are integers, None otherwise. ValueError(row) for a cell that does not check."""

def head_checksums(heads: RowStore, rows: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """CRC-32C of the vectors of each row as written, uint32. ValueError(row) for a cell that does not check."""

def row_checksums(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """CRC-32C of each row of bytes (n, width), as uint32 (n,)."""
