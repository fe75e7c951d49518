"""More callers than a server has places for: the accepted are answered in time, the rest are told so at once."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

import vecdb
from tests.server.raw_client import RawClient, error_in, normal, search_request, upsert_request
from tests.server.server_process import ServerProcess, wait_until
from vecdb.proto.v1 import points_pb2, types_pb2

SECONDS = float(os.environ.get("VECDB_TEST_OVERLOAD_SECONDS", "3"))
WORKERS, QUEUE = 2, 14
CALLERS = 5 * (WORKERS + QUEUE)
CONNECTIONS = 8
DIMENSION, ROWS = 128, 100_000
RECOVERY_SECONDS = 5
REF = types_pb2.CollectionRef(name="docs")
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED

pytestmark = pytest.mark.slow


@dataclass
class Answers:
    """What a set of callers met."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    retry_after: list[float] = field(default_factory=list)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    flags = ["--search-workers", str(WORKERS), "--queue", str(QUEUE), "--streams", "6", "--threads", "1"]
    flags += ["--in-flight-bytes", "48MiB", "--message-bytes", "32MiB", "--batch-bytes", "32MiB"]
    with ServerProcess(":memory:", *flags, metrics=True) as server:
        with RawClient(server.target) as client:
            client.create("docs", DIMENSION)
            for first in range(0, ROWS, 10_000):
                client.call("Upsert", upsert_request(REF, range(first, first + 10_000), normal(10_000, DIMENSION)))
        yield server
        server.terminate()
        assert server.wait(15) == 0, server.errors
        assert "Traceback" not in server.errors


def run(server: ServerProcess, callers: int, seconds: float) -> Answers:
    """Callers that search one after the other; who is refused waits a little, as a client that tries again does."""
    answers, ends = Answers(), time.monotonic() + seconds
    request = search_request(REF, normal(1, DIMENSION), 10, exact=True).SerializeToString()

    def call(make: Any) -> None:
        while time.monotonic() < ends:
            started = time.perf_counter()
            try:
                make(request, 20)
                answers.accepted.append(time.perf_counter() - started)
            except grpc.RpcError as failed:
                took = time.perf_counter() - started
                error = error_in(failed)
                if isinstance(error, vecdb.Overloaded):
                    answers.refused.append(took)
                    answers.retry_after.append(error.retry_after_seconds or 0)
                else:
                    answers.others.append(repr(failed))
                time.sleep(0.05)

    clients = [RawClient(server.target) for _ in range(min(CONNECTIONS, callers))]
    makes = [client.channel.unary_unary("/vecdb.v1.Search/Search") for client in clients]
    threads = [threading.Thread(target=call, args=(makes[each % len(makes)],)) for each in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.channel.close()
    return answers


def ninety_ninth(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100]


def test_five_times_the_callers(server: ServerProcess) -> None:
    run(server, WORKERS, 0.5)
    quiet = run(server, 1, 1.0).accepted
    peak = len(run(server, WORKERS, 1.0).accepted)  # a second
    resident = server.resident_bytes()

    loaded = run(server, CALLERS, SECONDS)

    assert not loaded.others, loaded.others[:3]
    # What a full lane takes at the best rate; twice, as the callers that are refused share the cores with the server.
    queue_seconds = (WORKERS + QUEUE) / peak
    assert ninety_ninth(loaded.accepted) <= 2 * ninety_ninth(quiet) + 2 * queue_seconds + 0.05
    assert len(loaded.accepted) / SECONDS > 0.4 * peak, "work was lost to refusing"
    assert len(loaded.refused) > len(loaded.accepted) / 4, "this was no overload"
    assert statistics.median(loaded.refused) < 0.05
    assert ninety_ninth(loaded.refused) < 0.2
    assert all(0 < seconds <= 2 for seconds in loaded.retry_after)
    assert server.resident_bytes() - resident < 64 << 20

    ended = time.monotonic()
    assert wait_until(server.idle, RECOVERY_SECONDS)
    after = run(server, 1, 0.5).accepted
    assert time.monotonic() - ended < RECOVERY_SECONDS
    assert statistics.median(after) < 2 * statistics.median(quiet) + 0.005


def test_streams_beyond_the_bound_are_refused_at_once(server: ServerProcess) -> None:
    with RawClient(server.target) as client:
        never = threading.Event()
        waiting = [client.stream("SearchStream", silent(never), 30) for _ in range(6)]
        assert wait_until(lambda: server.held()["stream"] == 6, 5)
        outcome = client.attempt("SearchStream", search_request(REF, normal(1, DIMENSION)), 5)
        assert outcome.code is EXHAUSTED
        assert isinstance(outcome.error, vecdb.Overloaded)
        assert outcome.seconds < 0.2
        assert client.attempt("Search", search_request(REF, normal(1, DIMENSION)), 5).code is grpc.StatusCode.OK
        for call in waiting:
            call.cancel()
        never.set()
        assert wait_until(server.idle, 5)
        assert client.attempt("SearchStream", search_request(REF, normal(1, DIMENSION)), 5).code is grpc.StatusCode.OK


def silent(event: threading.Event) -> Iterator[bytes]:
    event.wait(30)
    yield from ()


def test_bytes_under_way_are_bounded(server: ServerProcess) -> None:
    """Parts of batches that never end: what they hold counts, and who would go beyond is refused."""
    with RawClient(server.target) as client:
        rows = (10 << 20) // (4 * DIMENSION)
        part = points_part(rows)
        resident = server.resident_bytes()
        never = threading.Event()
        calls = [client.stream("Write", parts(part, never), 30) for _ in range(6)]
        codes: list[Any] = []
        for call in calls:
            threading.Thread(target=note, args=(call, codes), daemon=True).start()
        assert wait_until(lambda: len(codes) >= 2, 10), codes
        assert {code for code, _ in codes} == {EXHAUSTED}
        assert all(isinstance(error, vecdb.Overloaded) for _, error in codes)
        assert server.resident_bytes() - resident < 256 << 20
        for call in calls:
            call.cancel()
        never.set()
        assert wait_until(server.idle, 5)
        # All of it is given back.
        for _ in range(3):
            outcome = client.attempt("Upsert", upsert_request(REF, range(rows), normal(rows, DIMENSION)), 20)
            assert outcome.code is grpc.StatusCode.OK, outcome


def points_part(rows: int) -> points_pb2.WriteRequest:
    upsert = upsert_request(REF, range(rows), normal(rows, DIMENSION))
    return points_pb2.WriteRequest(upsert=upsert, more=True)


def parts(part: Any, event: threading.Event) -> Iterator[Any]:
    yield part
    event.wait(30)


def note(call: Any, codes: list[Any]) -> None:
    """How a stream ended, once it has."""
    try:
        list(call)
    except grpc.RpcError as failed:
        codes.append((failed.code(), error_in(failed)))
