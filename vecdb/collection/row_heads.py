"""Row -> id, and the checksum of the row's vectors: self-checking cells (vecdb.native.heads) in a mapped file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vecdb.errors import Corrupted
from vecdb.ids import Id
from vecdb.native.heads import (
    HEAD_BYTES,
    INLINE_ID_BYTES,
    head_checksums,
    head_ids,
    head_integers,
    head_store,
    row_checksums,
)
from vecdb.storage.memory_rows import MemoryRows
from vecdb.storage.row_file import RowFile

RowNumbers = npt.NDArray[np.uint32]
Checksums = npt.NDArray[np.uint32]

_VECTORS_AT = 1 + INLINE_ID_BYTES  # where a cell has the checksum of the vectors, then its own
_CELL_AT = _VECTORS_AT + 4
_BLANK = bytes(INLINE_ID_BYTES)


class RowHeads:
    """The heads of a collection's rows. Corrupted names the file when a cell does not check."""

    def __init__(self, rows: RowFile | MemoryRows) -> None:
        self.rows = rows
        self._store = head_store(rows.chunk_shift)
        self._share_chunks()

    def ensure(self, rows: int) -> None:
        """Makes rows 0 .. rows - 1 exist. StorageFull."""
        self.rows.ensure(rows)
        self._share_chunks()

    def write(self, rows: RowNumbers, ids: list[bytes], vectors: list[npt.NDArray[np.uint8]]) -> None:
        """Writes the heads of rows (ensured before) with these encoded ids and vectors. StorageFull."""
        cells = np.zeros((len(rows), HEAD_BYTES), np.uint8)
        sizes = np.fromiter(map(len, ids), np.uint16, len(ids))
        cells[:, 0] = np.where(sizes <= INLINE_ID_BYTES, sizes, 0)
        text = b"".join(
            [each.ljust(INLINE_ID_BYTES, b"\0") if len(each) <= INLINE_ID_BYTES else _BLANK for each in ids]
        )
        cells[:, 1:_VECTORS_AT] = np.frombuffer(text, np.uint8).reshape(-1, INLINE_ID_BYTES)
        cells[:, _VECTORS_AT:_CELL_AT] = _bytes_of(vector_checksums(vectors))
        cells[:, _CELL_AT:] = _bytes_of(row_checksums(np.ascontiguousarray(cells[:, :_CELL_AT])))
        self.rows.write(rows, cells)

    def ids(self, rows: RowNumbers) -> tuple[list[Id | None], list[int]]:
        """The ids of rows, None for one too long to be in its head; and the places of these."""
        try:
            return head_ids(self._store, rows)
        except ValueError as error:
            raise self._damaged(error) from None

    def integers(self, rows: RowNumbers) -> npt.NDArray[np.int64] | None:
        """The ids of rows if all are integers; None otherwise."""
        try:
            return head_integers(self._store, rows)
        except ValueError as error:
            raise self._damaged(error) from None

    def checksums(self, rows: RowNumbers) -> npt.NDArray[np.uint32]:
        """The checksum of each row's vectors, as written."""
        try:
            return head_checksums(self._store, rows)
        except ValueError as error:
            raise self._damaged(error) from None

    def _damaged(self, error: ValueError) -> Corrupted:
        row = error.args[0]
        detail = f"the head of row {row} does not match its checksum"
        return Corrupted(path=self.rows.path_of(row), detail=detail)

    def _share_chunks(self) -> None:
        for chunk in self.rows.chunk_buffers()[self._store.page_count :]:
            self._store.add_page(chunk.reshape(-1))


def vector_checksums(vectors: list[npt.NDArray[np.uint8]]) -> Checksums:
    """One checksum a row over all its vectors, from (n, row bytes) arrays in schema order."""
    return joined_checksums([row_checksums(each) for each in vectors])


def joined_checksums(each_vector: list[Checksums]) -> Checksums:
    """One checksum a row, from those of its vectors in schema order."""
    checksums = each_vector[0]
    for more in each_vector[1:]:
        checksums = checksums * np.uint32(31) ^ more
    return checksums


def _bytes_of(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    return numbers.astype("<u4").view(np.uint8).reshape(-1, 4)
