"""Masks, graphs and searches over rows: the binding of the native core. Every long call releases the GIL.

Row numbers are uint32 below 2**31. A distance is "lower is nearer": squared L2, or the negated dot product. Writers of
one graph (insert, remove, relink, restore) are serialised by the caller; searches run beside them and take no lock.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vecdb.native.rows import RowStore

def give_back_memory() -> None:
    """Returns to the system what the C library keeps of memory that was freed, where it is one that keeps it."""

class ThreadPool:
    """`threads` threads (the caller counts as one); `nice` lowers the priority of the others."""

    def __init__(self, threads: int, nice: int = 0) -> None: ...
    @property
    def threads(self) -> int:
        """Threads that work on a call, its caller included."""

class RowMask:
    """An immutable set of row numbers (uint32, below 2**31)."""

    def __init__(self) -> None: ...
    @staticmethod
    def of(rows: NDArray[np.uint32]) -> RowMask:
        """The set of these rows."""

    @staticmethod
    def below(rows: int) -> RowMask:
        """The set of rows 0 .. rows - 1."""

    def with_changes(self, added: NDArray[np.uint32] | None, removed: NDArray[np.uint32] | None) -> RowMask:
        """This set with `added` rows, then without `removed` rows; either may be None."""

    def minus(self, other: RowMask) -> RowMask:
        """The rows of this set that are not in the other."""

    def rows(self, first: int = 0, most: int = 0xFFFFFFFF) -> NDArray[np.uint32]:
        """Up to `most` rows from `first` on, ascending, as uint32."""

    def words(self) -> NDArray[np.uint64]:
        """The bitmap as uint64, bit i of word j for row 64 * j + i."""

    @staticmethod
    def from_words(words: NDArray[np.uint64]) -> RowMask:
        """The inverse of words()."""

    def __contains__(self, row: int) -> bool: ...
    def __len__(self) -> int: ...

class Graph:
    """A graph over a store's rows (Malkov & Yashunin 2018): `m` links a row on the upper layers, 2m on the ground.

    Raises ValueError for an m below 2 or an ef_construction below 1.
    """

    def __init__(self, store: RowStore, m: int, ef_construction: int, seed: int = 0) -> None: ...
    @property
    def store(self) -> RowStore:
        """The rows the graph is walked and changed by."""

    def set_store(self, store: RowStore) -> None:
        """From now on these rows, the same in another form: codes or floats. A writer; searches go on meanwhile."""

    def insert(self, rows: NDArray[np.uint32], pool: ThreadPool, timeout_seconds: float = 0) -> None:
        """Adds rows whose vectors are in the store. A timeout (TimeoutError) or Ctrl-C leaves some rows out.

        Rows already in the graph are passed over; a row beyond the store is an IndexError.
        """

    def remove(self, rows: NDArray[np.uint32], pool: ThreadPool) -> None:
        """Takes rows out and closes the gaps they leave."""

    def relink(self) -> int:
        """Links rows that no walk can reach; returns how many there were."""

    def give_back(self) -> None:
        """Returns memory of rows that left the graph to the system. A writer."""

    def __contains__(self, row: int) -> bool: ...
    def __len__(self) -> int: ...
    @property
    def memory_bytes(self) -> int:
        """Bytes of memory in pages of links."""

    def member_mask(self) -> RowMask:
        """The rows of the graph as a RowMask."""

    def levels(self) -> NDArray[np.uint8]:
        """uint8 a row: 0 outside the graph, else the row's level + 1."""

    def ground_links(self, first: int, count: int) -> NDArray[np.uint32]:
        """uint32 (count, 2m): the ground lists of rows first .. first + count; unused places hold the row itself."""

    def upper_links(self) -> NDArray[np.uint32]:
        """uint32: for each row of level L >= 1, ascending, its lists of layers 1 .. L, m links each."""

    @property
    def entry(self) -> int:
        """level << 32 | row of the entry point; 2**64 - 1 when the graph is empty."""

    def restore(
        self,
        levels: NDArray[np.uint8],
        ground: NDArray[np.uint32] | Sequence[NDArray[np.uint32]],
        upper: NDArray[np.uint32],
        entry: int,
    ) -> None:
        """Fills an empty graph with copies of what levels(), ground_links(), upper_links() and entry gave.

        Ground links may come in parts of equally many rows, whole pages of the graph, the last one shorter: 65,536 rows
        suit. ValueError if the numbers are unsound, which leaves the graph empty.
        """

    def map(
        self,
        levels: NDArray[np.uint8],
        ground: NDArray[np.uint32] | Sequence[NDArray[np.uint32]],
        upper: NDArray[np.uint32],
        entry: int,
    ) -> None:
        """The same, but the links stay where they are and are held, not copied.

        Such a graph is searched only: what would change it is a ValueError. Levels, entry and the number of upper links
        are checked; links are not, and may be any numbers: walks pass over those that lead nowhere.
        """

    def unsound_links(self) -> int:
        """Links out of range, to rows outside the graph, or repeated in a list: 0 in a sound graph."""

def search(
    graph: Graph | None,
    store: RowStore,
    query: NDArray[np.float32],
    live: RowMask,
    tail: RowMask,
    k: int,
    ef: int,
    masked: bool,
    normalise: bool,
    timeout_seconds: float = 0,
) -> tuple[NDArray[np.uint32], NDArray[np.float32], bool]:
    """The k nearest live rows of one query: (uint32 rows, float32 distances, scanned), nearest first.

    Without a graph all live rows are scanned; `scanned` tells that a walk fell short and they were scanned after it.
    Raises ValueError for a query that is not finite, or has no direction while `normalise` is set; TimeoutError.
    """

def search_many(
    graph: Graph | None,
    store: RowStore,
    queries: NDArray[np.float32],
    live: RowMask,
    tail: RowMask,
    k: int,
    ef: int,
    masked: bool,
    pool: ThreadPool,
    timeout_seconds: float = 0,
    unmet: NDArray[np.uint32] | None = None,
) -> tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.uint32]]:
    """The k nearest live rows of each query (already finite and, for cosine, of unit length).

    `unmet` is a row for each query: its walk goes on as if that row were not in the graph, unless it begins there.
    Returns (uint32 (nq, k) rows, float32 (nq, k) distances, uint32 (nq,) counts): places from counts[i] on are unset.
    """
