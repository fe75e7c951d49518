"""A deadline ends the work as well as the waiting: searches that would take seconds leave their worker in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest

import vecdb
from tests.server.raw_client import RawClient, normal, search_request, upsert_request
from tests.server.server_process import wait_until
from vecdb.proto.v1 import points_pb2, search_pb2, types_pb2
from vecdb.server import Server, ServerSettings

ROWS, DIMENSION, QUERIES = 200_000, 256, 10_000
DEADLINE_SECONDS = 0.1
REF = types_pb2.CollectionRef(name="docs")
EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ServerSettings(data=":memory:", port=0, timeout_seconds=1.0)) as server:
        docs = server.database.create_collection("docs", dimension=DIMENSION, metric="l2", index=vecdb.Flat())
        for half in np.split(np.arange(ROWS), 2):
            docs.upsert(ids=half, vectors=normal(len(half), DIMENSION))
        started = time.perf_counter()
        docs.search(normal(QUERIES // 100, DIMENSION), k=1, exact=True)
        seconds = 100 * (time.perf_counter() - started)
        assert seconds > 3, f"the search that is to be too long takes {seconds:.1f} s"
        yield server
        assert wait_until(lambda: free(server), 5)


@pytest.fixture(scope="module")
def long_search() -> search_pb2.SearchRequest:
    return search_request(REF, normal(QUERIES, DIMENSION, seed=1), k=1, exact=True)


@pytest.fixture
def client(server: Server) -> Iterator[RawClient]:
    with RawClient(f"127.0.0.1:{server.port}") as client:
        client.call("Search", search_request(REF, normal(1, DIMENSION)))
        yield client


def free(server: Server) -> bool:
    return not any(lane.taken for lane in server._admission.lanes) and not server._admission.in_flight.taken


def freed_within(server: Server, started: float, seconds: float) -> bool:
    return wait_until(lambda: free(server), started + seconds - time.monotonic())


def test_the_caller_and_the_worker_are_free_soon_after_the_deadline(
    server: Server, client: RawClient, long_search: search_pb2.SearchRequest
) -> None:
    for _ in range(3):
        started = time.monotonic()
        outcome = client.attempt("Search", long_search, DEADLINE_SECONDS)
        assert outcome.code is EXCEEDED
        assert time.monotonic() - started < 0.3
        assert freed_within(server, started, 0.6)


def test_a_full_set_of_workers_is_free_again(
    server: Server, client: RawClient, long_search: search_pb2.SearchRequest
) -> None:
    """Those that waited for a worker when their time was over are not begun."""
    data = long_search.SerializeToString()
    started = time.monotonic()
    make = client.channel.unary_unary("/vecdb.v1.Search/Search")
    calls = [make.future(data, DEADLINE_SECONDS) for _ in range(3 * server.settings.search_workers)]
    assert {call.code() for call in calls} == {EXCEEDED}
    assert freed_within(server, started, 1.5)
    assert client.attempt("Search", search_request(REF, normal(1, DIMENSION)), 5).code is grpc.StatusCode.OK


def test_calls_without_a_deadline_have_that_of_the_server(
    server: Server, client: RawClient, long_search: search_pb2.SearchRequest
) -> None:
    started = time.monotonic()
    for timeout_seconds in (None, 60.0):
        outcome = client.attempt("Search", long_search, timeout_seconds)
        assert outcome.code is EXCEEDED, outcome
        assert isinstance(outcome.error, vecdb.Timeout), outcome
        assert outcome.seconds < 2
    assert freed_within(server, started, 4)


def test_each_request_of_a_stream_has_it_too(
    server: Server, client: RawClient, long_search: search_pb2.SearchRequest
) -> None:
    short = search_request(REF, normal(1, DIMENSION))
    outcome = client.attempt_path(
        "/vecdb.v1.Search/SearchStream", (each.SerializeToString() for each in (short, long_search, short)), None
    )
    assert outcome.code is EXCEEDED, outcome
    assert isinstance(outcome.error, vecdb.Timeout)
    assert len(outcome.replies) == 1, "what was asked before is answered"
    assert outcome.seconds < 2.5
    started = time.monotonic()
    assert client.attempt("SearchStream", long_search, DEADLINE_SECONDS).code is EXCEEDED
    assert time.monotonic() - started < 0.3
    assert freed_within(server, started, 0.6)


def test_work_for_a_caller_that_is_gone_ends_by_its_deadline(
    server: Server, client: RawClient, long_search: search_pb2.SearchRequest
) -> None:
    data = long_search.SerializeToString()
    for leave in ("cancel", "disconnect"):
        with RawClient(f"127.0.0.1:{server.port}") as passing:
            started = time.monotonic()
            call = passing.channel.unary_unary("/vecdb.v1.Search/Search").future(data, 0.7)
            assert wait_until(lambda: server._admission.search.taken > 0, 5)
            time.sleep(0.1)
            if leave == "cancel":
                call.cancel()
        assert freed_within(server, started, 1.2), leave
    # Before they were begun: nothing of them is done.
    busy = [threading.Thread(target=client.attempt, args=("Search", long_search, 0.7)) for _ in range(2)]
    for thread in busy:
        thread.start()
    assert wait_until(lambda: server._admission.search.taken >= 2, 5)
    started = time.monotonic()
    waiting = [client.channel.unary_unary("/vecdb.v1.Search/Search").future(data, 30) for _ in range(4)]
    time.sleep(0.1)
    for call in waiting:
        call.cancel()
    for thread in busy:
        thread.join()
    assert freed_within(server, started, 3)


def test_a_deadline_that_has_passed_writes_nothing(server: Server, client: RawClient) -> None:
    """Refused before the write or written as a whole: what the caller hears is never OK, and nothing is torn."""
    X = normal(20_000, DIMENSION, seed=3)
    for seconds in (0.0005, 0.002, 0.01, 0.05):
        before = client.call("Count", points_pb2.CountRequest(collection=REF)).count
        outcome = client.attempt("Upsert", upsert_request(REF, range(10**6, 10**6 + len(X)), X), seconds)
        assert outcome.code in (EXCEEDED, grpc.StatusCode.OK)
        assert wait_until(lambda: free(server), 5)
        after = client.call("Count", points_pb2.CountRequest(collection=REF)).count
        assert after - before in (0, len(X))
        if outcome.code is grpc.StatusCode.OK:
            assert after == ROWS + len(X)
