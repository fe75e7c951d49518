"""vecdb.v1.Admin: what goes on after its caller has left is bounded all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from tests.server.raw_client import RawClient
from tests.server.server_process import wait_until
from vecdb.collection.collection import Collection
from vecdb.proto.v1 import admin_pb2, types_pb2
from vecdb.server import Server, ServerSettings

WORKERS = 2
REQUEST = admin_pb2.OptimizeRequest(collection=types_pb2.CollectionRef(name="docs"), wait=True)


def running() -> int:
    return sum(each.name == "vecdb-optimize" for each in threading.enumerate())


def test_optimizing_is_bounded_also_when_its_callers_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def optimize(_collection: Collection, wait: bool = True, *, progress: Callable[[int, int], None]) -> None:
        assert wait
        progress(1, 2)
        go_on.wait(20)

    monkeypatch.setattr(Collection, "optimize", optimize)
    settings = ServerSettings(data=":memory:", port=0, write_workers=WORKERS)
    with Server(settings) as server, RawClient(f"127.0.0.1:{server.port}") as raw:
        raw.create("docs")
        for _ in range(WORKERS):
            call: Any = raw.stream("Optimize", REQUEST)
            next(call)  # it has begun
            call.cancel()
        for _ in range(5):
            assert raw.attempt("Optimize", REQUEST).code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert running() == WORKERS
        go_on.set()
        assert wait_until(lambda: running() == 0, 5)
        assert raw.attempt("Optimize", REQUEST).code is grpc.StatusCode.OK
