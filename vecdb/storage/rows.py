"""Rows of one fixed size by number, in chunks that never move: what RowFile and MemoryRows have in common."""

from __future__ import annotations

import itertools
import mmap
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

RowNumbers = npt.NDArray[np.uint32]
Bytes2D = npt.NDArray[np.uint8]

CHUNK_BYTES: Final = 16 << 20
PAGE_BYTES: Final = mmap.PAGESIZE

_FEW_ROWS_PER_CHUNK = 8  # up to here copying row by row is faster than sorting them by chunk


class Rows(Protocol):
    """Fixed-size rows by number. One thread writes at a time; reads beside it see rows written before."""

    row_bytes: int
    chunk_shift: int

    @property
    def rows_per_chunk(self) -> int:
        """Rows of a chunk, 2 ** chunk_shift: about 16 MiB, a function of the row's size only."""

    def ensure(self, rows: int) -> None:
        """Makes rows 0 .. rows - 1 exist; new ones are zero. StorageFull."""

    def write(self, rows: RowNumbers, data: npt.NDArray[Any]) -> None:
        """Writes data[i] (n rows of row_bytes bytes, C-contiguous or copied) to rows[i], all ensured. StorageFull."""

    def read(self, rows: RowNumbers) -> Bytes2D:
        """A copy of the rows, (n, row_bytes)."""

    def chunk_buffers(self) -> list[Bytes2D]:
        """Every chunk as a read-only (rows_per_chunk, row_bytes) view that stays where it is and shows later writes."""

    def sync(self) -> None:
        """Makes every write so far durable. StorageFailed; after a failed sync, for good."""

    def bytes_on_disk(self) -> int:
        """What its files take."""

    def close(self) -> None:
        """Lets go; views handed out stay valid."""


def chunk_shift_of(row_bytes: int) -> int:
    """log2 of the rows of a chunk."""
    return max(CHUNK_BYTES // row_bytes, 1).bit_length() - 1


def as_rows(data: npt.NDArray[Any], count: int, row_bytes: int) -> Bytes2D:
    """The data as bytes, (count, row_bytes)."""
    contiguous = np.ascontiguousarray(data)
    assert len(contiguous) == count, "one row of data for each row number"
    assert contiguous.nbytes == count * row_bytes, "rows of another size"
    return contiguous.reshape(-1).view(np.uint8).reshape(count, row_bytes)


def runs(rows: RowNumbers, chunk_shift: int) -> list[tuple[int, int]]:
    """[start, stop) of the stretches of consecutive row numbers, none across chunks."""
    if not len(rows):
        return []
    breaks = np.diff(rows.astype(np.int64)) != 1
    breaks |= np.diff(rows >> np.uint32(chunk_shift)) != 0
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(rows)]
    return list(itertools.pairwise(edges))


def whole_pages(rows: RowNumbers, chunk_shift: int, row_bytes: int, header_bytes: int) -> list[tuple[int, int, int]]:
    """(chunk, first byte, end) of the pages of chunks that hold nothing but bytes of these rows (ascending)."""
    found = []
    mask = (1 << chunk_shift) - 1
    for start, stop in runs(rows, chunk_shift):
        row = int(rows[start])
        place = header_bytes + (row & mask) * row_bytes
        first = -(-place // PAGE_BYTES) * PAGE_BYTES
        end = (place + (stop - start) * row_bytes) // PAGE_BYTES * PAGE_BYTES
        if first < end:
            found.append((row >> chunk_shift, first, end))
    return found


def gather(chunks: list[Bytes2D], chunk_shift: int, row_bytes: int, rows: RowNumbers) -> Bytes2D:
    """A copy of rows that lie in chunks, (n, row_bytes)."""
    out = np.empty((len(rows), row_bytes), np.uint8)
    if not len(rows):
        return out
    numbers = rows >> np.uint32(chunk_shift)
    places = rows & np.uint32((1 << chunk_shift) - 1)
    first = int(numbers[0])
    if (numbers == first).all():
        # mode="clip" writes straight into `out`; the places are within the chunk by construction.
        np.take(chunks[first], places, axis=0, out=out, mode="clip")
        return out
    if len(rows) <= _FEW_ROWS_PER_CHUNK * len(chunks):
        for place, (number, row) in enumerate(zip(numbers.tolist(), places.tolist(), strict=True)):
            out[place] = chunks[number][row]
        return out
    order = np.argsort(numbers, kind="stable")
    in_order = numbers[order]
    edges = [0, *(np.flatnonzero(np.diff(in_order)) + 1).tolist(), len(rows)]
    for start, stop in itertools.pairwise(edges):
        mine = order[start:stop]
        out[mine] = chunks[int(in_order[start])][places[mine]]
    return out


def read_only(array: Bytes2D) -> Bytes2D:
    """A view that nobody can write through."""
    view = array.view()
    view.flags.writeable = False
    return view
