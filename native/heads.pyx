# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True
"""Heads of rows: cells of 48 bytes that hold a row's id and check themselves; most searches read some.

A cell: id bytes u8 (0: the id is too long and kept elsewhere), the encoded id in 39 bytes, CRC-32C of the row's
vectors, CRC-32C of the 44 bytes before. An encoded id: 1 and 8 bytes big-endian, 2 and UTF-8, or 3 and the 16 bytes of
a UUID.
"""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from vecdb.native.rows cimport RowStore, kernel_table

from uuid import UUID

import numpy as np

HEAD_BYTES = 48
INLINE_ID_BYTES = 39
cdef enum:
    CELL_BYTES = 48
    ID_BYTES = 39
    CHECKED_BYTES = 44
    INTEGER = 1
    TEXT = 2


def head_store(uint32_t page_shift):
    """A store for cells, in pages of 2**page_shift."""
    return RowStore("int8", "l2", CELL_BYTES, CELL_BYTES, page_shift)


def head_ids(RowStore heads not None, const uint32_t[::1] rows not None):
    """The id of each row, None if too long for its cell. ValueError(row) for a cell that does not check."""
    cdef Py_ssize_t i
    cdef list ids = []
    for i in range(rows.shape[0]):
        ids.append(decoded(cell_of(heads, rows[i])))
    return ids


def head_checksums(RowStore heads not None, const uint32_t[::1] rows not None):
    """CRC-32C of the vectors of each row as written, uint32. ValueError(row) for a cell that does not check."""
    result = np.empty(rows.shape[0], np.uint32)
    cdef uint32_t[::1] out = result
    cdef Py_ssize_t i
    for i in range(rows.shape[0]):
        out[i] = read_u32(cell_of(heads, rows[i]) + 1 + ID_BYTES)
    return result


def row_checksums(const uint8_t[:, ::1] rows not None):
    """CRC-32C of each row of bytes (n, width), as uint32 (n,)."""
    result = np.zeros(rows.shape[0], np.uint32)
    cdef uint32_t[::1] out = result
    cdef Py_ssize_t i
    cdef size_t width = rows.shape[1]
    if rows.shape[0] and width:
        with nogil:
            for i in range(rows.shape[0]):
                out[i] = kernel_table().crc32c(0, &rows[i, 0], width)
    return result


cdef inline uint32_t read_u32(const uint8_t* bytes) noexcept nogil:
    return bytes[0] | <uint32_t>bytes[1] << 8 | <uint32_t>bytes[2] << 16 | <uint32_t>bytes[3] << 24


cdef const uint8_t* cell_of(RowStore heads, uint32_t row) except NULL:
    if row >= heads.store.get().row_bound():
        raise ValueError(row)
    cdef const uint8_t* cell = heads.store.get().row(row)
    if kernel_table().crc32c(0, cell, CHECKED_BYTES) != read_u32(cell + CHECKED_BYTES) or cell[0] > ID_BYTES:
        raise ValueError(row)
    return cell


cdef object decoded(const uint8_t* cell):
    cdef uint64_t number = 0
    cdef int i
    if cell[0] == 0:
        return None
    if cell[1] == INTEGER:
        for i in range(2, 10):
            number = number << 8 | cell[i]
        return number
    if cell[1] == TEXT:
        return PyUnicode_DecodeUTF8(<const char*>cell + 2, cell[0] - 1, NULL)
    return UUID(bytes=(<const char*>cell + 2)[:16])
