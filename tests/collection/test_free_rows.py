"""Rows are handed out once until they are free again: random operations against sets."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

from vecdb.collection.free_rows import FreeRows

NO_ROWS = np.empty(0, np.uint32)


def test_freed_rows_come_before_new_ones() -> None:
    free = FreeRows(10, np.array([3, 7], np.uint32))
    assert free.free() == 2
    assert free.assign(1).tolist() == [3]
    assert free.assign(3).tolist() == [7, 10, 11]
    assert free.assign(0).tolist() == []
    assert (free.next_row, free.free()) == (12, 0)
    assert free.assign(2).dtype == np.uint32


def test_rows_wait_until_their_batch_is_released() -> None:
    free = FreeRows(4, NO_ROWS)
    free.offer(np.array([0, 1], np.uint32))
    free.offer(np.array([2], np.uint32))
    assert (free.waiting(), free.free()) == ((2, 3), 0)
    assert free.assign(1).tolist() == [4]
    free.release(1)
    assert (free.waiting(), free.free()) == ((1, 1), 2)
    assert free.assign(3).tolist() == [0, 1, 5]
    free.release(1)
    assert free.assign(1).tolist() == [2]


@pytest.mark.parametrize("seed", range(5))
def test_random_operations(seed: int) -> None:
    numbers = random.Random(seed)
    free = FreeRows(0, NO_ROWS)
    used: set[int] = set()
    offered: list[list[int]] = []
    available: set[int] = set()
    fresh = 0
    for _ in range(500):
        action = numbers.random()
        if action < 0.5:
            rows = free.assign(numbers.randrange(8)).tolist()
            assert len(set(rows)) == len(rows), f"seed {seed}"
            again, new = [row for row in rows if row < fresh], [row for row in rows if row >= fresh]
            assert set(again) <= available, f"seed {seed}"
            assert new == list(range(fresh, fresh + len(new))), f"seed {seed}"
            assert not new or available <= set(again), f"seed {seed}: a new row while others were free"
            available -= set(again)
            fresh += len(new)
            used |= set(rows)
        elif action < 0.8 and used:
            batch = numbers.sample(sorted(used), numbers.randint(1, len(used)))
            used -= set(batch)
            offered.append(batch)
            free.offer(np.array(batch, np.uint32))
        else:
            count = numbers.randint(0, len(offered))
            free.release(count)
            available |= {row for batch in offered[:count] for row in batch}
            del offered[:count]
        assert free.waiting() == (len(offered), sum(map(len, offered)))
        assert (free.free(), free.next_row) == (len(available), fresh)


def test_threads_never_share_a_row() -> None:
    free = FreeRows(0, np.empty(0, np.uint32))
    taken: list[list[int]] = [[] for _ in range(4)]

    def take(rows: list[int]) -> None:
        for _ in range(300):
            rows += free.assign(3).tolist()

    threads = [threading.Thread(target=take, args=(rows,)) for rows in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row for rows in taken for row in rows) == list(range(3600))
