"""AsyncDatabase and AsyncCollection: the same verbs, awaited; loops, tasks and cancellation."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.rows import DIMENSION, FIELDS, mixed_ids, payloads, vectors
from tests.client.served import Served, scripted, served
from vecdb.client.async_collection import AsyncCollection
from vecdb.client.async_database import AsyncDatabase
from vecdb.client.collection import RemoteCollection
from vecdb.client.database import RemoteDatabase
from vecdb.client.upload import AHEAD
from vecdb.proto.v1 import collections_pb2, points_pb2

ROWS = 300


@pytest.fixture(scope="module")
def there() -> Iterator[Served]:
    """A server with rows that nobody changes."""
    with served(queue=200) as place:
        docs = place.database.create_collection("docs", dimension=DIMENSION, fields=FIELDS)
        docs.upsert(mixed_ids(ROWS), vectors(ROWS), payloads(ROWS))
        yield place


def test_every_verb_is_there_with_the_same_arguments() -> None:
    for blocking, awaited in ((RemoteCollection, AsyncCollection), (RemoteDatabase, AsyncDatabase)):
        for name, verb in vars(blocking).items():
            if not name.startswith("_") and callable(verb):
                found, expected = inspect.signature(getattr(awaited, name)), inspect.signature(verb)
                assert found.parameters.keys() == expected.parameters.keys(), name
                for each in expected.parameters:
                    assert found.parameters[each].default == expected.parameters[each].default, name


def test_the_remote_verbs_are_those_of_the_embedded_ones() -> None:
    for embedded, remote in ((vecdb.Collection, RemoteCollection), (vecdb.Database, RemoteDatabase)):
        for name, verb in vars(embedded).items():
            if not name.startswith("_") and callable(verb) and name != "snapshot_parts":
                found, expected = inspect.signature(getattr(remote, name)), inspect.signature(verb)
                assert found.parameters.keys() == expected.parameters.keys(), name
                for each in expected.parameters:
                    assert found.parameters[each].default == expected.parameters[each].default, name


def test_reading(there: Served) -> None:
    expected = there.database["docs"]
    queries = vectors(5, seed=6)

    async def run() -> None:
        async with vecdb.connect_async(there.address) as db:
            assert await db.collections() == ["docs"]
            docs = await db["docs"]
            assert (docs.name, docs.schema) == ("docs", expected.schema)
            hits = await docs.search(queries[0], 7, where="year > 2004", with_vectors=True)
            other = expected.search(queries[0], 7, where="year > 2004", with_vectors=True)
            assert (hits.ids, hits.payloads, hits.plan) == (other.ids, other.payloads, other.plan)
            np.testing.assert_array_equal(hits.scores, other.scores)
            many = await docs.search(queries)
            assert [each.ids for each in many] == [each.ids for each in expected.search(queries)]
            assert await docs.get(mixed_ids(9)) == expected.get(mixed_ids(9))
            assert [each async for each in docs.scan(order_by="year", batch=11)] == list(expected.scan(order_by="year"))
            assert await docs.count("year > 2004") == expected.count("year > 2004")
            assert await docs.stats() == expected.stats()
            assert await docs.recall(5, 3, ef=9) == expected.recall(5, 3, ef=9)
            assert (await db.stats()).rows == ROWS

    asyncio.run(run())


def test_writing() -> None:
    async def run(address: str) -> None:
        db = await vecdb.connect_async(address)
        docs = await db.create_collection("docs", DIMENSION)
        seen: list[int] = []
        result = await docs.upsert(range(12_500), vectors(12_500), progress=lambda done, _: seen.append(done))
        assert (result.count, seen) == (12_500, [*range(1000, 13_000, 1000), 12_500])
        assert (await docs.upsert([1], vectors(1), [{"a": 1}])).count == 1
        assert (await docs.update([1, "nobody"], {"b": 2})).missing == 1
        assert (await docs.get([1]))[0].payload == {"a": 1, "b": 2}
        assert (await docs.delete([1, 2])).count == 2
        assert (await docs.verify()).ok
        reports: list[Any] = []
        await docs.optimize(progress=lambda *now: reports.append(now))
        await docs.drop()
        with pytest.raises(vecdb.CollectionNotFound):
            await docs.count()
        with pytest.raises(vecdb.CollectionNotFound):
            await db["docs"]
        await db.create_collection("other", 2)
        await db.drop_collection("other")
        assert await db.collections() == []
        await db.close()
        await db.close()
        with pytest.raises(vecdb.Closed):
            await db.collections()
        with pytest.raises(vecdb.Closed):
            await db

    with served() as place:
        asyncio.run(run(place.address))


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("in_flight", [1, 64])
def test_search_streams(there: Served, asynchronous: bool, in_flight: int) -> None:
    expected = there.database["docs"]
    queries = vectors(300, seed=7)

    async def slowly() -> AsyncIterator[Any]:
        for number, query in enumerate(queries):
            if number % 50 == 0:
                await asyncio.sleep(0.01)
            yield query

    async def run() -> list[Any]:
        async with vecdb.connect_async(there.address) as db:
            docs = await db["docs"]
            given: Any = slowly() if asynchronous else queries
            return [hits.ids async for hits in docs.search_stream(given, 3, exact=True, in_flight=in_flight)]

    assert asyncio.run(run()) == [expected.search(query, 3, exact=True).ids for query in queries]


def test_a_lone_query_of_a_stream_is_answered_before_the_next_is_there(there: Served) -> None:
    async def run() -> int:
        answered = asyncio.Event()

        async def queries() -> AsyncIterator[Any]:
            for query in vectors(5):
                yield query
                await asyncio.wait_for(answered.wait(), 10)
                answered.clear()

        count = 0
        async with vecdb.connect_async(there.address) as db:
            async for _ in (await db["docs"]).search_stream(queries()):
                count += 1
                answered.set()
        return count

    assert asyncio.run(run()) == 5


def test_those_before_a_refused_query_are_answered(there: Served) -> None:
    queries = vectors(200)
    queries[150] = 0
    found: list[Any] = []

    async def run() -> None:
        async with vecdb.connect_async(there.address) as db:
            async for hits in (await db["docs"]).search_stream(queries):
                found.append(hits)  # noqa: PERF401

    with pytest.raises(vecdb.InvalidVector):
        asyncio.run(run())
    assert len(found) == 150


def test_a_stream_that_is_left_leaves_no_task(there: Served) -> None:
    async def run() -> None:
        async with vecdb.connect_async(there.address) as db:
            found = (await db["docs"]).search_stream(vectors(300))
            async for _ in found:
                break
            await found.aclose()  # type: ignore[attr-defined]
            assert [task for task in asyncio.all_tasks() if "SearchStream" in repr(task)] == []

    asyncio.run(run())


def test_it_needs_no_loop_to_be_made_and_works_in_several(there: Served) -> None:
    db = vecdb.connect_async(there.address)

    async def count() -> int:
        return await (await db["docs"]).count()

    assert [asyncio.run(count()) for _ in range(3)] == [ROWS] * 3
    asyncio.run(db.close())
    with pytest.raises(vecdb.Closed):
        asyncio.run(count())


def test_many_calls_at_once(there: Served) -> None:
    queries = vectors(100, seed=11)

    async def run() -> list[Any]:
        async with vecdb.connect_async(there.address) as db:
            docs = await db["docs"]
            found = await asyncio.gather(*(docs.search(query, exact=True) for query in queries))
            return [hits.ids for hits in found]

    assert asyncio.run(run()) == [there.database["docs"].search(query, exact=True).ids for query in queries]


@pytest.mark.parametrize("verb", ["count", "scan", "search_stream", "upload"])
def test_cancelling_a_task_cancels_the_call(verb: str) -> None:
    ended: list[float] = []

    def hang(_request: Any, context: Any) -> Any:
        until = time.monotonic() + 20
        while context.is_active() and time.monotonic() < until:
            time.sleep(0.01)
        ended.append(until - time.monotonic())
        return points_pb2.CountResponse()

    def several(request: Any, context: Any) -> Iterator[Any]:
        hang(request, context)
        yield from ()

    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            docs = await db["docs"]

            async def all_of(found: AsyncIterator[Any]) -> list[Any]:
                return [each async for each in found]

            calls: dict[str, Any] = {
                "count": docs.count,
                "scan": lambda: all_of(docs.scan()),
                "search_stream": lambda: all_of(docs.search_stream([[1.0, 2.0]])),
                "upload": lambda: docs.upsert(range(2000), np.ones((2000, 2)), progress=lambda *_: None),
            }
            task = asyncio.ensure_future(calls[verb]())
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with scripted({"Count": hang, "Scan": several, "SearchStream": several, "Write": several}) as address:
        asyncio.run(run(address))
        until = time.monotonic() + 10
        while not ended and time.monotonic() < until:
            time.sleep(0.01)
        assert ended
        assert ended[0] > 5


def test_closing_ends_calls_under_way() -> None:
    def hang(_request: Any, context: Any) -> Any:
        while context.is_active():
            time.sleep(0.01)
        return points_pb2.CountResponse()

    async def run(address: str) -> None:
        db = await vecdb.connect_async(address)
        task = asyncio.ensure_future((await db["docs"]).count())
        await asyncio.sleep(0.2)
        await db.close()
        with pytest.raises(vecdb.Closed):
            await task

    with scripted({"Count": hang}) as address:
        asyncio.run(run(address))


def test_errors_retries_and_deadlines() -> None:
    calls = 0

    def names(_request: Any, _context: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise vecdb.Unavailable(target="", reason="gone")
        return collections_pb2.ListCollectionsResponse(names=["a"])

    def slow(_request: Any, context: Any) -> Any:
        while context.is_active():
            time.sleep(0.01)
        return points_pb2.CountResponse()

    def lost(_request: Any, _context: Any) -> Any:
        raise vecdb.Unavailable(target="", reason="gone")

    async def run(address: str) -> None:
        async with vecdb.connect_async(address, timeout=0.4) as db:
            assert await db.collections() == ["a"]
            docs = await db["docs"]
            with pytest.raises(vecdb.Timeout) as late:
                await docs.count()
            assert late.value.seconds == 0.4
            with pytest.raises(vecdb.Unavailable) as refused:
                await docs.upsert([1], [[1.0, 2.0]])
            assert "may or may not" in refused.value.reason

    with scripted({"ListCollections": names, "Count": slow, "Upsert": lost}) as address:
        asyncio.run(run(address))
    assert calls == 3


def test_a_refusal_in_an_upload_names_its_row() -> None:
    rows = vectors(30_000)
    rows[12_345] = np.nan

    async def run(address: str, name: str) -> None:
        async with vecdb.connect_async(address) as db:
            docs = await db.create_collection(name, DIMENSION)
            with pytest.raises(vecdb.InvalidVector) as refused:
                await docs.upsert(range(30_000), rows, progress=lambda *_: None)
            assert refused.value.row == 12_345
            assert await docs.count() == 12_000

    with served() as place:
        for number in range(5):
            asyncio.run(run(place.address, f"docs{number}"))


def test_an_upsert_in_parts() -> None:
    rows = vectors(5000)

    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            docs = await db.create_collection("docs", DIMENSION)
            assert (await docs.upsert(range(5000), rows)).count == 5000
            rows[4000] = np.nan
            with pytest.raises(vecdb.InvalidVector) as refused:
                await docs.upsert(range(5000), rows)
            assert refused.value.row == 4000

    with served(message_bytes=1 << 16) as place:
        asyncio.run(run(place.address))


def test_uploads_are_sent_again_where_they_were_refused() -> None:
    calls: list[list[int]] = []

    def full_at_first(requests: Any, _context: Any) -> Iterator[Any]:
        calls.append([])
        for request in requests:
            first = int(np.frombuffer(request.upsert.ids.integers, "<i8")[0])
            calls[-1].append(first)
            if len(calls) == 1 and first == (AHEAD + 2) * 1000:
                raise vecdb.Overloaded(what="bytes", retry_after_seconds=0.01)
            yield points_pb2.WriteAcknowledgement(result=points_pb2.WriteResponse(sequence=first))

    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            docs = await db["docs"]
            result = await docs.upsert(range(15_000), np.ones((15_000, 2)), progress=lambda *_: None)
            assert (result.count, result.sequence) == (15_000, 14_000)

    with scripted({"Write": full_at_first}) as address:
        asyncio.run(run(address))
    assert calls[1] == list(range((AHEAD + 2) * 1000, 15_000, 1000))


def test_no_server_is_unavailable() -> None:
    async def run() -> None:
        await vecdb.connect_async("grpc://127.0.0.1:1")

    with pytest.raises(vecdb.Unavailable):
        asyncio.run(run())


def test_a_task_that_is_cancelled_after_the_database_is_closed_is_cancelled() -> None:
    def slow(_request: Any, context: Any) -> Any:
        while context.is_active():
            time.sleep(0.01)
        return points_pb2.CountResponse()

    async def run(address: str) -> None:
        db = await vecdb.connect_async(address)
        docs = await db["docs"]
        told, only_closed = asyncio.create_task(docs.count()), asyncio.create_task(docs.count())
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(db.close())
        told.cancel()
        await closing
        with pytest.raises(asyncio.CancelledError):
            await told
        with pytest.raises(vecdb.Closed):
            await only_closed

    with scripted({"Count": slow}) as address:
        asyncio.run(run(address))
