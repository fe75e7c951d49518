"""Reads that are no searches end with their caller's patience too, and their worker is free again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

import vecdb
from tests.collection.slow_payloads import decoding_slowly
from tests.server.http2_socket import Http2Socket
from tests.server.raw_client import RawClient
from tests.server.server_process import wait_until
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.v1 import admin_pb2, points_pb2, types_pb2
from vecdb.server import Server, ServerSettings

ROWS = 2_000
REF = types_pb2.CollectionRef(name="docs")
COMPARISON = types_pb2.Comparison(field="n", operator=types_pb2.OPERATOR_EQUAL, value=types_pb2.Value(integer=-1))
WHERE = types_pb2.Filter(comparison=COMPARISON)
REQUESTS: dict[str, Any] = {
    "Count": points_pb2.CountRequest(collection=REF, where=WHERE),
    "Get": points_pb2.GetRequest(collection=REF, ids=ids_to_message(range(ROWS))),
    "Scan": points_pb2.ScanRequest(collection=REF, batch=1_000),
    "Verify": admin_pb2.VerifyRequest(collection=REF),
}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(ServerSettings(data=":memory:", port=0, timeout_seconds=0.5, stream_idle_seconds=60)) as server:
        docs = server.database.create_collection("docs", dimension=4)
        docs.upsert(list(range(ROWS)), np.ones((ROWS, 4), np.float32), [{"n": row} for row in range(ROWS)])
        yield server


def free(server: Server) -> bool:
    return not any(lane.taken for lane in server._admission.lanes)


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("seconds", [0.2, None])
def test_the_worker_is_free_soon_after_the_deadline(
    server: Server, name: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "Verify" and seconds is None:
        seconds = 0.4  # without a deadline it takes as long as it takes
    decoding_slowly(monkeypatch, 0.002)  # for all rows: four seconds and more
    with RawClient(f"127.0.0.1:{server.port}") as client:
        outcome = client.attempt(name, REQUESTS[name], seconds)
    assert outcome.code is grpc.StatusCode.DEADLINE_EXCEEDED, outcome
    assert outcome.seconds < 2
    if seconds is None:
        assert isinstance(outcome.error, vecdb.Timeout)
    assert wait_until(lambda: free(server), 1)


def test_verifying_without_a_deadline_goes_on_to_its_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding_slowly(monkeypatch, 0.0005)  # a second and more, twice what a search may take
    with RawClient(f"127.0.0.1:{server.port}") as client:
        report = client.call("Verify", REQUESTS["Verify"], None)
        assert (report.rows, list(report.problems)) == (ROWS, [])


def test_the_one_request_of_a_scan_is_not_waited_for_as_long_as_those_of_a_stream(server: Server) -> None:
    with Http2Socket(server.port) as connection:
        for method in ("Points/Scan", "Admin/Optimize", "Admin/Snapshot"):
            connection.call(f"/vecdb.v1.{method}")
        assert wait_until(lambda: server._admission.stream.taken == 3, 5)
        assert wait_until(lambda: free(server), 10), "the request never comes"
        connection.call("/vecdb.v1.Points/Write")
        assert wait_until(lambda: server._admission.stream.taken == 1, 5)
        assert not wait_until(lambda: free(server), 2), "a stream may wait for its first request"
    assert wait_until(lambda: free(server), 5)
