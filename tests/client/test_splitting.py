"""Calls above the server's message limit: several messages, one result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.served import connected
from vecdb.client.collection import RemoteCollection
from vecdb.client.search_verbs import SEARCH

MESSAGE_BYTES = 1 << 16
DIMENSION = 64  # 256 bytes a row: some 240 rows a message
ROWS = 1500
Both = tuple[RemoteCollection, vecdb.Collection]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with connected(message_bytes=MESSAGE_BYTES) as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        result = docs.upsert(range(ROWS), rows(ROWS), [{"text": "x" * (n % 300), "n": n} for n in range(ROWS)])
        assert result.count == ROWS
        yield docs, database["docs"]


def rows(count: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)


def test_an_upsert_in_parts_is_one_batch(both: Both) -> None:
    docs, there = both
    messages = docs._points.messages(range(ROWS), rows(ROWS), None)
    sizes = [part.ByteSize() for part in messages.parts()]
    assert len(sizes) > 5
    assert max(sizes) <= MESSAGE_BYTES
    assert [part.more for part in messages.parts()] == [True] * (len(sizes) - 1) + [False]
    before = there.upsert([], rows(0)).sequence
    assert docs.upsert(range(ROWS), rows(ROWS), [{"n": n} for n in range(ROWS)]).sequence == before + 1
    assert there.get([ROWS - 1])[0].payload == {"n": ROWS - 1}


def test_an_upsert_in_parts_is_refused_as_one(both: Both) -> None:
    docs, there = both
    bad = rows(ROWS)
    bad[1400] = np.nan
    before = there.upsert([], rows(0)).sequence
    with pytest.raises(vecdb.InvalidVector) as refused:
        docs.upsert(range(10_000, 10_000 + ROWS), bad)
    assert refused.value.row == 1400
    assert (there.count(), there.upsert([], rows(0)).sequence) == (ROWS, before)


@pytest.mark.parametrize("kind", ["text", "uuid", "mixed"])
def test_ids_of_all_kinds_fit(both: Both, kind: str) -> None:
    docs, _ = both
    import uuid

    ids: list[Any] = [f"é{n}" * 100 if kind != "uuid" else uuid.UUID(int=n) for n in range(600)]
    if kind == "mixed":
        ids[::2] = range(300)
    for message in docs._points.messages(ids, rows(600), [{"a": n} for n in range(600)]).parts():
        assert message.ByteSize() <= MESSAGE_BYTES


def test_many_queries(both: Both) -> None:
    docs, there = both
    queries = rows(700, seed=7)
    exact: dict[str, Any] = {"exact": True}
    found = docs.search(queries, 5, with_vectors=True, **exact)
    expected = there.search(queries, 5, with_vectors=True, **exact)
    assert [hits.ids for hits in found] == [hits.ids for hits in expected]
    assert [hits.payloads for hits in found] == [hits.payloads for hits in expected]
    wheres: list[Any] = [None if n % 3 else {"n": {"<": n}} for n in range(700)]
    found, expected = docs.search(queries, 5, where=wheres, **exact), there.search(queries, 5, where=wheres, **exact)
    assert [hits.ids for hits in found] == [hits.ids for hits in expected]


def test_answers_that_are_too_large_are_asked_for_in_halves(both: Both) -> None:
    docs, there = both
    queries = rows(20, seed=8)
    found, expected = docs.search(queries, 100, with_vectors=True, exact=True), there.search(queries, 100, exact=True)
    assert [hits.ids for hits in found] == [hits.ids for hits in expected]
    everything = list(range(ROWS - 1, -1, -1))
    assert docs.get(everything, with_vectors=True) == there.get(everything)


def test_an_error_names_the_row_of_all_queries(both: Both) -> None:
    queries = rows(700)
    queries[650] = 0
    with pytest.raises(vecdb.InvalidVector) as refused:
        both[0].search(queries)
    assert refused.value.row == 650


def test_one_answer_that_is_too_large_is_refused(both: Both) -> None:
    with pytest.raises(vecdb.LimitExceeded) as refused:
        both[0].search(rows(1)[0], 1000, with_vectors=True)
    assert refused.value.limit == "MESSAGE_BYTES"


def test_what_cannot_be_split_is_refused_here(both: Both) -> None:
    docs, there = both
    asked: list[str] = []
    docs._driver._callables[SEARCH.path], real = lambda *_: asked.append("sent"), docs._driver._callables[SEARCH.path]
    try:
        many = vecdb.has_id(range(20_000))
        for attempt in (
            lambda: docs.search(rows(1)[0], where=many),
            lambda: docs.search(rows(2), where=many),
            lambda: docs.upsert([1], rows(1), [{"a": "x" * MESSAGE_BYTES}]),
            lambda: docs.delete(list(range(20_000))),
            lambda: docs.delete(where=many),
            lambda: docs.count(many),
            lambda: docs.update(list(range(20_000)), {"a": 1}),
        ):
            with pytest.raises(vecdb.LimitExceeded) as refused:
                attempt()
            assert refused.value.limit == "MESSAGE_BYTES"
    finally:
        docs._driver._callables[SEARCH.path] = real
    assert asked == []
    assert there.count() == ROWS
