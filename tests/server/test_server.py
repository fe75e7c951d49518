"""Server: what it holds from start to stop."""

from __future__ import annotations

import threading

import pytest

import vecdb
from tests.server.server_process import wait_until
from vecdb.server import Server, ServerSettings


def ours() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name.startswith(("vecdb", "metrics"))}


def test_a_server_leaves_no_thread_whether_it_starts_or_not() -> None:
    before = ours()
    with Server(ServerSettings(data=":memory:", port=0)) as server:
        running = ours()
        for taken in ({"port": server.port}, {"port": 0, "metrics_port": server.port}):
            with pytest.raises((vecdb.Error, OSError)):
                Server(ServerSettings(data=":memory:", **taken))  # type: ignore[arg-type]
        assert wait_until(lambda: ours() <= running, 5), ours() - running
    assert wait_until(lambda: ours() <= before, 5), ours() - before
