# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True
"""Heads of rows: cells of 48 bytes that hold a row's id and check themselves; most searches read some.

A cell: id bytes u8 (0: the id is too long and kept elsewhere), the encoded id in 39 bytes, CRC-32C of the row's
vectors, CRC-32C of the 44 bytes before. An encoded id: 1 and 8 bytes big-endian, 2 and UTF-8, or 3 and the 16 bytes of
a UUID.
"""

cimport numpy as cnp
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from vecdb.native.rows cimport RowStore, kernel_table

from uuid import UUID

import numpy as np

cnp.import_array()

HEAD_BYTES = 48
INLINE_ID_BYTES = 39
cdef enum:
    CELL_BYTES = 48
    ID_BYTES = 39
    CHECKED_BYTES = 44
    INTEGER = 1
    TEXT = 2
    AHEAD = 16  # cells that are on their way from memory while one is read

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void*) noexcept nogil


def head_store(uint32_t page_shift):
    """A store for cells, in pages of 2**page_shift."""
    return RowStore("int8", "l2", CELL_BYTES, CELL_BYTES, page_shift)


def head_ids(RowStore heads not None, cnp.ndarray rows not None):
    """(the id of each row, None if too long for its cell; the places of these). ValueError(row): it does not check."""
    cdef const uint32_t* numbers = numbers_of(rows)
    cdef Py_ssize_t i, count = cnp.PyArray_DIM(rows, 0)
    cdef const uint8_t* cell
    cdef list ids = [None] * count
    cdef list long_places = []
    expect(heads, numbers, 0, min(AHEAD, count))
    for i in range(count):
        expect(heads, numbers, i + AHEAD, min(i + AHEAD + 1, count))
        cell = cell_of(heads, numbers[i])
        if cell[0] == 0:
            long_places.append(i)
        else:
            ids[i] = decoded(cell)
    return ids, long_places


def head_integers(RowStore heads not None, cnp.ndarray rows not None):
    """The ids of rows, int64, if all are integers; None otherwise. ValueError(row) for a cell that does not check."""
    cdef const uint32_t* numbers = numbers_of(rows)
    cdef cnp.npy_intp i, count = cnp.PyArray_DIM(rows, 0)
    cdef cnp.ndarray result = cnp.PyArray_EMPTY(1, &count, cnp.NPY_INT64, 0)
    cdef int64_t* out = <int64_t*>cnp.PyArray_DATA(result)
    cdef const uint8_t* cell
    expect(heads, numbers, 0, min(AHEAD, count))
    for i in range(count):
        expect(heads, numbers, i + AHEAD, min(i + AHEAD + 1, count))
        cell = cell_of(heads, numbers[i])
        if cell[0] == 0 or cell[1] != INTEGER:
            return None
        out[i] = <int64_t>integer_of(cell)
    return result


def head_checksums(RowStore heads not None, cnp.ndarray rows not None):
    """CRC-32C of the vectors of each row as written, uint32. ValueError(row) for a cell that does not check."""
    cdef const uint32_t* numbers = numbers_of(rows)
    cdef cnp.npy_intp i, count = cnp.PyArray_DIM(rows, 0)
    cdef cnp.ndarray result = cnp.PyArray_EMPTY(1, &count, cnp.NPY_UINT32, 0)
    cdef uint32_t* out = <uint32_t*>cnp.PyArray_DATA(result)
    for i in range(count):
        out[i] = read_u32(cell_of(heads, numbers[i]) + 1 + ID_BYTES)
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


cdef const uint32_t* numbers_of(cnp.ndarray rows) except? NULL:
    # By hand: a typed memoryview of so few numbers would take longer than reading their cells.
    if (cnp.PyArray_NDIM(rows) != 1 or cnp.PyArray_TYPE(rows) != cnp.NPY_UINT32
            or not cnp.PyArray_IS_C_CONTIGUOUS(rows) or not cnp.PyArray_ISNOTSWAPPED(rows)):
        raise TypeError("rows: expected a contiguous array of uint32")
    return <const uint32_t*>cnp.PyArray_DATA(rows)


cdef inline void expect(RowStore heads, const uint32_t* rows, Py_ssize_t first, Py_ssize_t last) noexcept:
    """The cells of rows[first:last] are needed soon."""
    cdef Py_ssize_t i
    for i in range(first, last):
        if rows[i] < heads.store.get().row_bound():
            prefetch(heads.store.get().row(rows[i]))


cdef inline uint32_t read_u32(const uint8_t* bytes) noexcept nogil:
    return bytes[0] | <uint32_t>bytes[1] << 8 | <uint32_t>bytes[2] << 16 | <uint32_t>bytes[3] << 24


cdef const uint8_t* cell_of(RowStore heads, uint32_t row) except NULL:
    if row >= heads.store.get().row_bound():
        raise ValueError(row)
    cdef const uint8_t* cell = heads.store.get().row(row)
    if kernel_table().crc32c(0, cell, CHECKED_BYTES) != read_u32(cell + CHECKED_BYTES) or cell[0] > ID_BYTES:
        raise ValueError(row)
    return cell


cdef inline uint64_t integer_of(const uint8_t* cell) noexcept nogil:
    cdef uint64_t number = 0
    cdef int i
    for i in range(2, 10):
        number = number << 8 | cell[i]
    return number


cdef object decoded(const uint8_t* cell):
    if cell[1] == INTEGER:
        return integer_of(cell)
    if cell[1] == TEXT:
        return PyUnicode_DecodeUTF8(<const char*>cell + 2, cell[0] - 1, NULL)
    return UUID(bytes=(<const char*>cell + 2)[:16])
