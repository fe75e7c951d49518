"""Codes of a store's rows, by which a graph is walked: what the walk reads stays small enough for the caches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from vecdb.index.vector_index import RowNumbers
from vecdb.native.rows import Code4, RowStore
from vecdb.storage.memory_rows import MemoryRows
from vecdb.storage.rows import Bytes2D

_ROWS_AT_A_TIME: Final = 4096


class Codes:
    """The codes of rows of `source` (float32 or float16), in memory; `store` is what native searches walk by.

    `trained_rows` is how many live rows there were when `code4` was made for them.
    """

    def __init__(self, source: RowStore, code4: Code4, trained_rows: int) -> None:
        self.code4 = code4
        self.trained_rows = trained_rows
        self._source = source
        self._rows = MemoryRows(code4.row_bytes, huge=True)
        self._bound = 0  # one past the last row that was written
        shift = self._rows.chunk_shift
        self.store = RowStore("code4", code4.metric, len(code4.mean), code4.row_bytes, shift, code4)

    def write(self, rows: RowNumbers) -> None:
        """Makes the codes of rows that the source holds."""
        if not len(rows):
            return
        self._ensure(int(rows.max()) + 1)
        for first in range(0, len(rows), _ROWS_AT_A_TIME):
            some = rows[first : first + _ROWS_AT_A_TIME]
            coded = np.empty((len(some), self.code4.row_bytes), np.uint8)
            self.code4.encode(self._source, some, coded)
            self._rows.write(some, coded)

    def read(self, rows: RowNumbers) -> Bytes2D:
        """A copy of the codes, (n, row bytes)."""
        return self._rows.read(rows)

    def restore(self, first: int, coded: Bytes2D) -> None:
        """Puts back what read() gave for rows first .. first + n."""
        self._ensure(first + len(coded))
        self._rows.write(np.arange(first, first + len(coded), dtype=np.uint32), coded)

    def discard(self, rows: RowNumbers) -> None:
        """Gives back the memory of whole pages of codes that nobody needs any more; rows ascending."""
        self._rows.discard(rows[rows < self._bound])

    def memory_bytes(self) -> int:
        """The codes, and the projection."""
        return self._bound * self.code4.row_bytes + int(self.code4.matrix.nbytes)

    def _ensure(self, rows: int) -> None:
        self._bound = max(self._bound, rows)
        self._rows.ensure(rows)
        for chunk in self._rows.chunk_buffers()[self.store.page_count :]:
            self.store.add_page(chunk.reshape(-1))


def mapped_store(source: RowStore, code4: Code4, parts: Sequence[Bytes2D], part_rows: int) -> RowStore:
    """A store of codes where they lie, for walks: in parts of `part_rows` rows, a power of two, the last of fewer."""
    shift = part_rows.bit_length() - 1
    store = RowStore("code4", code4.metric, source.dimension, code4.row_bytes, shift, code4)
    for part in parts[:-1]:
        store.add_page(part.reshape(-1))
    store.add_last_page(parts[-1].reshape(-1))
    return store
