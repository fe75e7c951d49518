"""Durable first, then applied in order; what cannot be applied holds everything after it."""

from __future__ import annotations

import numpy as np
import pytest

from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.records import Change, Drop
from vecdb.errors import Closed, StorageFull
from vecdb.storage.memory_journal import MemoryJournal


class Target:
    """Remembers what was applied; refuses while `full`."""

    def __init__(self) -> None:
        self.applied: list[tuple[int, int]] = []
        self.full = False

    def apply(self, change: Change, sequence: int) -> None:
        if self.full:
            raise StorageFull(path="disk", detail="for the test")
        self.applied.append((sequence, change.collection))

    def flush(self) -> None:
        """Nothing."""


def queue() -> tuple[CommitQueue, Target]:
    target = Target()
    return CommitQueue(MemoryJournal(), target, waits=False), target


def test_changes_are_applied_in_the_order_of_the_journal() -> None:
    commits, target = queue()
    sequences = [commits.append(Drop(number)) for number in range(5)]
    commits.commit(sequences[4])
    assert target.applied == list(zip(sequences, range(5), strict=True))
    assert commits.applied_sequence == sequences[4]
    commits.commit(sequences[2])  # long done
    assert len(target.applied) == 5


def test_while_a_change_cannot_be_applied_nothing_more_is_journalled() -> None:
    commits, target = queue()
    target.full = True
    first = commits.append(Drop(1))
    with pytest.raises(StorageFull):
        commits.commit(first)
    for _ in range(3):
        with pytest.raises(StorageFull):
            commits.append(Drop(2))
    assert commits.journal.last_sequence == first, "a refused change would come true later"
    target.full = False
    second = commits.append(Drop(3))
    commits.commit(second)
    assert target.applied == [(first, 1), (second, 3)]


def test_closing_commits_and_then_refuses() -> None:
    commits, target = queue()
    commits.append(Drop(1))
    commits.close("the queue")
    assert [number for _, number in target.applied] == [1]
    with pytest.raises(Closed):
        commits.append(Drop(2))


def test_records_are_sized_in_bytes() -> None:
    parts = Drop(1).parts()
    assert sum(map(len, parts)) == sum(np.frombuffer(part, np.uint8).size for part in parts if len(part))
