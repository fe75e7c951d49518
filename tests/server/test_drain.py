"""SIGTERM: calls under way finish, clients hear of it, what was acknowledged is there, the lock is free."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

import vecdb
from tests.server.raw_client import BY_NAME, Outcome, RawClient, meaning, normal, search_request, upsert_request
from tests.server.server_process import ServerProcess, wait_until
from tests.server.write_load import DIMENSION, Writer, settle
from vecdb.proto.v1 import types_pb2

DRAIN_SECONDS = 3
IDLE_SOCKETS = 100
REF = types_pb2.CollectionRef(name="docs")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with vecdb.connect(str(tmp_path / "db")) as db:
        db.create_collection("docs", vectors={"": vecdb.Vector(DIMENSION, metric="l2")})
    return tmp_path / "db"


class Searcher:
    """Searches until the server is gone."""

    def __init__(self, target: str) -> None:
        self.answered = 0
        self.ended: vecdb.Error | None = None
        self._target = target
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with RawClient(self._target) as client:
            request = search_request(REF, normal(4, DIMENSION), 10, exact=True)
            while self.ended is None:
                try:
                    client.call("Search", request, 10)
                    self.answered += 1
                except grpc.RpcError as failed:
                    self.ended = meaning(failed)


class Waiting:
    """A call that was begun and whose request never comes."""

    def __init__(self, client: RawClient, name: str) -> None:
        self.outcome: Outcome | None = None
        self._never = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(client, name), daemon=True)
        self._thread.start()

    def join(self) -> Outcome:
        self._thread.join(30)
        assert self.outcome is not None, "still waiting"
        self._never.set()
        return self.outcome

    def _run(self, client: RawClient, name: str) -> None:
        self.outcome = client.attempt_path(BY_NAME[name].path, self._requests(), None)

    def _requests(self) -> Iterator[bytes]:
        self._never.wait(60)
        yield b""


@pytest.mark.slow
def test_a_server_under_load_drains(path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess(path, "--drain-seconds", str(DRAIN_SECONDS)))
        for _ in range(IDLE_SOCKETS):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        client = stack.enter_context(RawClient(server.target))
        writers = [Writer(server.target, REF, number, 0, number < 2) for number in range(4)]
        searchers = [Searcher(server.target) for _ in range(2)]
        silent = [Waiting(client, "SearchStream"), Waiting(client, "Write")]
        assert wait_until(lambda: min(writer.acknowledged for writer in writers) > 20, 20)
        assert wait_until(lambda: min(searcher.answered for searcher in searchers) > 20, 20)

        started = time.monotonic()
        server.terminate()
        status = server.wait(DRAIN_SECONDS + 2)
        seconds = time.monotonic() - started
        assert status == 0, server.errors
        assert seconds < DRAIN_SECONDS + 2
        assert "Traceback" not in server.errors

        clients: list[Writer | Searcher] = [*writers, *searchers]
        for each in clients:
            each.join()
            assert isinstance(each.ended, vecdb.Unavailable), each.__dict__
        for waiting in silent:
            outcome = waiting.join()
            assert outcome.code is grpc.StatusCode.UNAVAILABLE, outcome

    # Opened at once: the lock is free. Embedded, so that no other server is needed to be believed.
    with vecdb.connect(str(path)) as db:
        steps = settle(list(db["docs"].scan(with_vectors=True)), writers)
        assert db["docs"].verify().ok
    with ServerProcess(path) as again, RawClient(again.target) as client:
        assert settle(client.scan(REF), writers) == steps


@pytest.mark.slow
def test_streams_are_told_that_the_server_goes(path: Path) -> None:
    """Those that wait for a request are ended at once, not at the end of the grace."""
    with ServerProcess(path, "--drain-seconds", "10") as server, RawClient(server.target) as client:
        silent = [Waiting(client, "SearchStream"), Waiting(client, "Write")]
        time.sleep(0.5)
        started = time.monotonic()
        server.terminate()
        for waiting in silent:
            outcome = waiting.join()
            assert outcome.code is grpc.StatusCode.UNAVAILABLE, outcome
        assert server.wait(10) == 0
        assert time.monotonic() - started < 5


@pytest.mark.slow
def test_a_call_that_never_ends_holds_the_server_no_longer_than_the_grace(path: Path) -> None:
    with ServerProcess(path, "--drain-seconds", "1") as server, RawClient(server.target) as client:
        waiting = Waiting(client, "Search")
        with RawClient(server.target) as other:
            other.call("Upsert", upsert_request(REF, [7], normal(1, DIMENSION)))
        started = time.monotonic()
        server.terminate()
        assert server.wait(4) == 0
        assert time.monotonic() - started < 1 + 2
        assert waiting.join().code is not grpc.StatusCode.OK
    with vecdb.connect(str(path)) as db:
        assert [record.id for record in db["docs"].get([7])] == [7]


@pytest.mark.slow
def test_a_second_signal_exits_at_once(path: Path) -> None:
    with ServerProcess(path, "--drain-seconds", "30") as server, RawClient(server.target) as client:
        waiting = Waiting(client, "Search")
        with RawClient(server.target) as other:
            other.call("Upsert", upsert_request(REF, [7], normal(1, DIMENSION)))
        server.terminate()
        time.sleep(0.5)
        assert server.process.poll() is None, "it is to wait for the call"
        started = time.monotonic()
        server.terminate()
        assert server.wait(5) == 130
        assert time.monotonic() - started < 1
        assert waiting.join().code is grpc.StatusCode.UNAVAILABLE
    with vecdb.connect(str(path)) as db:
        assert [record.id for record in db["docs"].get([7])] == [7]
