"""A search gives up at its deadline wherever it is: also while a filter reads payloads."""

from __future__ import annotations

import time

import numpy as np
import pytest

import vecdb
from vecdb.collection.deadline import Deadline


def test_a_deadline_counts_down_and_passes() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.left() <= 0.05
    time.sleep(0.06)
    with pytest.raises(vecdb.Timeout) as caught:
        deadline.left()
    assert caught.value.seconds == 0.05
    assert Deadline(None).left() == 0.0


@pytest.mark.parametrize("several", [False, True])
def test_a_filter_that_reads_payloads_stops_at_the_deadline(several: bool) -> None:
    rows = 40_000
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=2)
        docs.upsert(range(rows), np.ones((rows, 2), np.float32), [{"n": row} for row in range(rows)])
        query = np.ones((2, 2) if several else 2, np.float32)
        where = vecdb.field("n") == -1
        started = time.perf_counter()
        docs.search(query, 1, where=where)
        whole = time.perf_counter() - started
        docs.upsert([0], np.ones((1, 2), np.float32), [{"n": 0}])  # forgets the rows that were found
        started = time.perf_counter()
        with pytest.raises(vecdb.Timeout) as caught:
            docs.search(query, 1, where=where, timeout=whole / 10)
        assert time.perf_counter() - started < whole / 2
        assert caught.value.seconds == pytest.approx(whole / 10)
        assert len(docs.search(query, 1, where=where, timeout=whole * 20 + 5)[:1]) == (1 if several else 0)
