"""Row -> id, and the checksum of the row's vectors: one self-checking cell of 48 bytes a row, in a mapped file."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.errors import Corrupted
from vecdb.ids import Id, decode_id
from vecdb.native.index import row_checksums
from vecdb.native.kernels import crc32c
from vecdb.storage.row_file import Rows

HEAD_BYTES: Final = 48
INLINE_ID_BYTES: Final = 39  # an encoded UUID written as text takes 37

RowNumbers = npt.NDArray[np.uint32]

_CELL = struct.Struct(f"<B{INLINE_ID_BYTES}sII")  # id bytes (0: a long id, kept in the store), id, vectors crc, cell crc
_CHECKED_BYTES: Final = HEAD_BYTES - 4


class RowHeads:
    """The heads of a collection's rows. Corrupted names `path` when a cell does not check."""

    def __init__(self, rows: Rows, path: str) -> None:
        self.rows = rows
        self._path = path

    def write(self, rows: RowNumbers, ids: list[bytes], vectors: list[npt.NDArray[np.uint8]]) -> None:
        """Writes the heads of rows (ensured before) with these encoded ids and vectors. StorageFull."""
        cells = np.zeros((len(rows), HEAD_BYTES), np.uint8)
        sizes = np.fromiter(map(len, ids), np.uint16, len(ids))
        inline = sizes <= INLINE_ID_BYTES
        cells[:, 0] = np.where(inline, sizes, 0)
        text = b"".join([each.ljust(INLINE_ID_BYTES, b"\0") if len(each) <= INLINE_ID_BYTES else _BLANK for each in ids])
        cells[:, 1 : 1 + INLINE_ID_BYTES] = np.frombuffer(text, np.uint8).reshape(-1, INLINE_ID_BYTES)
        cells[:, 40:44] = _bytes_of(vector_checksums(vectors))
        cells[:, 44:] = _bytes_of(row_checksums(np.ascontiguousarray(cells[:, :_CHECKED_BYTES])))
        self.rows.write(rows, cells)

    def ids(self, rows: RowNumbers) -> list[Id | None]:
        """The ids of rows; None for one too long to be in its head."""
        decoded: list[Id | None] = []
        for row, cell in zip(rows.tolist(), self.rows.read(rows), strict=True):
            encoded = self._encoded(row, cell.tobytes())
            decoded.append(decode_id(encoded) if encoded else None)
        return decoded

    def encoded_ids(self, rows: RowNumbers) -> list[bytes]:
        """The encoded ids of rows; empty for one too long to be in its head."""
        return [self._encoded(row, cell.tobytes()) for row, cell in zip(rows.tolist(), self.rows.read(rows), strict=True)]

    def checksums(self, rows: RowNumbers) -> npt.NDArray[np.uint32]:
        """The checksum of each row's vectors, as written."""
        cells = self.rows.read(rows)
        found = row_checksums(np.ascontiguousarray(cells[:, :_CHECKED_BYTES]))
        wrong = np.flatnonzero(found != cells[:, 44:].copy().view(np.uint32).ravel())
        if len(wrong):
            raise self._damaged(int(rows[wrong[0]]))
        return cells[:, 40:44].copy().view(np.uint32).ravel()

    def _encoded(self, row: int, cell: bytes) -> bytes:
        size, text, _, checksum = _CELL.unpack(cell)
        if crc32c(cell[:_CHECKED_BYTES]) != checksum:
            raise self._damaged(row)
        return text[:size]  # type: ignore[no-any-return]

    def _damaged(self, row: int) -> Corrupted:
        return Corrupted(path=self._path, detail=f"the head of row {row} does not match its checksum")


def vector_checksums(vectors: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint32]:
    """One checksum a row over all its vectors, from (n, row bytes) arrays in schema order."""
    checksums = row_checksums(vectors[0])
    for more in vectors[1:]:
        checksums = checksums * np.uint32(31) ^ row_checksums(more)
    return checksums


_BLANK = bytes(INLINE_ID_BYTES)


def _bytes_of(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    return numbers.astype("<u4").view(np.uint8).reshape(-1, 4)
