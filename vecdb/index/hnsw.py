"""The graph index (Malkov & Yashunin 2018) over codes of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from vecdb.index.code_training import are_enough, code4_for
from vecdb.index.codes import Codes, mapped_store
from vecdb.index.graph_file import GraphFile, write_graph
from vecdb.index.vector_index import Floats, RowNumbers, View
from vecdb.native.index import Graph, RowMask, ThreadPool, search, search_many
from vecdb.native.rows import RowStore
from vecdb.schema import Hnsw

SEED: Final = 1

_LOADED_AT_ONCE_BYTES: Final = 4 << 20  # a smaller file is read whole in a few milliseconds
_RELINK_SHARE: Final = 0.1
_GONE_SHARE: Final = 0.5
_TRAINING_GROWTH: Final = 2  # times as many rows: the codes are made anew
_TRAINING_ROWS_MAXIMUM: Final = 1 << 18  # trained on as many, codes are made anew less often


class HnswIndex:
    """A graph over a store. `pool` searches batches, `background` builds; `unit`: rows have length one.

    A `file` is read whole. `mapped`: a large one is searched where it is mapped, until load() has checked it.
    Corrupted, VersionMismatch, StorageFailed.

    It is walked and built by codes of four bits a number (see native/code4.h), once there are rows enough to find out
    how to code them and the codes prove good on those; what a walk finds is scored again by the rows themselves.
    """

    absorbs = True

    def __init__(
        self,
        store: RowStore,
        settings: Hnsw,
        pool: ThreadPool,
        background: ThreadPool,
        file: Path | None = None,
        *,
        unit: bool = False,
        mapped: bool = False,
    ) -> None:
        self._store = store
        self._unit = unit
        self._codes: Codes | None = None
        self._trained_rows = 0  # live rows when codes were last thought of
        self._since_training = 0  # rows inserted since then: they may lie elsewhere, though there are no more of them
        self._settings = settings
        self._pool = pool
        self._background = background
        self.graph = self._new_graph()
        self._inserted = 0  # since the last search for unreachable rows, which walks the whole graph
        self._file: GraphFile | None = None  # that is searched where it is mapped
        if file is None:
            return
        saved = GraphFile(file, settings.m, store.dimension, "l2" if unit else store.metric)
        if mapped and saved.is_mappable and saved.bytes > _LOADED_AT_ONCE_BYTES:
            self._show(saved)
        else:
            saved.check()
            self._take(saved)

    def search(
        self, query: Floats, k: int, ef: int, view: View, exact: bool, normalise: bool, timeout_seconds: float
    ) -> tuple[RowNumbers, Floats, bool]:
        """Walks the graph and scans the tail; see VectorIndex."""
        graph = None if exact else self.graph
        return search(graph, self._store, query, view.live, view.tail, k, ef, view.masked, normalise, timeout_seconds)

    def search_many(
        self,
        queries: Floats,
        k: int,
        ef: int,
        view: View,
        *,
        exact: bool,
        timeout_seconds: float,
        unmet: RowNumbers | None = None,
    ) -> tuple[RowNumbers, Floats, RowNumbers]:
        """Walks for all queries, shared out over the pool; see VectorIndex."""
        graph = None if exact else self.graph
        return search_many(
            graph, self._store, queries, view.live, view.tail, k, ef, view.masked, self._pool, timeout_seconds, unmet
        )

    def insert(self, rows: RowNumbers, live: RowMask | None = None) -> None:
        """Links rows into the graph; now and then also rows that choices made since then left without a way in."""
        self.load()
        self._train(RowMask.of(rows) if live is None else live)
        if self._codes is not None:
            self._codes.write(rows)
        self._since_training += len(rows)
        self.graph.insert(rows, self._background)
        self._inserted += len(rows)
        if self._inserted >= _RELINK_SHARE * len(self.graph):
            self._relink()

    def _train(self, live: RowMask) -> None:
        """Makes the codes, or makes them anew, where there are or came many more rows than they were made for."""
        growth = _TRAINING_GROWTH if self._trained_rows < _TRAINING_ROWS_MAXIMUM else 4 * _TRAINING_GROWTH
        if not are_enough(len(live), self._store.dimension):
            return
        if max(len(live), self._since_training) < growth * self._trained_rows:
            return
        self._trained_rows = len(live)
        self._since_training = 0
        code4 = code4_for(self._store, live.rows(), self._unit, self._background)
        if code4 is None:
            self._codes = None
            self.graph.set_store(self._store)
            return
        codes = Codes(self._store, code4, len(live))
        codes.write(self.members().rows())
        # Searches under way go on with the codes they have.
        self._codes = codes
        self.graph.set_store(codes.store)

    def _relink(self) -> None:
        self.graph.relink()
        self._inserted = 0

    def audit(self) -> None:
        """Links rows that choices made for later ones left without a way in; walks the graph, if rows were inserted."""
        if self._inserted:
            self._relink()

    @property
    def inserted_since_audit(self) -> int:
        """Rows inserted since all were seen to be reached."""
        return self._inserted

    def remove(self, rows: RowNumbers) -> None:
        """Takes rows out, closes the gaps they leave, and links what cannot be reached, as audit() does."""
        self.load()
        before = len(self.graph)
        self.graph.remove(rows, self._background)
        if len(self.graph) < before:
            self._inserted = 0
            self._give_back()

    def _give_back(self) -> None:
        """Gives back memory of rows that left, once those are most; fewer will be used again before long."""
        gone = np.flatnonzero(self.graph.levels() == 0).astype(np.uint32)
        if len(gone) > _GONE_SHARE * (len(gone) + len(self.graph)):
            self.graph.give_back()
            if self._codes is not None:
                self._codes.discard(gone)

    def members(self) -> RowMask:
        """The rows of the graph."""
        return self.graph.member_mask()

    def save(self, path: Path) -> None:
        """Writes the graph and its codes; see write_graph(). Corrupted if it was not loaded yet and cannot be."""
        self.load()
        self.audit()
        write_graph(path, self.graph, self._settings.m, self._codes)

    def memory_bytes(self) -> int:
        """The links and the codes, in memory or mapped."""
        file = self._file
        if file is not None:
            return file.bytes
        return self.graph.memory_bytes + (self._codes.memory_bytes() if self._codes is not None else 0)

    @property
    def is_mapped(self) -> bool:
        """Whether it is searched where its file is mapped."""
        return self._file is not None

    def load(self, bytes_maximum: int | None = None) -> bool:
        """Checks about so many bytes of a file that is searched where it is mapped, or all that is left of it.

        Once it is checked it is copied into memory, which is faster to walk, and the file is let go of. True while
        there is more to do. Corrupted; the index goes on with the mapped file, which does nobody harm.
        """
        if self._file is None:
            return False
        if self._file.check(bytes_maximum):
            return True
        self._take(self._file)
        self._file = None
        return False

    def _new_graph(self) -> Graph:
        return Graph(self._store, self._settings.m, self._settings.ef_construction, SEED)

    def _take(self, file: GraphFile) -> None:
        """Copies a checked file. Searches under way go on with what they have."""
        graph, codes = self._new_graph(), None
        if file.codes is not None:
            codes = Codes(self._store, file.codes.code4, file.codes.trained_rows)
            for number, each in enumerate(file.codes.parts):
                codes.restore(number * file.part_rows, each)
        file.fill(graph, mapped=False)
        if codes is not None:
            graph.set_store(codes.store)
            self._trained_rows = codes.trained_rows
        self.graph, self._codes = graph, codes

    def _show(self, file: GraphFile) -> None:
        """Searches a file where it is mapped."""
        graph = self._new_graph()
        file.fill(graph, mapped=True)
        if file.codes is not None:
            graph.set_store(mapped_store(self._store, file.codes.code4, file.codes.parts, file.part_rows))
        self.graph, self._file = graph, file
