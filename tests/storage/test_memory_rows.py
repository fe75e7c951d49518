"""What rows in memory take of it, as the system counts: as much as was written, and less once rows are discarded."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from vecdb.storage.memory_rows import MemoryRows

PAGE_BYTES = mmap.PAGESIZE


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def filled(row_bytes: int, count: int, *, huge: bool, step: int = 1000) -> tuple[MemoryRows, int]:
    """Rows written `step` at a time, and how much they added."""
    data = np.full((step, row_bytes), 7, np.uint8)
    rows = MemoryRows(row_bytes, huge=huge)
    before = resident_bytes()
    for first in range(0, count, step):
        numbers = np.arange(first, min(first + step, count), dtype=np.uint32)
        rows.ensure(first + len(numbers))
        rows.write(numbers, data[: len(numbers)])
    return rows, resident_bytes() - before


@pytest.mark.parametrize("huge", [False, True])
@pytest.mark.parametrize(("row_bytes", "count"), [(128, 1000), (128, 20_000), (1536, 20_000), (1_000_003, 40)])
def test_rows_take_what_was_written_of_them(row_bytes: int, count: int, huge: bool) -> None:
    rows, added = filled(row_bytes, count, huge=huge, step=min(1000, count))
    size = row_bytes * count
    assert 0.8 * size < added < size + (1 << 20)
    assert (rows.read(np.arange(0, count, 7, dtype=np.uint32)) == 7).all()


@pytest.mark.parametrize("huge", [False, True])
def test_discarded_rows_leave_memory_and_can_be_written_again(huge: bool) -> None:
    rows, added = filled(128, 200_000, huge=huge)
    kept = np.arange(0, 200_000, 10_000, dtype=np.uint32)
    gone = np.setdiff1d(np.arange(200_000, dtype=np.uint32), kept)
    before = resident_bytes()
    rows.discard(gone)
    assert before - resident_bytes() > 0.85 * added  # what discarding needs itself is in it
    assert (rows.read(kept) == 7).all()
    rows.write(gone, np.full((len(gone), 128), 9, np.uint8))
    assert (rows.read(gone) == 9).all()
    assert (rows.read(kept) == 7).all()
