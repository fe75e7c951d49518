"""A search gives up at its deadline wherever it is: also while a filter reads payloads."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import vecdb
from vecdb.collection import filtering
from vecdb.collection.deadline import Deadline
from vecdb.payload import decode_payload


def test_a_deadline_counts_down_and_passes() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.left() <= 0.05
    time.sleep(0.06)
    with pytest.raises(vecdb.Timeout) as caught:
        deadline.left()
    assert caught.value.seconds == 0.05
    assert Deadline(None).left() == 0.0


@pytest.mark.parametrize("several", [False, True])
def test_a_filter_that_reads_payloads_stops_at_the_deadline(several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, read = 20_000, 0

    def slowly(text: bytes) -> dict[str, Any]:
        nonlocal read
        read += 1
        if read % 100 == 0:
            time.sleep(0.01)
        return decode_payload(text)

    monkeypatch.setattr(filtering, "decode_payload", slowly)
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=2)
        docs.upsert(range(rows), np.ones((rows, 2), np.float32), [{"n": row} for row in range(rows)])
        query = np.ones((2, 2) if several else 2, np.float32)
        with pytest.raises(vecdb.Timeout) as caught:
            docs.search(query, 1, where=vecdb.field("n") == -1, timeout=0.1)
        assert 0 < read < rows / 2
        assert caught.value.seconds == 0.1
        assert docs.count() == rows
