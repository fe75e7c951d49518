# distutils: language = c++
# The C++ that pairs.pyx binds.
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector


cdef extern from "<string_view>" namespace "std" nogil:
    cppclass string_view:
        string_view()
        string_view(const char*, size_t)
        const char* data() const
        size_t size() const


cdef extern from "pair_map.h" namespace "vecdb" nogil:
    cppclass PairChange:
        string_view key
        string_view value
        cbool is_delete

    cppclass CPairVersion "vecdb::PairVersion":
        cbool find(string_view, string_view*) const
        vector[pair[string, string_view]] read(string_view, const string_view*, size_t) except +
        uint64_t memory_bytes() const

    cppclass CPairMap "vecdb::PairMap":
        CPairMap()
        shared_ptr[const CPairVersion] version() const
        void apply(vector[PairChange]*) except +
        void delete_prefix(string_view) except +
