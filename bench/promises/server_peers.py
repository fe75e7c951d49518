"""The other servers: Milvus Lite and chromadb, each in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecdb.bench.promises.clients import Clients
from vecdb.bench.promises.listener import HOST, Listener, free_port
from vecdb.bench.promises.setting import EF_CONSTRUCTION, M

PACKAGES: Final = ("pymilvus", "milvus-lite", "chromadb", "grpcio", "numpy")
_VERSIONS: Final = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class ServerPeer:
    """A server of another project: the kind of its callers, the packages it takes, and its command."""

    name: str
    caller: str
    packages: tuple[str, ...]
    command: Callable[[Path, Path, int], list[str]]  # of the folder with its programs, its data, its port


PEERS: Final = (
    ServerPeer(
        "Milvus Lite",
        "milvus",
        ("pymilvus", "milvus-lite"),
        lambda programs, data, port: [
            *(str(programs / "milvus-lite"), "server", "--data-dir", str(data)),
            *("--host", HOST, "--port", str(port)),
        ],
    ),
    ServerPeer(
        "chromadb",
        "chroma",
        ("chromadb",),
        lambda programs, data, port: [
            *(str(programs / "chroma"), "run", "--path", str(data)),
            *("--host", HOST, "--port", str(port)),
        ],
    ),
)


class RunningPeer:
    """A peer with a folder, and its server while it is wanted; close() ends it."""

    def __init__(self, peer: ServerPeer, python: Path, folder: Path, queries: Path) -> None:
        self.peer = peer
        self._python = python
        self._folder = folder
        self._queries = queries
        self._server: Listener | None = None

    def start(self) -> None:
        """Starts the server on what is in the folder, again if it runs."""
        self.close()
        port = free_port()
        # Not resolved: the programs of a virtual environment are beside the link to its interpreter.
        command = self.peer.command(self._python.absolute().parent, self._folder, port)
        self._server = Listener(command, port)

    def clients(self, count: int = 1, *, ef: int | None = None) -> Clients:
        """Processes that call it, warm if they are told an ef."""
        assert self._server is not None, "clients come to a server that was started"
        options = {
            "address": self._server.address,
            "queries": str(self._queries),
            "m": M,
            "ef_construction": EF_CONSTRUCTION,
        }
        return Clients(self.peer.caller, options, count, python=self._python, warm=ef is not None, ef=ef)

    def load(self, rows: Path) -> None:
        """Fills it, and starts it again on what it has written."""
        self.start()
        with self.clients() as clients:
            clients.load(rows)
        self.start()

    def tune(self, ef: int) -> None:
        """Sets ef for what follows."""
        with self.clients() as clients:
            restart = clients.tune(ef)
        if restart:
            self.start()

    def close(self) -> None:
        """Ends the server."""
        if self._server is not None:
            self._server.close()
            self._server = None


@contextmanager
def running_peers(python: Path | None, folder: Path, queries: Path, rows: Path) -> Iterator[list[RunningPeer]]:
    """The peers that `python` has, loaded with an .npy file of rows, on folders below `folder`."""
    have = peer_versions(python)
    running: list[RunningPeer] = []
    try:
        for peer in PEERS:
            if python is not None and all(name in have for name in peer.packages):
                running.append(RunningPeer(peer, python, folder / peer.caller, queries))
                running[-1].load(rows)
        yield running
    finally:
        for each in running:
            each.close()


def peer_versions(python: Path | None) -> Mapping[str, str]:
    """The packages of the peers that an interpreter has, with their versions; none without one."""
    if python is None:
        return {}
    command = [str(python), "-c", _VERSIONS, *PACKAGES]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found
