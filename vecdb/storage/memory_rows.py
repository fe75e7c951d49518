"""Rows in anonymous memory, for a database without files."""

from __future__ import annotations

import contextlib
import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from vecdb.storage.rows import Bytes2D, RowNumbers, as_rows, chunk_shift_of, gather, read_only, runs, whole_pages


class MemoryRows:
    """Rows in anonymous memory; `huge`: in huge pages from the first row on."""

    def __init__(self, row_bytes: int, *, huge: bool = False) -> None:
        self.row_bytes = row_bytes
        self.chunk_shift = chunk_shift_of(row_bytes)
        self._chunks: list[Bytes2D] = []
        self._views: list[Bytes2D] = []
        self._maps: list[mmap.mmap] = []
        self._huge = huge

    @property
    def rows_per_chunk(self) -> int:
        """Rows of a chunk."""
        return 1 << self.chunk_shift

    def ensure(self, rows: int) -> None:
        """Makes rows 0 .. rows - 1 exist."""
        while len(self._chunks) << self.chunk_shift < rows:
            memory = mmap.mmap(-1, self.row_bytes << self.chunk_shift)
            self._maps.append(memory)
            # Huge pages only once a second chunk is needed: a small collection shall not take 2 MiB for a few rows.
            if self._huge or len(self._maps) > 1:
                for each in self._maps if len(self._maps) == 2 else self._maps[-1:]:
                    with contextlib.suppress(OSError):
                        each.madvise(mmap.MADV_HUGEPAGE)
            chunk = np.frombuffer(memory, np.uint8).reshape(self.rows_per_chunk, self.row_bytes)
            self._views.append(read_only(chunk))
            self._chunks.append(chunk)

    def write(self, rows: RowNumbers, data: npt.NDArray[Any]) -> None:
        """Writes data[i] to rows[i]."""
        source = as_rows(data, len(rows), self.row_bytes)
        for start, stop in runs(rows, self.chunk_shift):
            row = int(rows[start])
            place = row & (self.rows_per_chunk - 1)
            self._chunks[row >> self.chunk_shift][place : place + stop - start] = source[start:stop]

    def discard(self, rows: RowNumbers) -> None:
        """Gives back the pages that hold nothing but these rows (ascending), which are read as zeros or as before."""
        for chunk, first, end in whole_pages(rows, self.chunk_shift, self.row_bytes, 0):
            with contextlib.suppress(OSError):
                self._maps[chunk].madvise(mmap.MADV_REMOVE, first, end - first)

    def read(self, rows: RowNumbers) -> Bytes2D:
        """A copy of the rows."""
        return gather(self._views, self.chunk_shift, self.row_bytes, rows)

    def chunk_buffers(self) -> list[Bytes2D]:
        """Every chunk, read-only."""
        return list(self._views)

    def path_of(self, row: int) -> str:  # noqa: ARG002
        """No file."""
        return ":memory:"

    def bytes_on_disk(self) -> int:
        """None of it."""
        return 0

    def sync(self) -> None:
        """Memory has nothing to sync."""

    def close(self) -> None:
        """Nothing to let go of: readers may go on, and the memory goes with the last of them."""
