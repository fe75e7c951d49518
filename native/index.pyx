# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True, freethreading_compatible=False
"""Masks, graphs and searches over rows: the binding of the native core. Every long call releases the GIL."""

cimport cython
cimport numpy as cnp
from cpython.exc cimport PyErr_Occurred
from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy
from posix.types cimport pid_t
from posix.unistd cimport getpid

from vecdb.native.rows cimport CKernels, RowStore

import os
import threading

import numpy as np

cnp.import_array()

cdef float UNIT_TOLERANCE = 1e-6  # a squared norm this near to 1 is of unit length, as for check_rows()
cdef float SMALLEST_NORM = 1e-30  # a smaller squared norm is near float's edge and is handled by the careful path

cdef extern from "Python.h":
    # Declared without "except": what a signal handler raised must stay set until finish(), not be reported here.
    int run_signal_handlers "PyErr_CheckSignals"()
    unsigned long this_thread "PyThread_get_thread_ident"() nogil

cdef unsigned long main_thread = threading.main_thread().ident


def _the_main_thread_is_here():
    global main_thread
    main_thread = this_thread()


os.register_at_fork(after_in_child=_the_main_thread_is_here)


cdef cbool check_signals(void* argument) noexcept with gil:
    # True when a signal handler raised: the exception is set and the call returns as soon as it can.
    return run_signal_handlers() != 0


cdef int64_t deadline_of(double timeout_seconds):
    # Past a year it is no deadline, and nanoseconds would overflow.
    if not 0 < timeout_seconds < 3e7:
        return 0
    return monotonic_nanoseconds() + <int64_t>(timeout_seconds * 1e9)


cdef Interrupt* new_interrupt(double timeout_seconds):
    # Python runs signal handlers on the main thread alone, so no other thread has to ask. None may, either: while the
    # interpreter ends, a thread that asks for its lock is ended on the spot, in the middle of the C++ that asked.
    if this_thread() == main_thread:
        return new Interrupt(deadline_of(timeout_seconds), check_signals, NULL)
    return new Interrupt(deadline_of(timeout_seconds), NULL, NULL)


cdef int finish(Interrupt* interrupt) except -1:
    """Turns a stopped call into its exception."""
    if interrupt.reason() == STOP_CHECK:
        if PyErr_Occurred() == NULL:
            raise KeyboardInterrupt
        return -1  # with what the signal handler raised
    if interrupt.reason() == STOP_DEADLINE:
        raise TimeoutError
    return 0


def give_back_memory():
    """Returns to the system what the C library keeps of memory that was freed, where it is one that keeps it."""
    with nogil:
        trim_heaps()


cdef cnp.ndarray copy_of(const void* numbers, size_t count, dtype):
    cdef cnp.ndarray result = np.empty(count, dtype)
    if count:
        memcpy(cnp.PyArray_DATA(result), numbers, cnp.PyArray_NBYTES(result))
    return result


cdef class ThreadPool:
    """`threads` threads (the caller counts as one); with `nice` they run at a lower priority and the caller only waits."""
    cdef unique_ptr[CThreadPool] pool
    cdef pid_t owner

    def __cinit__(self, uint32_t threads, int nice=0):
        self.owner = getpid()
        self.pool.reset(new CThreadPool(max(threads, 1), nice))

    def __dealloc__(self):
        # C's own: a pool may outlive Python's modules at the end of the program.
        if self.owner != getpid():
            self.pool.release()  # a forked child has the pool but not its threads, and would wait for them

    @property
    def threads(self):
        return self.pool.get().threads()


cdef class RowMask:
    """An immutable set of row numbers (uint32, below 2**31)."""
    cdef CRowMask mask

    @staticmethod
    def of(const uint32_t[::1] rows):
        """The set of these rows."""
        return RowMask().with_changes(rows, None)

    @staticmethod
    def below(uint32_t rows):
        """The set of rows 0 .. rows - 1."""
        cdef RowMask result = RowMask.__new__(RowMask)
        result.mask = CRowMask.below(rows)
        return result

    def with_changes(self, const uint32_t[::1] added, const uint32_t[::1] removed):
        """This set with `added` rows, then without `removed` rows; either may be None."""
        cdef RowMask result = RowMask.__new__(RowMask)
        cdef size_t more = 0 if added is None else added.shape[0]
        cdef size_t less = 0 if removed is None else removed.shape[0]
        if more and np.max(added) >= 1 << 31:
            raise IndexError(f"row {np.max(added)}: rows are below 2**31")
        result.mask = self.mask.with_changes(&added[0] if more else NULL, more, &removed[0] if less else NULL, less)
        return result

    def minus(self, RowMask other not None):
        """The rows of this set that are not in the other."""
        cdef RowMask result = RowMask.__new__(RowMask)
        result.mask = self.mask.minus(other.mask)
        return result

    def rows(self, uint32_t first=0, size_t most=0xFFFFFFFF):
        """Up to `most` rows from `first` on, ascending, as uint32."""
        cdef vector[uint32_t] rows = self.mask.rows(first, most)
        return copy_of(rows.data(), rows.size(), np.uint32)

    def words(self):
        """The bitmap as uint64, bit i of word j for row 64 * j + i."""
        cdef vector[uint64_t] words = self.mask.words()
        return copy_of(words.data(), words.size(), np.uint64)

    @staticmethod
    def from_words(const uint64_t[::1] words):
        """The inverse of words()."""
        cdef RowMask result = RowMask.__new__(RowMask)
        if words.shape[0]:
            result.mask = CRowMask.from_words(&words[0], words.shape[0])
        return result

    def __contains__(self, uint32_t row):
        return self.mask.contains(row)

    def __len__(self):
        return self.mask.count()


cdef class Graph:
    """A graph over a store's rows (Malkov & Yashunin 2018): `m` links a row on the upper layers, 2m on the ground."""
    cdef unique_ptr[CGraph] graph
    cdef readonly RowStore store
    cdef object mapped  # what the graph shows where it lies, or None

    def __cinit__(self, RowStore store not None, uint32_t m, uint32_t ef_construction, uint64_t seed=0):
        self.store = store
        self.graph.reset(new CGraph(store.store.get()[0], m, ef_construction, seed))

    def set_store(self, RowStore store not None):
        """From now on the graph is walked and changed by the rows of `store`: the same in another form. A writer."""
        self.graph.get().set_store(store.store.get()[0])
        self.store = store

    def insert(self, const uint32_t[::1] rows, ThreadPool pool not None, double timeout_seconds=0):
        """Adds rows whose vectors are in the store. A timeout (TimeoutError) or Ctrl-C leaves some rows out."""
        cdef uint32_t count = rows.shape[0]
        if count == 0:
            return
        if np.max(rows) >= self.store.row_bound:
            raise IndexError(f"row {np.max(rows)} is beyond the store's {self.store.row_bound} rows")
        cdef unique_ptr[Interrupt] interrupt
        interrupt.reset(new_interrupt(timeout_seconds))
        with nogil:
            self.graph.get().insert(&rows[0], count, pool.pool.get()[0], interrupt.get())
        finish(interrupt.get())

    def remove(self, const uint32_t[::1] rows, ThreadPool pool not None):
        """Takes rows out and closes the gaps they leave."""
        cdef uint32_t count = rows.shape[0]
        if count == 0:
            return
        with nogil:
            self.graph.get().remove(&rows[0], count, pool.pool.get()[0])

    def relink(self):
        """Links rows that no walk can reach; returns how many there were."""
        cdef uint32_t found
        with nogil:
            found = self.graph.get().relink()
        return found

    def give_back(self):
        """Returns memory of rows that left the graph to the system. A writer."""
        with nogil:
            self.graph.get().give_back()

    def __contains__(self, uint32_t row):
        return self.graph.get().contains(row)

    def __len__(self):
        return self.graph.get().count()

    @property
    def memory_bytes(self):
        return self.graph.get().memory_bytes()

    def member_mask(self):
        """The rows of the graph as a RowMask."""
        cdef vector[uint64_t] words = self.graph.get().member_words()
        cdef RowMask result = RowMask.__new__(RowMask)
        result.mask = CRowMask.from_words(words.data(), words.size())
        return result

    def levels(self):
        """uint8 a row: 0 outside the graph, else the row's level + 1."""
        cdef vector[uint8_t] levels = self.graph.get().levels()
        return copy_of(levels.data(), levels.size(), np.uint8)

    def ground_links(self, uint32_t first, uint32_t count):
        """uint32 (count, 2m): the ground lists of rows first .. first + count; unused places hold the row itself."""
        if <uint64_t>first + count > self.graph.get().row_bound():
            raise IndexError(f"rows {first} .. {first + count} of {self.graph.get().row_bound()}")
        cdef cnp.ndarray result = np.empty((count, 2 * self.graph.get().m()), np.uint32)
        cdef uint32_t* out = <uint32_t*>cnp.PyArray_DATA(result)
        with nogil:
            self.graph.get().copy_ground(first, count, out)
        return result

    def upper_links(self):
        """uint32: for each row of level L >= 1, ascending, its lists of layers 1 .. L, m links each."""
        cdef vector[uint32_t] upper = self.graph.get().upper_links()
        return copy_of(upper.data(), upper.size(), np.uint32)

    @property
    def entry(self):
        """level << 32 | row of the entry point; 2**64 - 1 when the graph is empty."""
        return self.graph.get().entry()

    def restore(self, const uint8_t[::1] levels, ground, const uint32_t[::1] upper, uint64_t entry):
        """Fills an empty graph with copies of what levels(), ground_links(), upper_links() and entry gave. ValueError."""
        self._fill(levels, ground, upper, entry, False)

    def map(self, const uint8_t[::1] levels, ground, const uint32_t[::1] upper, uint64_t entry):
        """The same, but links stay where they are, unchecked: a graph that is searched and never changed. ValueError."""
        self._fill(levels, ground, upper, entry, True)

    def _fill(self, const uint8_t[::1] levels, ground, const uint32_t[::1] upper, uint64_t entry, bint mapped):
        cdef GraphNumbers numbers
        cdef vector[const uint32_t*] sections
        cdef const uint32_t[:, ::1] section
        cdef uint32_t width = 2 * self.graph.get().m()
        cdef list parts = list(ground) if isinstance(ground, (list, tuple)) else [ground]
        if len(self) != 0:
            raise ValueError("the graph is not empty")
        numbers.rows = left = levels.shape[0]
        numbers.section_rows = len(parts[0]) if parts else 0
        for part in parts:
            section = part
            if section.shape[1] != width or section.shape[0] != min(left, numbers.section_rows):
                raise ValueError(f"expected ground links of shape ({numbers.rows}, {width})")
            sections.push_back(&section[0, 0] if section.shape[0] else NULL)
            left -= section.shape[0]
        if left or (len(parts) > 1 and numbers.section_rows % self.graph.get().page_rows()):
            raise ValueError(f"expected ground links of shape ({numbers.rows}, {width}), in parts of whole pages")
        if numbers.rows == 0:
            return
        if np.any(np.asarray(levels)[self.store.row_bound:]):
            raise ValueError("the graph has rows beyond its store")
        numbers.levels = &levels[0]
        numbers.ground = sections.data()
        numbers.upper, numbers.upper_count = &upper[0] if upper.shape[0] else NULL, upper.shape[0]
        numbers.entry = entry
        self.mapped = (parts, upper) if mapped else None  # held for as long as they are searched
        with nogil:
            self.graph.get().fill(numbers, mapped)

    def unsound_links(self):
        """Links out of range, to rows outside the graph, or repeated in a list: 0 in a sound graph."""
        cdef uint64_t count
        with nogil:
            count = self.graph.get().unsound_links()
        return count


cdef SearchRequest request_of(Graph graph, RowStore walked, RowStore store, RowMask live, RowMask tail, bint masked, uint32_t k,
                              uint32_t ef):
    cdef SearchRequest request
    request.store = store.store.get()
    request.graph = graph.graph.get() if graph is not None else NULL
    request.walked = walked.store.get()
    request.live = &live.mask
    request.tail = &tail.mask
    request.masked = masked
    request.k = k
    request.ef = ef
    request.unmet = NULL
    return request


def search(Graph graph, RowStore store not None, cnp.ndarray query not None, RowMask live not None,
           RowMask tail not None, uint32_t k, uint32_t ef, bint masked, bint normalise, double timeout_seconds=0):
    """The k nearest live rows of one query: (uint32 rows, float32 distances, scanned), nearest first.

    Without a graph all live rows are scanned; `scanned` tells that a walk fell short and they were scanned after it.
    Raises ValueError for a query that is not finite, or has no direction while `normalise` is set; TimeoutError.
    """
    cdef uint32_t dimension = store.store.get().dimension()
    # By hand: a typed memoryview would take longer than the rest of what is done around a search.
    if (cnp.PyArray_NDIM(query) != 1 or cnp.PyArray_TYPE(query) != cnp.NPY_FLOAT32
            or not cnp.PyArray_IS_C_CONTIGUOUS(query) or not cnp.PyArray_ISNOTSWAPPED(query)):
        raise TypeError("query: expected a contiguous array of float32")
    if cnp.PyArray_DIM(query, 0) != dimension:
        raise ValueError(f"expected {dimension} numbers, received {cnp.PyArray_DIM(query, 0)}")
    cdef const CKernels* kernels = &store.store.get().kernels()
    # Held here: a writer may give the graph other codes meanwhile.
    cdef RowStore walked = graph.store if graph is not None else store
    cdef SearchRequest request = request_of(graph, walked, store, live, tail, masked, k, ef)
    cdef Interrupt* interrupt
    cdef unique_ptr[Interrupt] holder
    holder.reset(new_interrupt(timeout_seconds))
    interrupt = holder.get()
    cdef vector[float] unit
    cdef const float* vector_data = <const float*>cnp.PyArray_DATA(query)
    cdef float norm = kernels.squared_norm(vector_data, dimension)
    if not isfinite(norm) or (normalise and norm < SMALLEST_NORM):
        raise ValueError("the query needs the careful path")
    cdef TopK best
    cdef bint scanned
    cdef const vector[uint64_t]* keys
    with nogil:
        if normalise and fabs(norm - 1) > UNIT_TOLERANCE:
            unit.resize(dimension)
            kernels.scale(vector_data, <float>(1 / sqrt(<double>norm)), dimension, unit.data())
            vector_data = unit.data()
        scanned = search_one(request, vector_data, interrupt, &best)
        keys = &best.sorted()
    if interrupt.reason() != STOP_NONE:
        finish(interrupt)
    cdef cnp.npy_intp count = keys.size()
    cdef cnp.ndarray rows = cnp.PyArray_EMPTY(1, &count, cnp.NPY_UINT32, 0)
    cdef cnp.ndarray distances = cnp.PyArray_EMPTY(1, &count, cnp.NPY_FLOAT32, 0)
    copy_keys(keys[0], <uint32_t*>cnp.PyArray_DATA(rows), <float*>cnp.PyArray_DATA(distances))
    return rows, distances, scanned


def search_many(Graph graph, RowStore store not None, const float[:, ::1] queries not None, RowMask live not None,
                RowMask tail not None, uint32_t k, uint32_t ef, bint masked, ThreadPool pool not None,
                double timeout_seconds=0, const uint32_t[::1] unmet=None):
    """The k nearest live rows of each query (already finite and, for cosine, of unit length).

    `unmet`, a row for each query that its walk shall not meet. Returns (uint32 (nq, k) rows, float32 (nq, k) distances, uint32 (nq,) counts): places from counts[i] on are unset.
    """
    cdef uint32_t count = queries.shape[0]
    if queries.shape[1] != store.store.get().dimension():
        raise ValueError(f"expected {store.store.get().dimension()} numbers a query, received {queries.shape[1]}")
    # Held here: a writer may give the graph other codes meanwhile.
    cdef RowStore walked = graph.store if graph is not None else store
    cdef SearchRequest request = request_of(graph, walked, store, live, tail, masked, k, ef)
    cdef unique_ptr[Interrupt] interrupt
    interrupt.reset(new_interrupt(timeout_seconds))
    if unmet is not None:
        if unmet.shape[0] != count:
            raise ValueError(f"unmet: expected {count} rows, received {unmet.shape[0]}")
        request.unmet = &unmet[0] if count else NULL
    cdef cnp.ndarray rows = np.zeros((count, k), np.uint32)
    cdef cnp.ndarray distances = np.zeros((count, k), np.float32)
    cdef cnp.ndarray counts = np.zeros(count, np.uint32)
    cdef uint32_t* row_data = <uint32_t*>cnp.PyArray_DATA(rows)
    cdef float* distance_data = <float*>cnp.PyArray_DATA(distances)
    cdef uint32_t* count_data = <uint32_t*>cnp.PyArray_DATA(counts)
    cdef vector[TopK] best
    cdef size_t i
    if count:
        with nogil:
            best.resize(count)
            search_batch(request, &queries[0, 0], count, pool.pool.get()[0], interrupt.get(), best.data())
            for i in range(count):
                count_data[i] = copy_keys(best[i].sorted(), row_data + i * k, distance_data + i * k)
        finish(interrupt.get())
    return rows, distances, counts


cdef uint32_t copy_keys(const vector[uint64_t]& keys, uint32_t* rows, float* distances) noexcept nogil:
    cdef size_t i
    for i in range(keys.size()):
        rows[i] = key_row(keys[i])
        distances[i] = key_distance(keys[i])
    return <uint32_t>keys.size()

