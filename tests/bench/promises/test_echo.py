"""The echo servers answer with what they were given, to callers of both kinds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from vecdb.bench.promises.clients import Clients
from vecdb.bench.promises.echo import KINDS
from vecdb.bench.promises.listener import Listener, free_port


@pytest.mark.parametrize("kind", KINDS)
def test_an_echo_has_the_bytes_of_the_reply(kind: str, tmp_path: Path) -> None:
    (tmp_path / "reply").write_bytes(b"r" * 700)
    (tmp_path / "request").write_bytes(b"q" * 1_600)
    np.save(tmp_path / "queries.npy", np.zeros((1, 4), np.float32))
    port = free_port()
    command = [sys.executable, "-m", "vecdb.bench.promises.echo_server", kind, str(tmp_path / "reply"), str(port)]
    with Listener(command, port) as server:
        with grpc.insecure_channel(server.address) as channel:
            echo: Any = channel.unary_unary("/vecdb.bench.Echo/Echo")
            assert echo(b"anything", timeout=10) == b"r" * 700
        options = {
            "address": server.address,
            "request": str(tmp_path / "request"),
            "queries": str(tmp_path / "queries.npy"),
        }
        with Clients(f"{kind}-echo", options, 2) as clients:
            assert all(clients.times(0.05))
