"""Entries: what a call holds until it is over."""

from __future__ import annotations

import numpy as np
import pytest

import vecdb
from tests.server.http2_socket import Http2Socket
from tests.server.raw_client import RawClient
from tests.server.server_process import wait_until
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.v1 import points_pb2, types_pb2
from vecdb.server import Server, ServerSettings

GET = points_pb2.GetRequest(collection=types_pb2.CollectionRef(name="docs"), ids=ids_to_message([1]))
PAYLOAD_BYTES = 500_000
CALLS = 3


@pytest.mark.parametrize("seconds", [1.0, 30.0])
def test_replies_that_nobody_reads_are_counted_and_ended(seconds: float) -> None:
    settings = ServerSettings(data=":memory:", port=0, timeout_seconds=seconds)
    with Server(settings) as server, RawClient(f"127.0.0.1:{server.port}") as client:
        docs = server.database.create_collection("docs", dimension=2)
        docs.upsert([1], np.ones((1, 2), np.float32), [{"text": "x" * PAYLOAD_BYTES}])
        budget = server._admission.in_flight
        with Http2Socket(server.port, window_bytes=0) as reader:
            for _ in range(CALLS):
                reader.call("/vecdb.v1.Points/Get", GET.SerializeToString())
            assert wait_until(lambda: budget.taken > CALLS * PAYLOAD_BYTES, 10)
            if seconds < 5:
                assert wait_until(lambda: budget.taken == 0, 5 * seconds)
        # Whoever goes away gives back what it held.
        assert wait_until(lambda: budget.taken == 0, 10)
        assert not server._streams._between
        for _ in range(CALLS):  # those who read hold nothing
            assert len(client.call("Get", GET).payloads) > PAYLOAD_BYTES
        assert wait_until(lambda: budget.taken == 0, 5)


def test_what_was_done_is_not_refused_for_want_of_bytes() -> None:
    """A write that was carried out and then refused as Overloaded would be repeated by its caller."""
    settings = ServerSettings(
        data=":memory:", port=0, message_bytes=1 << 16, batch_bytes=1 << 16, in_flight_bytes=1 << 16
    )
    with Server(settings) as server, vecdb.connect(f"grpc://127.0.0.1:{server.port}") as db:
        fields = {f"{number}-{'x' * 150}": "keyword" for number in range(200)}
        docs = db.create_collection("docs", dimension=2, fields=fields)  # type: ignore[arg-type]
        assert len(docs.schema.fields) == 200
        assert db.collections() == ["docs"]
