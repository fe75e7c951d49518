"""The graph index (Malkov & Yashunin 2018) over codes of the rows, and its file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import numpy as np

from vecdb.errors import Corrupted
from vecdb.index.code_training import are_enough, code4_for, code4_width
from vecdb.index.codes import Codes
from vecdb.index.vector_index import Floats, RowNumbers, View
from vecdb.native.index import Graph, RowMask, ThreadPool, search, search_many
from vecdb.native.rows import Code4, RowStore
from vecdb.schema import Hnsw
from vecdb.storage.checked_file import read_checked, write_checked

MAGIC: Final = b"VECDBGRA"
VERSION: Final = 2
SEED: Final = 1

_HEADER = struct.Struct("<QQII")  # entry, rows, m, rows a section of ground links and of codes
_CODES_HEADER = struct.Struct("<IIQ")  # dimension, lines, rows trained on
_SECTION_ROWS: Final = 1 << 16
_RELINK_SHARE: Final = 0.1
_GONE_SHARE: Final = 0.5
_TRAINING_GROWTH: Final = 2  # times as many rows: the codes are made anew
_TRAINING_ROWS_MAXIMUM: Final = 1 << 18  # trained on as many, codes are made anew less often


class HnswIndex:
    """A graph over a store. `pool` searches batches, `background` builds; `unit`: rows have length one.

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
    ) -> None:
        self._store = store
        self._unit = unit
        self._codes: Codes | None = None
        self._trained_rows = 0  # live rows when codes were last thought of
        self._since_training = 0  # rows inserted since then: they may lie elsewhere, though there are no more of them
        self._settings = settings
        self._pool = pool
        self._background = background
        self.graph = Graph(store, settings.m, settings.ef_construction, SEED)
        self._inserted = 0  # since the last search for unreachable rows, which walks the whole graph
        if file is not None:
            self._load(file)

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
        """Writes header, levels, ground links by 65,536 rows, upper links; header, mean, matrix of the codes, codes."""
        self.audit()
        levels = self.graph.levels()
        rows = int(np.flatnonzero(levels)[-1]) + 1 if len(self.graph) else 0
        levels = levels[:rows]
        header = _HEADER.pack(self.graph.entry, rows, self._settings.m, _SECTION_ROWS)
        ground = [
            self.graph.ground_links(first, min(_SECTION_ROWS, rows - first)) for first in range(0, rows, _SECTION_ROWS)
        ]
        graph = [header, levels, *ground, self.graph.upper_links()]
        write_checked(path, MAGIC, VERSION, [*graph, *self._code_sections(rows)])

    def memory_bytes(self) -> int:
        """The links and the codes."""
        return self.graph.memory_bytes + (self._codes.memory_bytes() if self._codes is not None else 0)

    def _code_sections(self, rows: int) -> list[object]:
        codes = self._codes
        if codes is None:
            return []
        code4 = codes.code4
        header = _CODES_HEADER.pack(len(code4.mean), code4.lines, codes.trained_rows)
        bounds = [(first, min(first + _SECTION_ROWS, rows)) for first in range(0, rows, _SECTION_ROWS)]
        coded = [codes.read(np.arange(first, end, dtype=np.uint32)) for first, end in bounds]
        return [header, code4.mean, code4.matrix, *coded]

    def _load(self, path: Path) -> None:
        sections = read_checked(path, MAGIC, VERSION)
        try:
            entry, rows, m, section_rows = _HEADER.unpack(sections[0])
            if m != self._settings.m:
                raise ValueError(f"a graph of m={m}, expected {self._settings.m}")
            levels = np.frombuffer(sections[1], np.uint8)
            if len(levels) != rows or section_rows == 0:
                raise ValueError(f"levels of {len(levels)} rows, expected {rows}")
            last = 2 + -(-rows // section_rows)  # the section after the ground links
            ground = np.concatenate([np.frombuffer(section, np.uint32) for section in sections[2:last]] or [_NO_LINKS])
            upper = np.frombuffer(sections[last], np.uint32)
            codes = self._loaded_codes(sections[last + 1 :], rows, section_rows)
            self.graph.restore(levels, ground.reshape(-1, 2 * m), upper, entry)
            if codes is not None:
                self._codes = codes
                self._trained_rows = codes.trained_rows
                self.graph.set_store(codes.store)
        except (ValueError, IndexError, struct.error) as error:
            raise Corrupted(path=str(path), detail=str(error)) from error

    def _loaded_codes(self, sections: list[memoryview], rows: int, section_rows: int) -> Codes | None:
        if not sections:
            return None
        dimension, lines, trained_rows = _CODES_HEADER.unpack(sections[0])
        if dimension != self._store.dimension:
            raise ValueError(f"codes of {dimension} dimensions, expected {self._store.dimension}")
        mean = np.frombuffer(sections[1], np.float32).copy()
        matrix = np.frombuffer(sections[2], np.float32).reshape(dimension, code4_width(lines)).copy()
        if not (np.isfinite(mean).all() and np.isfinite(matrix).all()):
            raise ValueError("the projection of the codes is not finite")
        metric = "l2" if self._unit else self._store.metric
        codes = Codes(self._store, Code4(metric, lines, matrix, mean), trained_rows)
        coded = [np.frombuffer(each, np.uint8).reshape(-1, codes.code4.row_bytes) for each in sections[3:]]
        if [len(each) for each in coded] != [min(section_rows, rows - first) for first in range(0, rows, section_rows)]:
            raise ValueError(f"codes of {sum(map(len, coded))} rows, expected {rows}")
        for number, each in enumerate(coded):
            codes.restore(number * section_rows, each)
        return codes


_NO_LINKS = np.empty(0, np.uint32)
