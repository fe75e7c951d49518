"""The graph index (Malkov & Yashunin 2018) and its file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import numpy as np

from vecdb.errors import Corrupted
from vecdb.index.vector_index import Floats, RowNumbers, View
from vecdb.native.index import Graph, RowMask, RowStore, ThreadPool, search, search_many
from vecdb.schema import Hnsw
from vecdb.storage.checked_file import read_checked, write_checked

MAGIC: Final = b"VECDBGRA"
VERSION: Final = 1
SEED: Final = 1

_HEADER = struct.Struct("<QQII")  # entry, rows, m, rows a section of ground links
_SECTION_ROWS: Final = 1 << 16
_RELINK_SHARE: Final = 0.1


class HnswIndex:
    """A graph over a store. `pool` searches batches, `background` builds."""

    absorbs = True

    def __init__(
        self, store: RowStore, settings: Hnsw, pool: ThreadPool, background: ThreadPool, file: Path | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._pool = pool
        self._background = background
        self.graph = Graph(store, settings.m, settings.ef_construction, SEED)
        self._inserted = 0  # since the last search for unreachable rows, which walks the whole graph
        if file is not None:
            self._load(file)

    def search(
        self, query: Floats, k: int, ef: int, view: View, *, exact: bool, normalise: bool, timeout_seconds: float
    ) -> tuple[RowNumbers, Floats, bool]:
        """Walks the graph and scans the tail; see VectorIndex."""
        graph = None if exact else self.graph
        return search(graph, self._store, query, view.live, view.tail, k, ef, view.masked, normalise, timeout_seconds)

    def search_many(
        self, queries: Floats, k: int, ef: int, view: View, *, exact: bool, timeout_seconds: float
    ) -> tuple[RowNumbers, Floats, RowNumbers]:
        """Walks for all queries, shared out over the pool; see VectorIndex."""
        graph = None if exact else self.graph
        return search_many(
            graph, self._store, queries, view.live, view.tail, k, ef, view.masked, self._pool, timeout_seconds
        )

    def insert(self, rows: RowNumbers) -> None:
        """Links rows into the graph; now and then also rows that choices made since then left without a way in."""
        self.graph.insert(rows, self._background)
        self._inserted += len(rows)
        if self._inserted >= _RELINK_SHARE * len(self.graph):
            self._relink()

    def _relink(self) -> None:
        self.graph.relink()
        self._inserted = 0

    def remove(self, rows: RowNumbers) -> None:
        """Takes rows out and closes the gaps they leave."""
        self.graph.remove(rows, self._background)

    def members(self) -> RowMask:
        """The rows of the graph."""
        return self.graph.member_mask()

    def save(self, path: Path) -> None:
        """Writes the graph as sections: header, levels, ground links by 65,536 rows, upper links."""
        if self._inserted:
            self._relink()
        levels = self.graph.levels()
        rows = int(np.flatnonzero(levels)[-1]) + 1 if len(self.graph) else 0
        levels = levels[:rows]
        header = _HEADER.pack(self.graph.entry, rows, self._settings.m, _SECTION_ROWS)
        ground = [
            self.graph.ground_links(first, min(_SECTION_ROWS, rows - first)) for first in range(0, rows, _SECTION_ROWS)
        ]
        write_checked(path, MAGIC, VERSION, [header, levels, *ground, self.graph.upper_links()])

    def memory_bytes(self) -> int:
        """The links."""
        return self.graph.memory_bytes

    def _load(self, path: Path) -> None:
        sections = read_checked(path, MAGIC, VERSION)
        try:
            entry, rows, m, _ = _HEADER.unpack(sections[0])
            if m != self._settings.m:
                raise ValueError(f"a graph of m={m}, expected {self._settings.m}")
            levels = np.frombuffer(sections[1], np.uint8)
            ground = np.concatenate([np.frombuffer(section, np.uint32) for section in sections[2:-1]] or [_NO_LINKS])
            upper = np.frombuffer(sections[-1], np.uint32)
            if len(levels) != rows:
                raise ValueError(f"levels of {len(levels)} rows, expected {rows}")
            self.graph.restore(levels, ground.reshape(-1, 2 * m), upper, entry)
        except (ValueError, IndexError, struct.error) as error:
            raise Corrupted(path=str(path), detail=str(error)) from error


_NO_LINKS = np.empty(0, np.uint32)
