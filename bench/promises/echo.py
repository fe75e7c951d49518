"""An echo of the bytes of a real search: the measure of what gRPC itself takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.listener import Listener, free_port
from vecdb.bench.promises.served_database import ServedDatabase
from vecdb.bench.promises.setting import K, Setting

KINDS: Final = {
    "plain": "a plain gRPC echo",  # as anyone would write it
    "tuned": "an echo on our transport and lane",
}
SEARCH: Final = "/vecdb.v1.Search/Search"


@dataclass(frozen=True, slots=True)
class Echo:
    """A kind of echo server that runs, and what its callers need."""

    kind: str
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """For the column of the peer."""
        return KINDS[self.kind]

    @property
    def caller(self) -> str:
        """The kind of its callers."""
        return f"{self.kind}-echo"


@contextmanager
def echoes(served: ServedDatabase, setting: Setting) -> Iterator[list[Echo]]:
    """Both kinds of echo, with the bytes that a search of the first query sends and receives."""
    request, reply = search_bytes(served, setting)
    (served.folder / "request").write_bytes(request)
    (served.folder / "reply").write_bytes(reply)
    listeners: list[Listener] = []
    try:
        found = []
        for kind in KINDS:
            port = free_port()
            arguments = [kind, str(served.folder / "reply"), str(port)]
            listeners.append(Listener([sys.executable, "-m", "vecdb.bench.promises.echo_server", *arguments], port))
            options = {
                "address": listeners[-1].address,
                "request": str(served.folder / "request"),
                "queries": str(served.queries),
            }
            found.append(Echo(kind, options))
        yield found
    finally:
        for listener in listeners:
            listener.close()


def search_bytes(served: ServedDatabase, setting: Setting) -> tuple[bytes, bytes]:
    """The request and the reply of a search as it is by default: ids, scores and payloads."""
    from vecdb.client import grpc
    from vecdb.proto.convert.matrices import fill_matrix
    from vecdb.proto.v1 import search_pb2

    message = search_pb2.SearchRequest()
    message.collection.name = COLLECTION
    message.collection.number = 1
    message.query.near.k = K
    fill_matrix(message.query.near.queries, setting.dataset().test[0])
    request = message.SerializeToString()
    with grpc.insecure_channel(served.server.address) as channel:
        search: Any = channel.unary_unary(SEARCH)
        reply: bytes = search(request)
    return request, reply
