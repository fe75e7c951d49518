"""Requests that come before a thread has their call: bounded, given up on, and the same where gRPC cannot be asked."""

from __future__ import annotations

from contextlib import ExitStack

import grpc
import pytest

from tests.server.http2_socket import Http2Socket
from tests.server.raw_client import RawClient, normal, search_request, upsert_request
from tests.server.server_process import wait_until
from vecdb.proto.v1 import search_pb2, types_pb2
from vecdb.server import Server, ServerSettings, early_requests
from vecdb.server.early_requests import EARLY

REF = types_pb2.CollectionRef(name="docs")
SEARCH = "/vecdb.v1.Search/Search"


def served(timeout_seconds: float = 30.0) -> Server:
    return Server(ServerSettings(data=":memory:", port=0, search_workers=2, timeout_seconds=timeout_seconds))


def test_this_release_of_grpc_can_be_asked_early() -> None:
    """What is looked for is still there: else calls are slower, and nothing else would show it."""
    assert early_requests._INSIDE is not None


@pytest.mark.parametrize("known", [True, False])
def test_calls_are_answered_the_same(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not known:
        monkeypatch.setattr(early_requests, "_INSIDE", None)
    with served() as server, RawClient(f"127.0.0.1:{server.port}") as client:
        client.create("docs", 8)
        vectors = normal(20, 8)
        client.call("Upsert", upsert_request(REF, range(20), vectors))
        for row in range(20):
            reply = client.attempt("Search", search_request(REF, vectors[row : row + 1], 1))
            assert reply.code is grpc.StatusCode.OK, reply
            found = search_pb2.SearchResponse.FromString(reply.replies[0])
            assert found.ids.integers == row.to_bytes(8, "little")
        assert client.attempt("Search", b"\xff\xff").code is grpc.StatusCode.INVALID_ARGUMENT
        none = client.attempt_path(SEARCH, [], 10)
        assert none.code is grpc.StatusCode.INVALID_ARGUMENT, none
        assert "one message" in none.message
        lanes = server._admission.lanes
        assert wait_until(lambda: not any(lane.taken for lane in lanes), 5)


def test_a_request_that_does_not_come_holds_a_place_and_no_thread_and_is_given_up() -> None:
    with served(timeout_seconds=1.0) as server, Http2Socket(server.port) as connection:
        lane = server._admission.search
        for _ in range(10):
            connection.call(SEARCH)
        assert wait_until(lambda: lane.taken == 10, 5)
        assert lane._started == 0
        assert wait_until(lambda: lane.taken == 0, 5)
        assert len(server._streams._between) == 0


def test_a_caller_that_goes_away_leaves_nothing() -> None:
    with served() as server:
        lane = server._admission.search
        with Http2Socket(server.port) as connection:
            for _ in range(10):
                connection.call(SEARCH)
            assert wait_until(lambda: lane.taken == 10, 5)
        assert wait_until(lambda: lane.taken == 0, 5)
        assert len(server._streams._between) == 0


def test_so_many_requests_come_early_and_no_more() -> None:
    """Each may be as large as a message can be."""
    with served() as server, ExitStack() as stack:
        lane, streams = server._admission.search, server._streams
        connection = stack.enter_context(Http2Socket(server.port))
        early = lane.workers + EARLY
        for _ in range(early):
            connection.call(SEARCH)
        assert wait_until(lambda: lane.taken == early, 5)
        assert (len(streams._between), lane._started) == (early, 0)
        for _ in range(5):
            connection.call(SEARCH)
        assert wait_until(lambda: lane.taken == early + 5, 5)
        assert lane._started >= 1, "a thread asks for the others"
        assert len(streams._between) <= early + lane._started
