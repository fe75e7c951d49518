# distutils: language = c++
# The C++ that index.pyx binds.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr
from libcpp.vector cimport vector

from vecdb.native.rows cimport CRowStore


cdef extern from "row_mask.h" namespace "vecdb" nogil:
    cppclass CRowMask "vecdb::RowMask":
        CRowMask()
        cbool contains(uint32_t) const
        uint64_t count() const
        uint32_t row_bound() const
        CRowMask with_changes(const uint32_t*, size_t, const uint32_t*, size_t) except +
        CRowMask minus(const CRowMask&) except +
        vector[uint64_t] words() except +
        vector[uint32_t] rows(uint32_t, size_t) except +
        @staticmethod
        CRowMask below(uint32_t) except +
        @staticmethod
        CRowMask from_words(const uint64_t*, size_t) except +


cdef extern from "interrupt.h" namespace "vecdb" nogil:
    enum Reason "vecdb::Interrupt::Reason":
        STOP_NONE "vecdb::Interrupt::NONE"
        STOP_DEADLINE "vecdb::Interrupt::DEADLINE"
        STOP_CHECK "vecdb::Interrupt::CHECK"

    cppclass Interrupt:
        Interrupt(int64_t, cbool (*)(void*) noexcept, void*)
        Reason reason() const

    int64_t monotonic_nanoseconds()


cdef extern from "thread_pool.h" namespace "vecdb" nogil:
    cppclass CThreadPool "vecdb::ThreadPool":
        CThreadPool(uint32_t, int) except +
        uint32_t threads() const


cdef extern from "top_k.h" namespace "vecdb" nogil:
    cppclass TopK:
        TopK()
        const vector[uint64_t]& sorted()

    uint32_t key_row(uint64_t)
    float key_distance(uint64_t)


cdef extern from "graph.h" namespace "vecdb" nogil:
    cppclass GraphNumbers:
        const uint8_t* levels
        uint32_t rows
        const uint32_t* const* ground
        uint32_t section_rows
        const uint32_t* upper
        size_t upper_count
        uint64_t entry

    cppclass CGraph "vecdb::Graph":
        CGraph(const CRowStore&, uint32_t, uint32_t, uint64_t) except +
        uint32_t m() const
        uint64_t count() const
        cbool contains(uint32_t) const
        uint64_t row_bound() const
        uint64_t memory_bytes() const
        void set_store(const CRowStore&)
        void insert(const uint32_t*, uint32_t, CThreadPool&, Interrupt*) except +
        void remove(const uint32_t*, uint32_t, CThreadPool&) except +
        uint32_t relink() except +
        void give_back()
        vector[uint8_t] levels() except +
        void copy_ground(uint32_t, uint32_t, uint32_t*) const
        vector[uint32_t] upper_links() except +
        uint64_t entry() const
        vector[uint64_t] member_words() except +
        void fill(const GraphNumbers&, cbool) except +
        uint32_t page_rows() const
        uint64_t unsound_links() except +


cdef extern from "search.h" namespace "vecdb" nogil:
    cppclass SearchRequest:
        const CRowStore* store
        const CGraph* graph
        const CRowStore* walked
        const CRowMask* live
        const CRowMask* tail
        cbool masked
        uint32_t k
        uint32_t ef
        const uint32_t* unmet

    cbool search_one(const SearchRequest&, const float*, Interrupt*, TopK*) except +
    void search_batch(const SearchRequest&, const float*, uint32_t, CThreadPool&, Interrupt*, TopK*) except +


cdef extern from "heap.h" namespace "vecdb" nogil:
    void trim_heaps()
