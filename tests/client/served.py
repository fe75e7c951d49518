"""Servers to be a client of: a real one in this process, and one that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc

import vecdb
from vecdb.client.database import RemoteDatabase
from vecdb.client.settings import ClientSettings
from vecdb.errors import Error
from vecdb.proto import PROTOCOL_MAJOR
from vecdb.proto.convert.schemas import schema_to_message
from vecdb.proto.methods import METHODS
from vecdb.proto.status import DETAILS_KEY, status_of
from vecdb.proto.v1 import admin_pb2, collections_pb2
from vecdb.server.server import Server
from vecdb.server.settings import ServerSettings

Answer = Callable[[Any, grpc.ServicerContext], Any]


@dataclass(frozen=True)
class Served:
    """A server in this process: its address, and the database behind it."""

    address: str
    database: vecdb.Database


@contextmanager
def served(**settings: Any) -> Iterator[Served]:
    """A real server, of a database in memory unless told otherwise."""
    server = Server(ServerSettings(**{"data": ":memory:", "port": 0, **settings}))
    port = server.start()
    try:
        yield Served(f"grpc://127.0.0.1:{port}", server.database)
    finally:
        server.stop(grace_seconds=0)


@contextmanager
def connected(**settings: Any) -> Iterator[tuple[RemoteDatabase, vecdb.Database]]:
    """A client of a real server, and the database behind it."""
    with served(**settings) as there, remote(there.address) as db:
        yield db, there.database


def remote(address: str, **arguments: Any) -> RemoteDatabase:
    """A client, typed as what it is."""
    return RemoteDatabase(ClientSettings.of(address, **arguments))


@contextmanager
def scripted(answers: dict[str, Answer], *, limits: dict[str, int] | None = None) -> Iterator[str]:
    """The address of a server whose methods answer by functions of the request (or requests) and the context.

    It knows one collection, "docs", of one vector of two dimensions. An Error that is raised becomes its status.
    """
    schema = schema_to_message(vecdb.CollectionSchema(name="docs", vectors={"": vecdb.Vector(2, metric="dot")}))
    opened = collections_pb2.Collection(schema=schema)
    opened.ref.name, opened.ref.number = "docs", 1
    capabilities = admin_pb2.Capabilities(protocol_major=PROTOCOL_MAJOR, limits=limits or {})
    known: dict[str, Answer] = {
        "GetCapabilities": lambda _request, _context: capabilities,
        "GetCollection": lambda _request, _context: opened,
        **answers,
    }
    handlers = {name: _handler(name, answer) for name, answer in known.items()}
    pool = ThreadPoolExecutor(16)
    server = grpc.server(pool)
    server.add_generic_rpc_handlers((_Handlers(handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
        pool.shutdown()


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, handlers: dict[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        self._handlers = handlers

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        return self._handlers.get(details.method.rpartition("/")[2])


def _handler(name: str, answer: Answer) -> grpc.RpcMethodHandler[Any, Any]:
    method = next(each for each in METHODS.values() if each.name == name)
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]

    def lone(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return answer(request, context)
        except Error as error:
            _abort(context, error)

    def several(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from answer(request, context)
        except Error as error:
            _abort(context, error)

    return make(several if method.server_streaming else lone, method.request.FromString, _bytes)


def _bytes(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


def _abort(context: grpc.ServicerContext, error: Error) -> None:
    code, message, details = status_of(error)
    if details:
        context.set_trailing_metadata(((DETAILS_KEY, details),))
    context.abort(code, message)
