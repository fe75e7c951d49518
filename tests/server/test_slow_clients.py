"""Clients that connect and do nothing, do everything slowly, or flood: the others do not notice, and nothing stays."""

from __future__ import annotations

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import grpc
import pytest

from tests.server.http2_socket import PREFACE, Http2Socket, is_closed
from tests.server.raw_client import RawClient, normal, search_request, upsert_request
from tests.server.server_process import ServerProcess, wait_until
from vecdb.proto.v1 import points_pb2, types_pb2

DIMENSION, ROWS, SEARCHES = 64, 20_000, 150
REF = types_pb2.CollectionRef(name="docs")
STREAM_IDLE_SECONDS = 2
OK = grpc.StatusCode.OK
SCAN = points_pb2.ScanRequest(collection=REF, batch=1_000, with_vectors=True).SerializeToString()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    flags = ["--stream-idle-seconds", str(STREAM_IDLE_SECONDS), "--streams", "40", "--search-workers", "2"]
    flags += ["--timeout-seconds", "3"]
    with ServerProcess(":memory:", *flags, metrics=True) as server:
        with RawClient(server.target) as client:
            client.create("docs", DIMENSION)
            for first in range(0, ROWS, 5_000):
                client.call("Upsert", upsert_request(REF, range(first, first + 5_000), normal(5_000, DIMENSION)))
        yield server
        server.terminate()
        assert server.wait(15) == 0, server.errors
        assert "Traceback" not in server.errors, server.errors


class Load:
    """Slow clients, opened one by one; all go with the block."""

    def __init__(self, server: ServerProcess, stack: ExitStack) -> None:
        self.server = server
        self._stack = stack
        self._ended = threading.Event()

    def sockets(self, count: int) -> list[socket.socket]:
        """Connections that say nothing."""
        address = ("127.0.0.1", self.server.port)
        return [self._stack.enter_context(socket.create_connection(address)) for _ in range(count)]

    def connections(self, count: int) -> list[Http2Socket]:
        return [self._stack.enter_context(Http2Socket(self.server.port)) for _ in range(count)]

    def beside(self, step: Callable[[], None]) -> None:
        """Does it over and over in a thread, until the block ends or the server has enough of it."""

        def run() -> None:
            with contextlib.suppress(OSError):
                while not self._ended.is_set():
                    step()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 10)
        self._stack.callback(self._ended.set)  # called before


def idle_sockets(load: Load) -> None:
    load.sockets(500)


def slow_prefaces(load: Load) -> None:
    sockets = load.sockets(50)
    position = 0

    def one_byte() -> None:
        nonlocal position
        for each in sockets:
            with contextlib.suppress(OSError):
                each.send(PREFACE[position : position + 1])
        position += 1
        time.sleep(1)

    load.beside(one_byte)


def calls_without_a_body(load: Load) -> None:
    for connection in load.connections(10):
        for path in ("/vecdb.v1.Search/Search", "/vecdb.v1.Points/Upsert", "/vecdb.v1.Points/Scan") * 2:
            connection.call(path)


def streams_that_never_read(load: Load) -> None:
    for connection in load.connections(20):
        connection.call("/vecdb.v1.Points/Scan", SCAN)


def streams_that_never_send(load: Load) -> None:
    for connection in load.connections(4):
        for _ in range(5):
            connection.call("/vecdb.v1.Search/SearchStream")
            connection.call("/vecdb.v1.Points/Write")


def ping_flood(load: Load) -> None:
    def flood() -> None:
        with Http2Socket(load.server.port) as connection:
            for _ in range(1_000):
                connection.ping(10)

    def again() -> None:
        with contextlib.suppress(OSError):
            flood()
        time.sleep(0.01)

    load.beside(again)


def rapid_reset(load: Load) -> None:
    def again() -> None:
        with contextlib.suppress(OSError), Http2Socket(load.server.port) as connection:
            for _ in range(100):
                connection.reset(connection.call("/vecdb.v1.Search/Search"))
        time.sleep(0.05)

    load.beside(again)


LOADS: dict[str, Callable[[Load], None]] = {
    load.__name__: load
    for load in (
        idle_sockets,
        slow_prefaces,
        calls_without_a_body,
        streams_that_never_read,
        streams_that_never_send,
        ping_flood,
        rapid_reset,
    )
}


@pytest.mark.parametrize("kind", LOADS)
def test_others_hardly_notice_and_nothing_stays(server: ServerProcess, kind: str) -> None:
    with RawClient(server.target) as client:
        search_seconds(client, 20)
        assert wait_until(server.idle, 15), server.held()
        threads, descriptors, resident = server.threads(), server.descriptors(), server.resident_bytes()
        quiet = search_seconds(client)
        with ExitStack() as stack:
            load = Load(server, stack)
            LOADS[kind](load)
            time.sleep(0.3)
            loaded = search_seconds(client)
            held = server.held()
            if kind.startswith("streams"):
                assert held["stream"] >= 20, held
        median = statistics.median(loaded)
        assert median < max(3 * statistics.median(quiet), statistics.median(quiet) + 0.02), (median, held)
        assert ninety_ninth(loaded) < max(3 * ninety_ninth(quiet), ninety_ninth(quiet) + 0.1)
        # Whatever was begun is over, soon after its client has gone.
        assert wait_until(server.idle, 10), server.held()
        assert wait_until(lambda: server.descriptors() <= descriptors + 5, 10), (descriptors, server.descriptors())
        search_seconds(client, 20)
        assert wait_until(lambda: server.threads() <= threads + 40, 10), (threads, server.threads())
        assert server.resident_bytes() - resident < 128 << 20


def search_seconds(client: RawClient, count: int = SEARCHES) -> list[float]:
    """Of single searches, one after the other; the time of one that is refused goes on until it is answered."""
    request = search_request(REF, normal(1, DIMENSION), 10).SerializeToString()
    make = client.channel.unary_unary("/vecdb.v1.Search/Search")
    found = []
    for _ in range(count):
        started = time.perf_counter()
        while True:
            try:
                make(request, 10)
                break
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                time.sleep(0.01)  # what such a refusal asks for
        found.append(time.perf_counter() - started)
    return found


def ninety_ninth(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100]


def test_silent_streams_are_ended(server: ServerProcess) -> None:
    """Those whose client sends nothing, and those whose client reads nothing."""
    with ExitStack() as stack:
        load = Load(server, stack)
        streams_that_never_send(load)
        assert wait_until(lambda: server.held()["stream"] >= 40, 5)
        assert wait_until(server.idle, STREAM_IDLE_SECONDS + 5), server.held()
    with ExitStack() as stack:
        load = Load(server, stack)
        streams_that_never_read(load)
        assert wait_until(lambda: server.held()["stream"] >= 20, 5)
        assert wait_until(server.idle, STREAM_IDLE_SECONDS + 5), server.held()


def test_calls_whose_body_never_comes_do_not_close_the_lane(server: ServerProcess) -> None:
    """More of them than the lane has places: it is full, and empty again though they stay connected."""
    with ExitStack() as stack, RawClient(server.target) as client:
        for connection in Load(server, stack).connections(10):
            for _ in range(20):
                connection.call("/vecdb.v1.Search/Search")
        request = search_request(REF, normal(1, DIMENSION))

        def answered() -> bool:
            return client.attempt("Search", request, 5).code is OK

        assert wait_until(answered, 15), server.held()
        assert wait_until(server.idle, 10), server.held()


def test_health_is_answered_whatever_others_begin(server: ServerProcess) -> None:
    """It needs no credentials, so anybody can begin such calls and not go on."""
    with ExitStack() as stack, RawClient(server.target) as client:
        for connection in Load(server, stack).connections(10):
            for _ in range(20):
                connection.call("/grpc.health.v1.Health/Check")
        health: Any = "/grpc.health.v1.Health/Check"
        time.sleep(1)
        assert wait_until(lambda: client.attempt_path(health, [b""], 5).code is OK, 15)


def test_the_connections_are_bounded_and_those_that_say_nothing_closed() -> None:
    with ServerProcess(":memory:", "--connections", "50") as server:
        with ExitStack() as stack:
            sockets = Load(server, stack).sockets(150)
            assert wait_until(lambda: sum(map(is_closed, sockets)) >= 100, 5), sum(map(is_closed, sockets))
            assert server.descriptors() < 120
            with RawClient(server.target) as client:
                assert wait_until(lambda: client.attempt("ListCollections", b"", 2).code is OK, 20)
            assert wait_until(lambda: all(map(is_closed, sockets)), 12), "they could hold their places for ever"
        server.terminate()
        assert server.wait(15) == 0
