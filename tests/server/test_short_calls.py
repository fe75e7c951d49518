"""Calls that gRPC's own thread answers: only short ones, only while there are few, and with the same answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.server.raw_client import RawClient, normal, search_request, upsert_request
from tests.server.server_process import wait_until
from vecdb.proto.convert.filters import filter_to_message
from vecdb.proto.v1 import search_pb2, types_pb2
from vecdb.server import Server, ServerSettings
from vecdb.server.search_service import SearchService
from vecdb.server.short_calls import CALLS_AFTER_A_LONG_ONE, LONG_SECONDS, ShortCalls

REF = types_pb2.CollectionRef(name="docs")
ROWS = 50


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(short: ShortCalls, clock: Clock, gap_seconds: float, busy_seconds: float, request: bytes = b"x") -> bool:
    """One call, `gap_seconds` after the end of the last; whether it was answered at once, in `busy_seconds`."""
    clock.now += gap_seconds
    short.came()
    if not short.take(request):
        return False
    clock.now += busy_seconds
    short.answered()
    return True


def test_few_short_calls_are_taken() -> None:
    clock = Clock()
    short = ShortCalls(lambda data: data == b"x", clock)
    assert all(taken(short, clock, 300e-6, 150e-6) for _ in range(1000))
    assert not taken(short, clock, 300e-6, 150e-6, b"long")
    assert taken(short, clock, 300e-6, 150e-6)


def test_many_are_left_to_the_lane_and_taken_again_when_there_are_fewer() -> None:
    clock = Clock()
    short = ShortCalls(lambda _: True, clock)
    many = [taken(short, clock, 10e-6, 150e-6) for _ in range(200)]
    assert not any(many[100:]), "one after the other without a pause"
    assert [taken(short, clock, 1e-3, 150e-6) for _ in range(50)][-1]


def test_after_a_long_one_the_lane_has_them_for_a_while() -> None:
    clock = Clock()
    short = ShortCalls(lambda _: True, clock)
    assert taken(short, clock, 1.0, 2 * LONG_SECONDS)
    after = [taken(short, clock, 0.1, 100e-6) for _ in range(CALLS_AFTER_A_LONG_ONE + 1)]
    assert after == [False] * CALLS_AFTER_A_LONG_ONE + [True]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that answered searches, in their order."""
    names: list[str] = []
    search = SearchService.search

    def named(self: SearchService, call: Any, data: bytes) -> search_pb2.SearchResponse:
        names.append(threading.current_thread().name)
        return search(self, call, data)

    monkeypatch.setattr(SearchService, "search", named)
    return names


def asked(client: RawClient, request: search_pb2.SearchRequest) -> bytes:
    reply = client.attempt("Search", request)
    assert reply.replies, reply
    ids: bytes = search_pb2.SearchResponse.FromString(reply.replies[0]).ids.integers
    return ids


def in_the_lane(name: str) -> bool:
    return name.startswith("vecdb-search")


def test_searches_of_one_caller_are_answered_at_once(threads: list[str]) -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server, RawClient(f"127.0.0.1:{server.port}") as client:
        client.create("docs", 8)
        vectors = normal(ROWS, 8)
        client.call("Upsert", upsert_request(REF, range(ROWS), vectors))
        for row in range(ROWS):
            assert asked(client, search_request(REF, vectors[row : row + 1], 1)) == row.to_bytes(8, "little")
        assert in_the_lane(threads[0]), "nothing is known of the collection before"
        at_once = sum(not in_the_lane(name) for name in threads)
        assert at_once > ROWS // 2, threads
        lane = server._admission.search
        assert wait_until(lambda: lane.taken == 0, 5)
        assert lane.mean_seconds > 0


@pytest.mark.parametrize(
    "what", ["several queries", "exact", "large k", "large ef", "high recall", "vectors", "filter"]
)
def test_what_may_be_long_goes_to_the_lane(threads: list[str], what: str) -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server, RawClient(f"127.0.0.1:{server.port}") as client:
        client.create("docs", 8)
        vectors = normal(ROWS, 8)
        client.call("Upsert", upsert_request(REF, range(ROWS), vectors))
        for _ in range(3):
            asked(client, search_request(REF, vectors[:1], 1))
        request = search_request(REF, vectors[: 2 if what == "several queries" else 1], 101 if what == "large k" else 1)
        near = request.query.near
        if what == "exact":
            near.exact = True
        elif what == "large ef":
            near.ef = 501
        elif what == "high recall":
            near.recall = 0.995
        elif what == "vectors":
            request.with_vectors = True
        elif what == "filter":
            near.where.append(filter_to_message(vecdb.field("year") == 1))
        threads.clear()
        for _ in range(10):
            client.attempt("Search", request)
        assert len(threads) == 10
        assert all(in_the_lane(name) for name in threads), threads


def test_a_collection_that_is_scanned_goes_to_the_lane(threads: list[str]) -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server, RawClient(f"127.0.0.1:{server.port}") as client:
        docs = server.database.create_collection("docs", 8, index=vecdb.Flat())
        docs.upsert(np.arange(3000), normal(3000, 8))
        for _ in range(20):
            asked(client, search_request(REF, normal(1, 8), 1))
        assert all(in_the_lane(name) for name in threads), threads


def test_many_callers_together_get_the_same_answers() -> None:
    with Server(ServerSettings(data=":memory:", port=0)) as server:
        docs = server.database.create_collection("docs", 8)
        vectors = normal(ROWS, 8)
        docs.upsert(np.arange(ROWS), vectors)

        def ask(caller: int) -> int:
            rows = np.random.default_rng(caller).integers(0, ROWS, 100)
            with RawClient(f"127.0.0.1:{server.port}") as client:
                found = [asked(client, search_request(REF, vectors[row : row + 1], 1)) for row in rows]
            return sum(one == int(row).to_bytes(8, "little") for one, row in zip(found, rows, strict=True))

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(ask, range(6))) == [100] * 6
        lane = server._admission.search
        assert wait_until(lambda: lane.taken == 0, 5)
