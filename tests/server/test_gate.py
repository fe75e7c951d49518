"""The gate: what it lets through to gRPC's own services is bounded like the rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc

from tests.server.raw_client import RawClient
from tests.server.server_process import wait_until
from vecdb.server import Server, ServerSettings

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def test_streams_of_reflection_that_say_nothing_are_refused_beyond_the_lane() -> None:
    never = threading.Event()

    def silent() -> Iterator[bytes]:
        never.wait(30)
        yield from ()

    with (
        Server(ServerSettings(data=":memory:", port=0, reflection=True)) as server,
        RawClient(f"127.0.0.1:{server.port}") as client,
    ):
        lane = server._other
        calls = [client.channel.stream_stream(REFLECTION)(silent()) for _ in range(lane.capacity + 10)]
        assert wait_until(lambda: lane.refused == 10, 10)
        assert lane.taken == lane.capacity
        assert client.attempt_path(REFLECTION, [b""], 10).code is grpc.StatusCode.RESOURCE_EXHAUSTED
        never.set()
        for call in calls:
            call.cancel()
        assert wait_until(lambda: lane.taken == 0, 10)
        assert client.attempt_path(REFLECTION, [b"\x3a\x01*"], 10).code is grpc.StatusCode.OK
