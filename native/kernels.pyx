# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The instruction-set kernels as arrays see them: checks of rows, checksums, and every kernel of every level."""

import os
from typing import Literal, get_args

import numpy as np

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.float cimport FLT_MAX
from libc.math cimport fabs, isfinite, isnan, sqrt
from libc.stdint cimport int8_t, int32_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

cdef extern from "kernels.h" namespace "vecdb" nogil:
    struct RowPages:
        const uint8_t* const* pages
        uint32_t page_shift
        uint32_t stride

    struct PreparedQuery:
        const void* data
        uint32_t dimension
        float scale
        int32_t sum
        float norm

    uint32_t int8_row_bytes(uint32_t dimension)

    ctypedef void (*ScoreRows)(const PreparedQuery*, const RowPages*, const uint32_t*, uint32_t, float*) noexcept nogil

    struct Kernels:
        const char* name
        ScoreRows score[4][2]
        void (*encode[4])(const float*, uint32_t, uint32_t, uint8_t*, size_t) noexcept nogil
        void (*decode[4])(const uint8_t*, uint32_t, float*) noexcept nogil
        void (*prepare_int8)(const float*, uint32_t, int8_t*, PreparedQuery*) noexcept nogil
        float (*squared_norm)(const float*, uint32_t) noexcept nogil
        void (*scale)(const float*, float, uint32_t, float*) noexcept nogil
        uint32_t panel_queries
        uint32_t panel_rows
        void (*panel_dot)(const float*, const float* const*, uint32_t, float*) noexcept nogil
        uint32_t (*select_below)(const float*, const float*, uint32_t, uint32_t*) noexcept nogil
        uint32_t (*crc32c)(uint32_t, const uint8_t*, size_t) noexcept nogil

    const Kernels* kernels()
    const Kernels* kernels_of(const char* level)

LEVELS = ("baseline", "avx2", "avx512")
Kind = Literal["float32", "float16", "bfloat16", "int8"]  # in the order of RowType
Metric = Literal["l2", "dot"]  # in the order of the enum of this name
KINDS = get_args(Kind)
METRICS = get_args(Metric)

ROW_OK = 0
ROW_NAN = 1
ROW_INFINITE = 2
ROW_ZERO = 3

cdef size_t GIL_FREE_BYTES = 16384  # below this a checksum takes less time than giving up the GIL
cdef float UNIT_TOLERANCE = 1e-6  # a squared norm this near to 1 is of unit length: scaling would only move last bits
cdef float SAFE_NORM_MINIMUM = 1e-30  # squared; a smaller sum may have lost terms that vanished in float32

cdef const Kernels* active_table = kernels()


def levels():
    return [level for level in LEVELS if kernels_of(level.encode()) != NULL]


def active():
    return active_table.name.decode()


if active_table == NULL:
    raise ImportError(
        f"VECDB_ISA={os.environ.get('VECDB_ISA')!r}: expected one of {', '.join(LEVELS)} that this CPU has"
        f" ({', '.join(levels())})"
    )


def crc32c(buffer, crc=0, *, level=None):
    cdef const Kernels* table = table_of(level)
    cdef Py_buffer view
    cdef uint32_t value = crc
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    try:
        if <size_t>view.len < GIL_FREE_BYTES:
            value = table.crc32c(value, <const uint8_t*>view.buf, view.len)
        else:
            with nogil:
                value = table.crc32c(value, <const uint8_t*>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)
    return value


def check_rows(const float[:, ::1] X, bint normalise, float[:, ::1] out=None):
    cdef Py_ssize_t row = -1, n = X.shape[0], dimension = X.shape[1]
    cdef float* target = NULL
    cdef int reason = 0
    if out is not None:
        if not normalise:
            raise ValueError("out is written only when normalise is set")
        if out.shape[0] != n or out.shape[1] != dimension:
            raise ValueError(f"out: expected shape {(n, dimension)}, received {(out.shape[0], out.shape[1])}")
    if n == 0 or dimension == 0:
        return (0, ROW_ZERO) if n and normalise else (-1, ROW_OK)
    with nogil:
        for row in range(n):
            if out is not None:
                target = &out[row, 0]
            reason = check_row(&X[row, 0], <uint32_t>dimension, normalise, target)
            if reason:
                break
    return (row if reason else -1), reason


cdef int check_row(const float* x, uint32_t dimension, bint normalise, float* out) noexcept nogil:
    cdef float norm = active_table.squared_norm(x, dimension)
    cdef double exact = 0
    cdef uint32_t i
    if isfinite(norm) and norm >= SAFE_NORM_MINIMUM:
        if out != NULL:
            if fabs(norm - 1) <= UNIT_TOLERANCE:
                memcpy(out, x, dimension * sizeof(float))
            else:
                active_table.scale(x, <float>(1 / sqrt(<double>norm)), dimension, out)
        return 0
    for i in range(dimension):
        if isnan(x[i]):
            return 1
        if not -FLT_MAX <= x[i] <= FLT_MAX:
            return 2
        exact += <double>x[i] * x[i]
    if not normalise:
        return 0
    if exact == 0:
        return 3
    if out != NULL:
        exact = sqrt(exact)
        for i in range(dimension):
            out[i] = <float>(x[i] / exact)
    return 0


cdef const Kernels* table_of(level) except NULL:
    if level is None:
        return active_table
    if level not in levels():
        raise ValueError(f"level: expected one of {', '.join(levels())}, received {level!r}")
    return kernels_of(level.encode())


cdef uint32_t index_of(name, choices, what) except *:
    if name not in choices:
        raise ValueError(f"{what}: expected one of {', '.join(choices)}, received {name!r}")
    return choices.index(name)


def row_bytes(kind, uint32_t dimension):
    return (4 * dimension, 2 * dimension, 2 * dimension, int8_row_bytes(dimension))[index_of(kind, KINDS, "kind")]


def encode(kind, const float[:, ::1] X, stride=None, *, level=None):
    cdef const Kernels* table = table_of(level)
    cdef uint32_t row_type = index_of(kind, KINDS, "kind")
    cdef size_t needed = row_bytes(kind, X.shape[1]), bytes_apart = needed if stride is None else stride
    if bytes_apart < needed:
        raise ValueError(f"stride: expected at least {needed}, received {bytes_apart}")
    codes = np.zeros((X.shape[0], bytes_apart), np.uint8)
    cdef uint8_t[:, ::1] out = codes
    if X.size:
        with nogil:
            table.encode[row_type](&X[0, 0], <uint32_t>X.shape[0], <uint32_t>X.shape[1], &out[0, 0], bytes_apart)
    return codes


def decode(kind, const uint8_t[:, ::1] codes, uint32_t dimension, *, level=None):
    cdef const Kernels* table = table_of(level)
    cdef uint32_t row_type = index_of(kind, KINDS, "kind")
    cdef Py_ssize_t row
    check_stride(codes, kind, dimension)
    X = np.empty((codes.shape[0], dimension), np.float32)
    cdef float[:, ::1] out = X
    if X.size:
        with nogil:
            for row in range(codes.shape[0]):
                table.decode[row_type](&codes[row, 0], dimension, &out[row, 0])
    return X


cdef int check_stride(const uint8_t[:, ::1] codes, kind, uint32_t dimension) except -1:
    needed = row_bytes(kind, dimension)
    if codes.shape[1] < needed:
        raise ValueError(f"codes: expected at least {needed} bytes a row, received {codes.shape[1]}")
    return 0


def prepare_int8(level, const float[::1] query):
    cdef const Kernels* table = table_of(level)
    cdef PreparedQuery prepared
    if query.shape[0] == 0:
        raise ValueError("query: expected dimension of at least 1, received 0")
    data = np.empty(query.shape[0], np.int8)
    cdef int8_t[::1] values = data
    table.prepare_int8(&query[0], <uint32_t>query.shape[0], &values[0], &prepared)
    return data, prepared.scale, prepared.sum, prepared.norm


def score(level, kind, metric, const float[::1] query, const uint8_t[:, ::1] codes, const uint32_t[::1] rows,
          uint32_t page_shift=20):
    cdef const Kernels* table = table_of(level)
    cdef uint32_t row_type = index_of(kind, KINDS, "kind"), which = index_of(metric, METRICS, "metric")
    cdef uint32_t dimension = <uint32_t>query.shape[0], n = <uint32_t>rows.shape[0]
    cdef size_t page_rows = <size_t>1 << page_shift, page_count = (codes.shape[0] + page_rows - 1) // page_rows, page
    cdef PreparedQuery prepared
    cdef RowPages pages
    cdef int8_t[::1] values
    check_stride(codes, kind, dimension)
    if page_shift > 31:
        raise ValueError(f"page_shift: expected at most 31, received {page_shift}")
    if n and np.max(rows) >= codes.shape[0]:
        raise ValueError(f"rows: expected below {codes.shape[0]}, received {np.max(rows)}")
    distances = np.empty(n, np.float32)
    cdef float[::1] out = distances
    if n == 0 or dimension == 0:
        return distances
    prepared.data = &query[0]
    prepared.dimension = dimension
    prepared.scale = prepared.norm = 0
    prepared.sum = 0
    if kind == "int8":
        values = np.empty(dimension, np.int8)
        table.prepare_int8(&query[0], dimension, &values[0], &prepared)
    cdef const uint8_t** starts = <const uint8_t**>malloc(page_count * sizeof(uint8_t*))
    if starts == NULL:
        raise MemoryError
    for page in range(page_count):
        starts[page] = &codes[page << page_shift, 0]
    pages.pages = starts
    pages.page_shift = page_shift
    pages.stride = <uint32_t>codes.shape[1]
    with nogil:
        table.score[row_type][which](&prepared, &pages, &rows[0], n, &out[0])
        free(starts)
    return distances


def panel_shape(level):
    cdef const Kernels* table = table_of(level)
    return table.panel_rows, table.panel_queries


def panel_dot(level, const float[:, ::1] queries, const float[:, ::1] rows):
    cdef const Kernels* table = table_of(level)
    cdef Py_ssize_t height = table.panel_rows, width = table.panel_queries, n = rows.shape[0]
    cdef Py_ssize_t dimension = rows.shape[1], query_count = queries.shape[0]
    cdef Py_ssize_t panel_count = (query_count + width - 1) // width, block_count = (n + height - 1) // height
    cdef Py_ssize_t panel, block_number, first, r
    cdef const float* group[64]
    if queries.shape[1] != dimension:
        raise ValueError(f"rows: expected dimension {queries.shape[1]}, received {dimension}")
    dots = np.empty((n, query_count), np.float32)
    if dots.size == 0:
        return dots
    packed = np.zeros((panel_count * width, dimension), np.float32)
    packed[:query_count] = queries
    cdef float[:, :, ::1] panels = packed.reshape(panel_count, width, dimension).transpose(0, 2, 1).copy()
    cdef float[:, ::1] out = dots
    cdef float[::1] block = np.empty(height * width, np.float32)
    with nogil:
        for panel in range(panel_count):
            for block_number in range(block_count):
                first = block_number * height
                for r in range(height):
                    group[r] = &rows[min(first + r, n - 1), 0]
                table.panel_dot(&panels[panel, 0, 0], group, <uint32_t>dimension, &block[0])
                for r in range(min(height, n - first)):
                    memcpy(&out[first + r, panel * width], &block[r * width],
                           min(width, query_count - panel * width) * sizeof(float))
    return dots


def select_below(level, const float[::1] values, const float[::1] bounds):
    cdef const Kernels* table = table_of(level)
    if values.shape[0] != bounds.shape[0]:
        raise ValueError(f"bounds: expected {values.shape[0]}, received {bounds.shape[0]}")
    positions = np.empty(values.shape[0], np.uint32)
    cdef uint32_t[::1] hits = positions
    if values.shape[0] == 0:
        return positions
    return positions[:table.select_below(&values[0], &bounds[0], <uint32_t>values.shape[0], &hits[0])]


def squared_norm(level, const float[::1] x):
    return table_of(level).squared_norm(&x[0], <uint32_t>x.shape[0]) if x.shape[0] else 0.0


def scale(level, const float[::1] x, float factor):
    scaled = np.empty(x.shape[0], np.float32)
    cdef float[::1] out = scaled
    if x.shape[0]:
        table_of(level).scale(&x[0], factor, <uint32_t>x.shape[0], &out[0])
    return scaled
