# distutils: language = c++
# The C++ that rows.pyx binds.
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr


cdef extern from "row_store.h" namespace "vecdb" nogil:
    enum RowType:
        ROW_FLOAT32
        ROW_FLOAT16
        ROW_BFLOAT16
        ROW_INT8
        ROW_CODE4

    enum Metric:
        METRIC_L2
        METRIC_DOT

    cppclass CKernels "vecdb::Kernels":
        float (*squared_norm)(const float*, uint32_t)
        void (*scale)(const float*, float, uint32_t, float*)
        uint32_t (*crc32c)(uint32_t, const uint8_t*, size_t)

    const CKernels* kernel_table "vecdb::kernels"()

    cppclass CCode4 "vecdb::Code4":
        CCode4(Metric, uint32_t, uint32_t, const float*, const float*) except +
        uint32_t dimension() const
        uint32_t width() const
        uint32_t row_bytes() const
        void encode(const float*, uint8_t*) const

    cppclass CRowStore "vecdb::RowStore":
        CRowStore(RowType, Metric, uint32_t, uint32_t, uint32_t, const CCode4*) except +
        uint32_t dimension() const
        uint32_t stride() const
        const CKernels& kernels() const
        void add_page(const uint8_t*)
        void add_last_page(const uint8_t*, uint32_t)
        uint64_t row_bound() const
        const uint8_t* row(uint32_t) const
        const float* floats(uint32_t, float*) const


cdef class Code4:
    cdef unique_ptr[CCode4] code4
    cdef readonly object matrix, mean
    cdef readonly uint32_t lines
    cdef readonly str metric


cdef class RowStore:
    cdef Code4 code4
    cdef readonly str row_type, metric
    cdef unique_ptr[CRowStore] store
    cdef list pages
    cdef size_t page_bytes
    cdef cbool is_complete
