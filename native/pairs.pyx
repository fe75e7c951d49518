# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True, freethreading_compatible=False
"""An ordered map of bytes in little memory: the binding of pair_map.h. No call releases the GIL, which is its lock."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector

from vecdb.native.pairs cimport CPairMap, CPairVersion, PairChange, string_view


cdef class PairVersion:
    """The pairs of one moment."""
    cdef shared_ptr[const CPairVersion] version

    def get_many(self, list keys not None):
        """The values in the order of the keys, None where there is none."""
        return values_of(self.version.get(), keys)

    def pairs(self, bytes prefix not None, bytes after, size_t most):
        """Up to `most` pairs whose keys begin with `prefix`, above `after`, ascending."""
        cdef string_view above
        cdef const string_view* bound = NULL
        if after is not None:
            above = view_of(after)
            bound = &above
        cdef vector[pair[string, string_view]] found = self.version.get().read(view_of(prefix), bound, most)
        cdef Py_ssize_t i, count = found.size()
        cdef list pairs = [None] * count
        for i in range(count):
            pairs[i] = (PyBytes_FromStringAndSize(found[i].first.data(), found[i].first.size()),
                        bytes_of(found[i].second))
        return pairs


cdef class PairMap:
    """Pairs of bytes in the order of their keys, packed in leaves that its versions share."""
    cdef CPairMap map

    def get_many(self, list keys not None):
        """The values in the order of the keys, None where there is none."""
        return values_of(self.map.version().get(), keys)

    def write(self, list puts not None, list deletes not None):
        """Applies all, deletes after puts; none on a MemoryError."""
        cdef vector[PairChange] changes
        cdef PairChange change
        cdef bytes key, value
        changes.reserve(len(puts) + len(deletes))
        change.is_delete = False
        for key, value in puts:
            change.key = view_of(key)
            change.value = view_of(value)
            changes.push_back(change)
        change.value = string_view()
        change.is_delete = True
        for key in deletes:
            change.key = view_of(key)
            changes.push_back(change)
        self.map.apply(&changes)

    def delete_prefix(self, bytes prefix not None):
        """Deletes every key that begins with `prefix`."""
        self.map.delete_prefix(view_of(prefix))

    def version(self):
        """What there is now; the next change copies the list of leaves."""
        cdef PairVersion version = PairVersion.__new__(PairVersion)
        version.version = self.map.version()
        return version

    @property
    def memory_bytes(self):
        return self.map.version().get().memory_bytes()


cdef list values_of(const CPairVersion* version, list keys):
    cdef list values = [None] * len(keys)
    cdef string_view value
    cdef Py_ssize_t i
    cdef bytes key
    for i in range(len(keys)):
        key = keys[i]
        if version.find(view_of(key), &value):
            values[i] = bytes_of(value)
    return values


cdef inline string_view view_of(bytes text) except *:
    if text is None:
        raise TypeError("expected bytes, received None")
    return string_view(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef inline bytes bytes_of(string_view text):
    return PyBytes_FromStringAndSize(text.data(), text.size())
