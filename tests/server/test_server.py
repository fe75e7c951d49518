"""Server: what it holds from start to stop."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

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


def test_a_server_that_cannot_start_leaves_no_folder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused: list[dict[str, Any]] = [
            {"port": port},
            {"port": port, "host": "0.0.0.0", "insecure": True},
            {"port": 0, "metrics_port": port},
            {"port": 0, "host": f"unix:{tmp_path}/no/socket"},
            {"port": 1, "host": "nowhere.invalid", "insecure": True},
            {"port": 0, "api_keys": str(tmp_path / "no keys")},
            {"port": 0, "tls_certificate": "no", "tls_key": "no"},
        ]
        for given in refused:
            with pytest.raises((vecdb.Error, OSError)):
                Server(ServerSettings(data=str(tmp_path / "data"), **given))
            assert not (tmp_path / "data").exists(), given
    for host in ("127.0.0.1", "localhost", "0.0.0.0"):  # the port is free now
        settings = ServerSettings(data=str(tmp_path / "data"), port=port, host=host, insecure=True)
        with Server(settings) as server:
            assert server.port == port
    assert (tmp_path / "data").is_dir()


def test_an_address_that_cannot_be_had_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: taken by another"):
            Server(ServerSettings(data=":memory:", port=port))
