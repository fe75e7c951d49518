"""Server processes: found when they listen, weighed while they run, ended, and heard when they fail."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from vecdb.bench.promises.listener import Listener, free_port, vecdb_server

LISTEN = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("test at 127.0.0.1:%d" % server.getsockname()[1], flush=True)
block = b"x" * (64 << 20)
while sum(range(1000)):
    time.sleep(0.0001)
"""


@pytest.mark.parametrize("port", [None, free_port()])
def test_a_server_is_found_weighed_and_ended(port: int | None) -> None:
    with Listener([sys.executable, "-c", LISTEN, str(port or 0)], port) as server:
        host, _, found = server.address.partition(":")
        assert port in (None, int(found))
        with socket.create_connection((host, int(found)), 5):
            pass
        deadline = time.monotonic() + 30
        while server.cpu_seconds() < 0.05 or server.resident_bytes() < 64 << 20:
            assert time.monotonic() < deadline, (server.cpu_seconds(), server.resident_bytes())
        assert Path(f"/proc/{server.pid}").exists()
    assert not Path(f"/proc/{server.pid}").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(found)), 5)


def test_a_server_that_ends_is_heard() -> None:
    with pytest.raises(RuntimeError, match="status 3: no way"):
        Listener([sys.executable, "-c", "import sys; sys.stderr.write('no way'); sys.exit(3)"])


def test_a_vecdb_server_takes_its_settings(tmp_path: Path) -> None:
    with vecdb_server(tmp_path / "database", "--queue", "7") as server:
        assert server.address.startswith("127.0.0.1:")
    with pytest.raises(RuntimeError, match="--queue"):
        vecdb_server(tmp_path / "database", "--queue", "none")
