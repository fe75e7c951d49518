"""What goes wrong between a client and its server: retries, deadlines, answers that make no sense."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest

import vecdb
from tests.client.served import connected, remote, scripted
from vecdb.client.database import RemoteDatabase
from vecdb.proto.v1 import collections_pb2, points_pb2, search_pb2, types_pb2

GONE = vecdb.Unavailable(target="", reason="gone")
FULL = vecdb.Overloaded(what="lane", retry_after_seconds=0.001)


class Failing:
    """Answers with an error so many times, then with the message."""

    def __init__(self, error: vecdb.Error, times: int, message: Any) -> None:
        self.calls = 0
        self._error = error
        self._times = times
        self._message = message

    def __call__(self, _request: Any, _context: Any) -> Any:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return self._message


NAMES = collections_pb2.ListCollectionsResponse(names=["docs"])
WRITTEN = points_pb2.WriteResponse(count=1, sequence=7)


@pytest.mark.parametrize("error", [GONE, FULL])
def test_reads_are_tried_again(error: vecdb.Error) -> None:
    answer = Failing(error, 3, NAMES)
    with scripted({"ListCollections": answer}) as address, remote(address) as db:
        assert db.collections() == ["docs"]
    assert answer.calls == 4


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_the_last_error_is_raised_after_the_last_try(retries: int) -> None:
    answer = Failing(GONE, 99, NAMES)
    with scripted({"ListCollections": answer}) as address, remote(address, retries=retries) as db:
        with pytest.raises(vecdb.Unavailable) as refused:
            db.collections()
        assert (refused.value.target, refused.value.reason) == (address, "gone")
    assert answer.calls == 1 + retries


WRITES: list[tuple[str, Callable[[RemoteDatabase], Any]]] = [
    ("Upsert", lambda db: db["docs"].upsert([1], [[1.0, 2.0]])),
    ("Update", lambda db: db["docs"].update([1], {"a": 1})),
    ("Delete", lambda db: db["docs"].delete([1])),
]


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_that_was_not_begun_is_tried_again(method: str, write: Callable[[RemoteDatabase], Any]) -> None:
    answer = Failing(FULL, 2, WRITTEN)
    with scripted({method: answer}) as address, remote(address) as db:
        assert write(db).sequence == 7
    assert answer.calls == 3


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_that_may_have_happened_is_not(method: str, write: Callable[[RemoteDatabase], Any]) -> None:
    answer = Failing(GONE, 99, WRITTEN)
    with scripted({method: answer}) as address, remote(address) as db, pytest.raises(vecdb.Unavailable) as refused:
        write(db)
    assert refused.value.reason == "gone; the write may or may not have been carried out"
    assert answer.calls == 1


def test_an_upsert_in_parts_that_was_not_begun_is_tried_again() -> None:
    rows: list[int] = []

    def write(requests: Any, _context: Any) -> Any:
        rows.append(sum(len(request.upsert.ids.integers) // 8 for request in requests))
        if len(rows) < 3:
            raise FULL
        yield points_pb2.WriteAcknowledgement(result=WRITTEN)

    with scripted({"Write": write}, limits={"MESSAGE_BYTES": 1 << 16}) as address, remote(address) as db:
        assert db["docs"].upsert(range(5000), np.ones((5000, 2), np.float32)).sequence == 7
    assert rows == [5000, 5000, 5000]


@pytest.mark.parametrize("error", [GONE, FULL])
def test_a_stream_that_has_not_begun_is_asked_for_again(error: vecdb.Error) -> None:
    calls = 0

    def pages(_request: Any, _context: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise error
        yield types_pb2.Records(ids=types_pb2.Ids(integers=bytes(8)))
        raise GONE

    async def run(address: str) -> None:
        async with vecdb.connect_async(address) as db:
            async for record in (await db["docs"]).scan():
                assert record.id == 0

    with scripted({"Scan": pages}) as address, remote(address) as db:
        found = db["docs"].scan()
        assert calls == 3
        assert next(found).id == 0
        with pytest.raises(vecdb.Unavailable):  # what has begun is not
            next(found)
        assert calls == 3
        calls = 0
        with pytest.raises(vecdb.Unavailable):
            asyncio.run(run(address))
        assert calls == 3


def test_other_errors_are_not_tried_again() -> None:
    answer = Failing(vecdb.ServerFailed(reason="broken"), 99, NAMES)
    with scripted({"ListCollections": answer}) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        db.collections()
    assert answer.calls == 1


def test_a_broken_server_gets_few_retries() -> None:
    answer = Failing(vecdb.Overloaded(what="lane"), 10**9, NAMES)
    with scripted({"ListCollections": answer}) as address, remote(address) as db:
        for _ in range(30):
            with pytest.raises(vecdb.Overloaded):
                db.collections()
    assert answer.calls <= 30 + 10 + 3


def test_a_deadline_is_for_all_tries_together() -> None:
    answer = Failing(vecdb.Overloaded(what="lane", retry_after_seconds=0.3), 99, search_pb2.SearchResponse())
    with scripted({"Search": answer}) as address, remote(address) as db:
        docs = db["docs"]
        started = time.monotonic()
        with pytest.raises(vecdb.Overloaded):
            docs.search([1.0, 2.0], timeout=0.5)
        assert time.monotonic() - started < 0.5
        assert answer.calls == 2


@pytest.mark.parametrize("default", [True, False])
def test_a_deadline_passes(default: bool) -> None:
    left: list[float] = []

    def slow(_request: Any, context: grpc.ServicerContext) -> Any:
        left.append(context.time_remaining())
        while context.is_active():
            time.sleep(0.01)
        return search_pb2.SearchResponse()

    with scripted({"Search": slow}) as address, remote(address, timeout=0.3 if default else 60) as db:
        docs = db["docs"]
        started = time.monotonic()
        with pytest.raises(vecdb.Timeout) as refused:
            docs.search([1.0, 2.0], timeout=None if default else 0.3)
        assert 0.2 < time.monotonic() - started < 3
        assert refused.value.seconds == 0.3
        assert 0.1 < left[0] <= 0.31


def test_many_queries_share_one_deadline() -> None:
    def slow(request: search_pb2.SearchRequest, _context: Any) -> Any:
        time.sleep(0.12)
        raise vecdb.LimitExceeded(limit="MESSAGE_BYTES", maximum=1, received=2)

    with scripted({"Search": slow}) as address, remote(address) as db, pytest.raises(vecdb.Timeout) as refused:
        db["docs"].search(np.ones((1 << 12, 2)), timeout=0.4)
    assert refused.value.seconds == 0.4


def test_a_search_on_the_server_stops_in_time() -> None:
    with connected() as (db, _):
        docs = db.create_collection("docs", 16, index=vecdb.Flat())
        docs.upsert(range(20_000), np.random.default_rng(0).standard_normal((20_000, 16)))
        with pytest.raises(vecdb.Timeout) as refused:
            docs.search(np.ones((10_000, 16)), k=100, exact=True, timeout=0.05)
        assert refused.value.seconds == 0.05


def everything(found: Any) -> Any:
    """All that the first hits hold, which is read when it is asked for."""
    hits = found[0] if isinstance(found, vecdb.HitsBatch) else found
    return hits.ids, hits.payloads, hits.vectors, hits.plan


def answer(**fields: Any) -> search_pb2.SearchResponse:
    plan = search_pb2.Plan(strategy="scan", metric=2)  # type: ignore[arg-type]
    full = {"counts": [1], "ids": types_pb2.Ids(integers=bytes(8)), "scores": bytes(4), "plans": [plan]}
    return search_pb2.SearchResponse(**{**full, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"counts": []},
        {"counts": [2]},
        {"counts": [1, 1]},
        {"scores": b""},
        {"scores": bytes(5)},
        {"scores": bytes(8)},
        {"plans": []},
        {"plans": [search_pb2.Plan(metric=9)]},  # type: ignore[arg-type]
        {"plan_of": [5]},
        {"plan_of": [0, 0]},
        {"ids": types_pb2.Ids()},
        {"ids": types_pb2.Ids(integers=bytes(16))},
        {"ids": types_pb2.Ids(integers=bytes(9))},
        {"ids": types_pb2.Ids(integers=b"\xff" * 8)},
        {"ids": types_pb2.Ids(uuids=bytes(15))},
        {"payloads": b"[]"},
        {"payloads": b"[{}, {}]"},
        {"payloads": b"[1]"},
        {"payloads": b"{"},
        {"payloads": b"\xff"},
        {"vectors": [types_pb2.NamedMatrix(matrix=types_pb2.Matrix(type=1, rows=2, dimension=1, data=bytes(8)))]},  # type: ignore[arg-type]
        {"vectors": [types_pb2.NamedMatrix(matrix=types_pb2.Matrix(type=1, rows=1, dimension=1, data=bytes(8)))]},  # type: ignore[arg-type]
        {"vectors": [types_pb2.NamedMatrix(matrix=types_pb2.Matrix(rows=1, dimension=1, data=bytes(4)))]},
    ],
)
def test_an_answer_that_makes_no_sense_is_the_servers_fault(fields: dict[str, Any]) -> None:
    """Not an argument of the caller's, and no IndexError."""
    with scripted({"Search": lambda _request, _context: answer(**fields)}) as address, remote(address) as db:
        docs = db["docs"]
        one = [1.0, 2.0]
        for query in (one, [one]):
            if "plan_of" in fields and query is one:
                continue  # it needs no such list
            with pytest.raises(vecdb.ServerFailed):
                everything(docs.search(query, with_vectors=True))


def test_bytes_that_are_no_message_are_the_servers_fault() -> None:
    class Garbage:
        def SerializeToString(self) -> bytes:  # noqa: N802
            return b"\xff\xff\xff"

    answers = {"ListCollections": lambda _request, _context: Garbage()}
    with scripted(answers) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        db.collections()


def test_calls_from_threads_end_with_their_own_errors() -> None:
    def echo(request: Any, _context: Any) -> Any:
        raise vecdb.CollectionNotFound(name=str(request.ids.integers[0]))

    wrong: list[object] = []
    with scripted({"Get": echo}) as address, remote(address) as db:
        docs = db["docs"]

        def run(number: int) -> None:
            for _ in range(20):
                try:
                    docs.get([number])
                except vecdb.CollectionNotFound as error:
                    if error.name != str(number):
                        wrong.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_whose_refusal_is_not_of_the_server_is_not_tried_again(
    method: str, write: Callable[[RemoteDatabase], Any]
) -> None:
    """A status that a proxy, or a reset of the connection, makes says nothing of whether the write was carried out."""
    calls: list[Any] = []

    def vague(request: Any, context: grpc.ServicerContext) -> Any:
        calls.append(request)
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enhance your calm")

    with scripted({method: vague}) as address, remote(address) as db, pytest.raises(vecdb.Overloaded):
        write(db)
    assert len(calls) == 1
