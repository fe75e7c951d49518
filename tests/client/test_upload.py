"""Many rows over one stream: sent ahead, acknowledged in order, errors at their row."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.rows import DIMENSION, payloads, vectors
from tests.client.served import connected, remote, scripted
from vecdb.client.upload import AHEAD
from vecdb.proto.v1 import points_pb2


def test_every_row_is_there() -> None:
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        seen: list[tuple[int, int]] = []
        result = docs.upsert(range(25_500), vectors(25_500), payloads(25_500), progress=lambda *now: seen.append(now))
        assert seen == [(min(n, 25_500), 25_500) for n in range(1000, 26_500, 1000)]
        there = database["docs"]
        assert (result.count, result.sequence) == (25_500, there.upsert([], vectors(0)).sequence)
        assert there.count() == 25_500
        assert there.get([25_499])[0].payload == (payloads(25_500)[-1] or {})
        assert docs.upsert([], vectors(0), progress=True).count == 0


def test_batches_are_within_the_limits_of_the_server() -> None:
    with connected(batch_rows=300, message_bytes=1 << 16) as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        texts: list[Any] = [{"text": "x" * 1000} for _ in range(1000)]
        assert docs.upsert(range(1000), vectors(1000), texts, progress=lambda *_: None).count == 1000
        assert database["docs"].count() == 1000
        with pytest.raises(vecdb.LimitExceeded) as refused:
            docs.upsert(range(1000), vectors(1000))
        assert (refused.value.limit, refused.value.maximum) == ("BATCH_ROWS", 300)


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_refusal_names_its_row_and_keeps_what_came_before(where: str) -> None:
    """`here` the client sees that it is wrong, `there` the server does."""
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION, fields={"year": "integer"})
        rows, texts = vectors(20_000), payloads(20_000)
        if where == "here":
            texts[12_345] = {"year": "late"}
        else:
            rows[12_345] = np.nan
        kind: Any = vecdb.InvalidPayload if where == "here" else vecdb.InvalidVector
        with pytest.raises(kind) as refused:
            docs.upsert(range(20_000), rows, texts, progress=lambda *_: None)
        assert refused.value.row == 12_345
        assert database["docs"].count() == 12_000


def test_ids_are_checked_before_anything_is_sent() -> None:
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        with pytest.raises(vecdb.DuplicateId) as refused:
            docs.upsert([*range(5000), 7], vectors(5001), progress=True)
        assert (refused.value.first_row, refused.value.second_row) == (7, 5000)
        with pytest.raises(vecdb.InvalidValue):
            docs.upsert(range(5000), vectors(4000), progress=True)
        assert database["docs"].count() == 0


def acknowledged(sequence: int) -> points_pb2.WriteAcknowledgement:
    return points_pb2.WriteAcknowledgement(result=points_pb2.WriteResponse(sequence=sequence))


def test_a_bounded_number_is_sent_ahead() -> None:
    read: list[int] = []
    ahead: list[int] = []

    def slow(requests: Iterator[points_pb2.WriteRequest], _context: Any) -> Iterator[Any]:
        for number, _ in enumerate(requests):
            read.append(number)
            if len(read) == AHEAD:  # the client has sent all that it may
                for each in range(AHEAD):
                    yield acknowledged(each)
                break
        for number, _ in enumerate(requests, AHEAD):
            ahead.append(number)
            yield acknowledged(number)

    with scripted({"Write": slow}) as address, remote(address) as db:
        done: list[int] = []
        result = db["docs"].upsert(range(20_000), np.ones((20_000, 2)), progress=lambda now, _: done.append(now))
        assert (result.count, result.sequence) == (20_000, 19)
        assert (read, ahead) == (list(range(AHEAD)), list(range(AHEAD, 20)))
        assert done == list(range(1000, 21_000, 1000))


def test_what_was_not_begun_is_sent_again() -> None:
    """The server refuses a batch as Overloaded: it and those after it are sent once more, the others are not."""
    calls: list[list[int]] = []

    def full_at_first(requests: Iterator[points_pb2.WriteRequest], _context: Any) -> Iterator[Any]:
        calls.append([])
        for request in requests:
            first = int(np.frombuffer(request.upsert.ids.integers, "<i8")[0])
            calls[-1].append(first)
            if len(calls) == 1 and first == 3000:
                raise vecdb.Overloaded(what="bytes", retry_after_seconds=0.01)
            yield acknowledged(first)

    with scripted({"Write": full_at_first}) as address, remote(address) as db:
        result = db["docs"].upsert(range(6000), np.ones((6000, 2)), progress=lambda *_: None)
    assert (result.count, result.sequence) == (6000, 5000)
    assert calls == [[0, 1000, 2000, 3000], [3000, 4000, 5000]]


@pytest.mark.parametrize("error", [vecdb.Unavailable(target="", reason="gone"), vecdb.ServerFailed(reason="broken")])
def test_what_may_have_happened_is_not_sent_again(error: vecdb.Error) -> None:
    calls: list[int] = []

    def failing(requests: Iterator[points_pb2.WriteRequest], _context: Any) -> Iterator[Any]:
        calls.append(1)
        next(requests)
        yield acknowledged(1)
        next(requests)
        raise error

    done: list[int] = []
    with scripted({"Write": failing}) as address, remote(address) as db, pytest.raises(type(error)):
        db["docs"].upsert(range(6000), np.ones((6000, 2)), progress=lambda now, _: done.append(now))
    assert (calls, done) == ([1], [1000])


def test_a_stream_that_ends_early_is_an_error() -> None:
    def lazy(requests: Iterator[points_pb2.WriteRequest], _context: Any) -> Iterator[Any]:
        next(requests)
        yield acknowledged(1)

    with scripted({"Write": lazy}) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        db["docs"].upsert(range(6000), np.ones((6000, 2)), progress=lambda *_: None)


def test_an_acknowledgement_has_a_deadline() -> None:
    ended = threading.Event()

    def hang(requests: Iterator[points_pb2.WriteRequest], context: Any) -> Iterator[Any]:
        next(requests)
        yield acknowledged(1)
        until = time.monotonic() + 20
        while context.is_active() and time.monotonic() < until:
            time.sleep(0.01)
        ended.set()

    async def run(address: str) -> None:
        async with vecdb.connect_async(address, timeout=0.3) as db:
            await (await db["docs"]).upsert(range(6000), np.ones((6000, 2)), progress=lambda *_: None)

    with scripted({"Write": hang}) as address, remote(address, timeout=0.3) as db:
        docs = db["docs"]
        for attempt in (
            lambda: docs.upsert(range(6000), np.ones((6000, 2)), progress=lambda *_: None),
            lambda: asyncio.run(run(address)),
        ):
            ended.clear()
            with pytest.raises(vecdb.Timeout) as late:
                attempt()
            assert late.value.seconds == 0.3
            assert ended.wait(10)


def test_an_error_after_the_last_acknowledgement_changes_nothing() -> None:
    def stops(requests: Iterator[points_pb2.WriteRequest], _context: Any) -> Iterator[Any]:
        for number, _ in enumerate(requests):
            yield acknowledged(number)
        raise vecdb.Unavailable(target="server", reason="it is stopping")

    with scripted({"Write": stops}) as address, remote(address) as db:
        result = db["docs"].upsert(range(2000), np.ones((2000, 2)), progress=lambda *_: None)
    assert (result.count, result.sequence) == (2000, 1)


def test_a_server_that_takes_no_rows_at_a_time_gets_one() -> None:
    def each(requests: Iterator[points_pb2.WriteRequest], _context: Any) -> Iterator[Any]:
        for request in requests:
            yield acknowledged(len(request.upsert.ids.integers) // 8)

    with scripted({"Write": each}, limits={"BATCH_ROWS": 0}) as address, remote(address) as db:
        result = db["docs"].upsert(range(3), np.ones((3, 2)), progress=lambda *_: None)
    assert (result.count, result.sequence) == (3, 1)
