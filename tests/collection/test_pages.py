"""Pages of a scan: as many rows as asked, no more bytes than said, of one moment, in an order, within a deadline."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.collection.slow_payloads import decoding_slowly
from vecdb.collection import pages
from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.pages import Pages, scan

ROWS, DIMENSION = 500, 8


@pytest.fixture(params=["memory", "disk"])
def docs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[vecdb.Collection]:
    """Rows with payloads of 0 .. 10,000 bytes, and as `n` one of a few values, text among them, or none."""
    choose = random.Random(8)
    with vecdb.connect(":memory:" if request.param == "memory" else tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, index=vecdb.Flat(), metric="l2")
        payloads = [
            {"n": choose.choice([None, 1, 2.5, -3, "a", "b", [7], []]), "text": "x" * choose.randrange(10_000)}
            for _ in range(ROWS)
        ]
        docs.upsert(list(range(ROWS)), np.ones((ROWS, DIMENSION), np.float32), payloads)
        yield docs


def pages_of(docs: vecdb.Collection, **options: Any) -> Pages:
    given = {"where": None, "order_by": None, "batch": 100, "with_vectors": False, **options}
    return scan(docs._state, lambda: None, **given)


@pytest.mark.parametrize("order_by", [None, "n", "-n"])
@pytest.mark.parametrize("where", [None, vecdb.field("n") > 0])
@pytest.mark.parametrize(("batch", "bytes_maximum"), [(7, 1 << 20), (10_000, 30_000), (10_000, 1), (50, 100_000)])
def test_pages_are_full_by_rows_or_by_bytes(
    docs: vecdb.Collection, order_by: str | None, where: Any, batch: int, bytes_maximum: int
) -> None:
    expected = {record.id: record for record in docs.get(list(range(ROWS)))}
    if where is not None:
        expected = {key: record for key, record in expected.items() if record.payload["n"] in (1, 2.5, [7])}
        assert 50 < len(expected) < 350
    found = list(pages_of(docs, order_by=order_by, where=where, batch=batch, bytes_maximum=bytes_maximum))
    assert {record.id: record for page in found for record in page} == expected
    assert sum(map(len, found)) == len(expected)
    for page in found:
        sizes = [len(vecdb.json_bytes.dumps(record.payload)) for record in page]
        assert len(page) <= batch
        assert sum(sizes[:-1]) < bytes_maximum, "a page goes on after its last byte"
        assert page is found[-1] or len(page) == batch or sum(sizes) >= bytes_maximum, (
            "a page is shorter than it may be"
        )


def test_vectors_count_as_bytes_of_a_page(docs: vecdb.Collection) -> None:
    row_bytes = DIMENSION * 4
    found = list(pages_of(docs, with_vectors=True, where=vecdb.field("text") == "", bytes_maximum=row_bytes))
    assert all(len(page) == 1 for page in found)
    bound = 10 * (row_bytes + 10_020)
    found = list(pages_of(docs, with_vectors=True, batch=10_000, bytes_maximum=bound))
    assert all(page[0].vectors is not None for page in found)
    assert all(sum(len(vecdb.json_bytes.dumps(one.payload)) + row_bytes for one in page[:-1]) < bound for page in found)


@pytest.mark.parametrize("order_by", [None, "n", "-n", "text"])
def test_all_pages_are_of_one_moment(docs: vecdb.Collection, order_by: str | None) -> None:
    before = {record.id: record.payload for record in docs.get(list(range(ROWS)))}
    found = pages_of(docs, order_by=order_by, batch=20)
    records = list(next(found))
    docs.update(list(range(0, ROWS, 2)), {"n": "changed", "text": "changed"})
    docs.delete(list(range(1, ROWS, 4)))
    docs.upsert([3, ROWS], np.ones((2, DIMENSION), np.float32), [{"n": "new"}] * 2)
    records += [record for page in found for record in page]
    assert {record.id: record.payload for record in records} == before


@pytest.mark.parametrize("order_by", ["n", "-n"])
def test_an_order_is_that_of_a_stable_sort(docs: vecdb.Collection, order_by: str) -> None:
    def key(record: vecdb.Record) -> tuple[int, Any] | None:
        value = record.payload["n"]
        value = (value or [None])[0] if isinstance(value, list) else value
        return None if value is None else (isinstance(value, str), value)

    records = docs.get(list(range(ROWS)))
    keyed = [record for record in records if key(record) is not None]
    expected = sorted(keyed, key=key, reverse=order_by.startswith("-"))  # type: ignore[arg-type]
    expected += [record for record in records if key(record) is None]
    assert [record.id for record in docs.scan(order_by=order_by, batch=30)] == [record.id for record in expected]


def test_an_order_holds_keys_and_not_payloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, text_bytes = 800, 50_000
    monkeypatch.setattr(pages, "PAGE_BYTES", 1 << 20)
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=2, index=vecdb.Flat())
        for first in range(0, rows, 100):
            payloads = [{"n": -row, "text": "x" * text_bytes} for row in range(first, first + 100)]
            docs.upsert(list(range(first, first + 100)), np.ones((100, 2), np.float32), payloads)
        del payloads
        tracemalloc.start()
        try:
            found = pages_of(docs, order_by="n", batch=10_000, bytes_maximum=1 << 20)
            count = 0
            for page in found:
                count += len(page)
                del page
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert count == rows
    assert peak < 15 << 20, f"{peak} bytes, where all payloads have {rows * text_bytes}"


@pytest.mark.parametrize("order_by", [None, "n"])
@pytest.mark.parametrize("where", [None, vecdb.field("n") == "nothing"])
def test_a_page_ends_at_the_deadline(
    docs: vecdb.Collection, order_by: str | None, where: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = decoding_slowly(monkeypatch, 0.005)
    with pytest.raises(vecdb.Timeout) as caught:
        list(pages_of(docs, where=where, order_by=order_by, batch=10_000, deadline=Deadline(0.1)))
    assert caught.value.seconds == 0.1
    assert 0 < len(read) <= 21, "it goes on for a row or so"
    assert NEVER.left() == 0.0
