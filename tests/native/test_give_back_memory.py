"""give_back_memory() against what the system says is resident."""

import mmap
from pathlib import Path

import numpy as np

from vecdb.native.index import give_back_memory


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def test_freed_memory_below_what_is_still_used_goes_back() -> None:
    give_back_memory()
    before = resident_bytes()
    # Small enough to lie in the heap, each with its neighbour in use: the C library gives none of it back by itself.
    blocks = [np.ones(60_000, np.uint8) for _ in range(1500)]
    filled = resident_bytes() - before
    kept = blocks[::2]
    del blocks
    freed = resident_bytes() - before
    give_back_memory()
    left = resident_bytes() - before
    assert filled > 80 << 20
    assert freed > 0.9 * filled
    assert left < 0.7 * filled
    assert all(int(block.sum()) == 60_000 for block in kept)
