"""Rows in anonymous memory, for a database without files."""

from __future__ import annotations

import contextlib
import mmap
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.storage.rows import Bytes2D, RowNumbers, as_rows, chunk_shift_of, gather, read_only, runs, whole_pages

# Private, for the system gives huge pages to shared memory only where it is told to. A forked child never writes them.
_FLAGS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_HUGE_BYTES: Final = 2 << 20
_MADV_COLLAPSE: Final = 25  # of Linux 6.1; refused by older ones


class MemoryRows:
    """Rows in anonymous memory, in huge pages where these are full; at once if `huge`."""

    def __init__(self, row_bytes: int, *, huge: bool = False) -> None:
        self.row_bytes = row_bytes
        self.chunk_shift = chunk_shift_of(row_bytes)
        self._chunks: list[Bytes2D] = []
        self._views: list[Bytes2D] = []
        self._maps: list[mmap.mmap] = []
        self._huge = huge
        self._advised: list[int] = []  # bytes of each chunk, from its begin

    @property
    def rows_per_chunk(self) -> int:
        """Rows of a chunk."""
        return 1 << self.chunk_shift

    def ensure(self, rows: int) -> None:
        """Makes rows 0 .. rows - 1 exist."""
        chunk_bytes = self.row_bytes << self.chunk_shift
        while len(self._chunks) << self.chunk_shift < rows:
            self._maps.append(memory := mmap.mmap(-1, chunk_bytes, flags=_FLAGS))
            self._advised.append(0)
            chunk = np.frombuffer(memory, np.uint8).reshape(self.rows_per_chunk, self.row_bytes)
            self._views.append(read_only(chunk))
            self._chunks.append(chunk)
        # Not beyond the last row: it would take 2 MiB for a few rows.
        number = next((number for number, size in enumerate(self._advised) if chunk_bytes - size >= _HUGE_BYTES), None)
        while number is not None and number < len(self._maps):
            filled = min((rows - (number << self.chunk_shift)) * self.row_bytes, chunk_bytes)
            self._advise(number, filled // _HUGE_BYTES * _HUGE_BYTES)
            number += 1

    def write(self, rows: RowNumbers, data: npt.NDArray[Any]) -> None:
        """Writes data[i] to rows[i]."""
        source = as_rows(data, len(rows), self.row_bytes)
        for start, stop in runs(rows, self.chunk_shift):
            row = int(rows[start])
            place = row & (self.rows_per_chunk - 1)
            self._chunks[row >> self.chunk_shift][place : place + stop - start] = source[start:stop]

    def discard(self, rows: RowNumbers) -> None:
        """Gives back the pages that hold nothing but these rows (ascending), which are read as zeros then."""
        for number, first, end in whole_pages(rows, self.chunk_shift, self.row_bytes, 0):
            memory = self._maps[number]
            start = first // _HUGE_BYTES * _HUGE_BYTES
            stop = min(-(-end // _HUGE_BYTES) * _HUGE_BYTES, len(memory))
            with contextlib.suppress(OSError):
                # Else the system would make the rest, and zeros for what is given back, a huge page again.
                memory.madvise(mmap.MADV_NOHUGEPAGE, start, stop - start)
                memory.madvise(mmap.MADV_DONTNEED, first, end - first)

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

    def _advise(self, number: int, end: int) -> None:
        first = self._advised[number]
        if end <= first:
            return
        self._advised[number] = end
        with contextlib.suppress(OSError):
            self._maps[number].madvise(mmap.MADV_HUGEPAGE, first, end - first)
            if self._huge:
                self._maps[number].madvise(_MADV_COLLAPSE, first, end - first)
