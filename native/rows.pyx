# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True, freethreading_compatible=False
"""Rows of vectors as they are stored or coded: what structures lead to and searches score."""

cimport numpy as cnp
from libc.string cimport memcpy
from libcpp.vector cimport vector

import numpy as np

cnp.import_array()

ROW_TYPES = {
    "float32": ROW_FLOAT32,
    "float16": ROW_FLOAT16,
    "bfloat16": ROW_BFLOAT16,
    "int8": ROW_INT8,
    "code4": ROW_CODE4,
}
METRICS = {"l2": METRIC_L2, "dot": METRIC_DOT}


cdef class Code4:
    """Vectors as four-bit numbers after a projection: `matrix` (d, 128 * lines - 16), float32, `mean` (d,). ValueError."""

    def __cinit__(self, str metric, uint32_t lines, const float[:, ::1] matrix not None, const float[::1] mean not None):
        cdef int metric_number = METRICS[metric]
        cdef uint32_t dimension = mean.shape[0]
        if dimension < 1 or matrix.shape[0] != dimension or matrix.shape[1] != 128 * lines - 16:
            raise ValueError(f"expected a matrix of shape ({dimension}, {128 * lines - 16})")
        self.code4.reset(new CCode4(<Metric>metric_number, dimension, lines, &matrix[0, 0], &mean[0]))
        self.matrix = np.asarray(matrix)
        self.mean = np.asarray(mean)
        self.lines = lines
        self.metric = metric

    @property
    def row_bytes(self):
        return self.code4.get().row_bytes()

    def encode(self, RowStore source not None, const uint32_t[::1] rows not None, uint8_t[:, ::1] out not None):
        """Writes the codes of float32 or float16 rows of `source` to out (n, row_bytes); the GIL is released."""
        cdef Py_ssize_t i
        cdef vector[float] scratch
        cdef const CCode4* code4 = self.code4.get()
        check_rows_of(source, rows, code4.dimension())
        if out.shape[0] != rows.shape[0] or out.shape[1] != code4.row_bytes():
            raise ValueError(f"out: expected shape ({rows.shape[0]}, {code4.row_bytes()})")
        scratch.resize(code4.dimension())
        with nogil:
            for i in range(rows.shape[0]):
                code4.encode(source.store.get().floats(rows[i], scratch.data()), &out[i, 0])


def read_rows(RowStore source not None, const uint32_t[::1] rows not None):
    """A copy of float32 or float16 rows as float32, (n, d)."""
    cdef uint32_t dimension = source.store.get().dimension()
    check_rows_of(source, rows, dimension)
    cdef cnp.ndarray result = np.empty((rows.shape[0], dimension), np.float32)
    cdef float* out = <float*>cnp.PyArray_DATA(result)
    cdef const float* numbers
    cdef Py_ssize_t i
    with nogil:
        for i in range(rows.shape[0]):
            numbers = source.store.get().floats(rows[i], out + i * dimension)
            if numbers != out + i * dimension:
                memcpy(out + i * dimension, numbers, dimension * sizeof(float))
    return result


def stored_checksums(RowStore source not None, const uint32_t[::1] rows not None):
    """CRC-32C of each row as it is stored, uint32; the GIL is released."""
    cdef cnp.ndarray result = np.empty(rows.shape[0], np.uint32)
    cdef uint32_t* out = <uint32_t*>cnp.PyArray_DATA(result)
    cdef const CKernels* kernels = &source.store.get().kernels()
    cdef size_t row_bytes = source.store.get().stride()
    cdef Py_ssize_t i
    check_bound(source, rows)
    with nogil:
        for i in range(rows.shape[0]):
            out[i] = kernels.crc32c(0, source.store.get().row(rows[i]), row_bytes)
    return result


cdef int check_rows_of(RowStore source, const uint32_t[::1] rows, uint32_t dimension) except -1:
    if source.row_type not in ("float32", "float16") or source.store.get().dimension() != dimension:
        raise ValueError(f"expected a store of float32 or float16 rows of {dimension} numbers")
    return check_bound(source, rows)


cdef int check_bound(RowStore source, const uint32_t[::1] rows) except -1:
    if rows.shape[0] and np.max(rows) >= source.store.get().row_bound():
        raise IndexError(f"row {np.max(rows)} is beyond the store's {source.store.get().row_bound()} rows")
    return 0


cdef class RowStore:
    """Vectors of `dimension` numbers coded as `row_type`, `stride` bytes a row, in pages of 2**page_shift rows."""
    def __cinit__(self, str row_type, str metric, uint32_t dimension, uint32_t stride, uint32_t page_shift,
                  Code4 code4=None):
        cdef int type_number = ROW_TYPES[row_type], metric_number = METRICS[metric]
        if page_shift > 31:
            raise ValueError(f"page_shift: expected at most 31, received {page_shift}")
        self.page_bytes = <size_t>stride << page_shift
        if (row_type == "code4") != (code4 is not None):
            raise ValueError("rows of code4 need their Code4, and no others do")
        if code4 is not None and (stride, dimension, metric) != (code4.row_bytes, len(code4.mean), code4.metric):
            raise ValueError(f"expected {code4.row_bytes} bytes a row, {len(code4.mean)} dimensions and {code4.metric}")
        self.row_type = row_type
        self.metric = metric
        self.code4 = code4
        self.store.reset(new CRowStore(<RowType>type_number, <Metric>metric_number, dimension, stride, page_shift,
                                       code4.code4.get() if code4 is not None else NULL))
        self.pages = []

    def add_page(self, page):
        """Adds the next page: any readable buffer of 2**page_shift * stride bytes; it is kept, not copied."""
        cdef const uint8_t[::1] view = page
        if self.is_complete or <size_t>view.shape[0] < self.page_bytes:
            raise ValueError(f"expected a page of {self.page_bytes} bytes, received {view.shape[0]}")
        self.pages.append(view)
        self.store.get().add_page(&view[0])

    def add_last_page(self, page):
        """The same for a page of fewer rows, at least one; no other follows it."""
        cdef const uint8_t[::1] view = page
        cdef uint32_t stride = self.store.get().stride()
        if self.is_complete or not stride <= <size_t>view.shape[0] <= self.page_bytes or view.shape[0] % stride:
            raise ValueError(f"expected whole rows of {stride} bytes, received {view.shape[0]}")
        self.is_complete = True
        self.pages.append(view)
        self.store.get().add_last_page(&view[0], view.shape[0] // stride)

    @property
    def dimension(self):
        return self.store.get().dimension()

    @property
    def page_count(self):
        return len(self.pages)

    @property
    def row_bound(self):
        return self.store.get().row_bound()
