"""search_stream: the hits of every query, in order, whoever is slow, at every door."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.rows import DIMENSION, vectors
from tests.client.served import connected, remote, scripted
from vecdb.client.collection import RemoteCollection
from vecdb.proto.v1 import search_pb2

Both = tuple[RemoteCollection, vecdb.Collection]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(range(500), vectors(500), [{"n": n} for n in range(500)])
        yield docs, database["docs"]


@pytest.mark.parametrize("in_flight", [1, 2, 3, 64, 10_000])
@pytest.mark.parametrize("count", [0, 1, 2, 400])
def test_all_answers_come_in_order(both: Both, in_flight: int, count: int) -> None:
    docs, there = both
    queries = vectors(count, seed=8)
    options: dict[str, Any] = {"where": "n < 300", "select": ["n"], "with_vectors": True, "min_score": -0.5}
    found = list(docs.search_stream(iter(queries), 4, in_flight=in_flight, **options))
    expected = [there.search(query, 4, **options) for query in queries]
    embedded = list(there.search_stream(queries.tolist(), 4, in_flight=in_flight, **options))
    for others in (found, embedded):
        assert [hits.ids for hits in others] == [hits.ids for hits in expected]
        assert [hits.payloads for hits in others] == [hits.payloads for hits in expected]
        for hits, exact in zip(others, expected, strict=True):
            np.testing.assert_allclose(hits.scores, exact.scores, rtol=1e-5)


def test_a_lone_query_is_answered_before_the_next_is_there(both: Both) -> None:
    docs, _ = both
    next_one = threading.Semaphore(1)

    def queries() -> Iterator[Any]:
        for query in vectors(5):
            assert next_one.acquire(timeout=10), "the query before was not answered"
            yield query

    answered = 0
    for _ in docs.search_stream(queries()):
        answered += 1
        next_one.release()
    assert answered == 5


def test_no_more_are_taken_than_may_be_in_flight(both: Both) -> None:
    docs, _ = both
    taken = 0

    def queries() -> Iterator[Any]:
        nonlocal taken
        for query in vectors(500):
            taken += 1
            yield query

    found = docs.search_stream(queries(), in_flight=10)
    next(found)
    time.sleep(0.2)
    assert taken <= 1 + 5 + 10 + 1  # those given back or still to give, those in flight, one in the hand
    assert sum(1 for _ in found) == 499


def test_those_before_a_refused_query_are_answered(both: Both) -> None:
    for docs in both:
        queries = vectors(200)
        queries[150] = 0
        found: list[Any] = []
        with pytest.raises(vecdb.InvalidVector) as refused:
            found.extend(docs.search_stream(queries))
        assert len(found) == 150
        assert refused.value.row == 0


def test_what_the_iterable_raises_comes_after_the_answers(both: Both) -> None:
    def queries() -> Iterator[Any]:
        yield from vectors(70)
        raise KeyError("no more")

    for docs in both:
        found: list[Any] = []
        with pytest.raises(KeyError):
            found.extend(docs.search_stream(queries()))
        assert len(found) == 70


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_it_may_be_left(both: Both) -> None:
    docs, _ = both
    found = docs.search_stream(vectors(500))
    next(found)
    assert "vecdb-queries" in names()
    del found
    deadline = time.monotonic() + 10
    while "vecdb-queries" in names() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "vecdb-queries" not in names()


def test_queries_may_be_changed_after_they_were_given(both: Both) -> None:
    docs, there = both
    originals = vectors(300, seed=4)

    def queries() -> Iterator[Any]:
        one = np.empty(DIMENSION, np.float32)
        for query in originals:
            one[:] = query
            yield one

    found = [hits.ids for hits in docs.search_stream(queries())]
    assert found == [there.search(query).ids for query in originals]


@pytest.mark.parametrize(
    "error",
    [vecdb.Unavailable(target="", reason="gone"), vecdb.Overloaded(what="streams", retry_after_seconds=0.01)],
)
def test_what_was_not_answered_is_asked_again(error: vecdb.Error) -> None:
    calls: list[list[float]] = []

    def answers(requests: Iterator[search_pb2.SearchRequest], _context: Any) -> Iterator[search_pb2.SearchResponse]:
        calls.append([])
        for request in requests:
            queries = np.frombuffer(request.query.near.queries.data, np.float32).reshape(-1, 2)
            calls[-1] += queries[:, 0].tolist()
            if len(calls) < 3 and len(calls[-1]) > 5:
                raise error
            response = search_pb2.SearchResponse(counts=[1] * len(queries), scores=queries[:, 0].tobytes())
            response.ids.integers = queries[:, 0].astype("<i8").tobytes()
            response.plans.add(strategy="scan", metric=2)
            yield response

    rows = np.arange(400, dtype=np.float32).repeat(2).reshape(-1, 2)
    with scripted({"SearchStream": answers}) as address, remote(address) as db:
        found = [hits.ids for hits in db["docs"].search_stream(rows, in_flight=8)]
    assert found == [[number] for number in range(400)]
    assert len(calls) == 3


def test_closing_the_database_ends_it(both: Both) -> None:
    with connected() as (db, _):
        docs = db.create_collection("docs", dimension=2)
        docs.upsert([1], [[1.0, 2.0]])
        found = docs.search_stream([[1.0, 1.0]] * 1000)
        next(found)
        db.close()
        with pytest.raises(vecdb.Closed):
            list(found)


def hits_of(queries: int) -> search_pb2.SearchResponse:
    response = search_pb2.SearchResponse(counts=[0] * queries)
    response.plans.add(strategy="scan", metric=2)
    return response


def nothing(_requests: Iterator[search_pb2.SearchRequest], _context: Any) -> Iterator[search_pb2.SearchResponse]:
    yield from ()


def one_too_few(requests: Iterator[search_pb2.SearchRequest], _context: Any) -> Iterator[search_pb2.SearchResponse]:
    yield hits_of(next(requests).query.near.queries.rows)
    next(requests)


def one_too_many(requests: Iterator[search_pb2.SearchRequest], _context: Any) -> Iterator[search_pb2.SearchResponse]:
    for request in requests:
        yield from [hits_of(request.query.near.queries.rows)] * 2


def unasked(_requests: Iterator[search_pb2.SearchRequest], _context: Any) -> Iterator[search_pb2.SearchResponse]:
    yield hits_of(1)


@pytest.mark.parametrize("answers", [nothing, one_too_few, one_too_many, unasked])
def test_another_number_of_answers_is_the_servers_fault(answers: Any) -> None:
    queries = [[1.0, 2.0]] * 200

    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            async for _ in (await db["docs"]).search_stream(queries, in_flight=2):
                pass

    with scripted({"SearchStream": answers}) as address, remote(address) as db:
        with pytest.raises(vecdb.ServerFailed):
            list(db["docs"].search_stream(queries, in_flight=2))
        with pytest.raises(vecdb.ServerFailed):
            asyncio.run(run(address))


def test_a_refusal_of_no_query_is_told_as_it_is() -> None:
    asked = threading.Event()

    def refuses(_requests: Iterator[search_pb2.SearchRequest], _context: Any) -> Iterator[search_pb2.SearchResponse]:
        yield from ()
        raise vecdb.InvalidValue(argument="query", expected="another", received=None)

    def queries() -> Iterator[Any]:
        asked.wait(10)
        yield [1.0, 2.0]

    with scripted({"SearchStream": refuses}) as address, remote(address) as db:
        with pytest.raises(vecdb.InvalidValue):
            list(db["docs"].search_stream(queries()))
        asked.set()
