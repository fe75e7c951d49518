"""The gate: the interceptor that every call passes first. Who calls, may they, is there room; then it is run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Literal

from vecdb.client.grpc_module import grpc
from vecdb.errors import Error
from vecdb.proto.methods import Method
from vecdb.server.admission import Admission
from vecdb.server.authentication import Authenticator
from vecdb.server.early_requests import EarlyRequests
from vecdb.server.entry import OpenEntry, Refusal, ReplyStreamEntry, Runner, Serve, StreamEntry, UnaryEntry
from vecdb.server.lane import Lane
from vecdb.server.principal import Role
from vecdb.server.record import BY_CERTIFICATE
from vecdb.server.short_calls import ShortCalls

LaneName = Literal["search", "write", "stream"]

# Asked by load balancers, which have no credentials; it tells no more than that the server runs. Watch is not open: it
# would hold a thread for whoever begins it and never says what to watch.
OPEN_TO_ALL: Final = "/grpc.health.v1.Health/Check"


@dataclass(frozen=True, slots=True)
class Served:
    """A method, the lane its calls take, what answers them, and what tells that a request is answered at once."""

    method: Method
    lane: LaneName
    serve: Serve
    is_short: Callable[[bytes], bool] | None = None


class Gate(grpc.ServerInterceptor):
    """Refuses calls before their request is read, and gives those it admits a place in a lane."""

    def __init__(
        self,
        authenticator: Authenticator,
        admission: Admission,
        served: Mapping[str, Served],
        runner: Runner,
        other: Lane,
        *,
        mutual_tls: bool,
    ) -> None:
        self._authenticator = authenticator
        # With mutual TLS whoever gets here has shown a certificate that was verified.
        self._certificate_names = (BY_CERTIFICATE,) if mutual_tls else None
        self._runner = runner
        self._ways = {path: _Way.of(each, admission, runner) for path, each in served.items()}
        self._other = other  # where gRPC runs what is none of ours: reflection
        self._refusals = Lane("refusal", workers=2, queue=1_000)
        self._open = Lane("open", workers=2, queue=64)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler to run: the method's own, or one that refuses."""
        started = time.perf_counter()
        path: str = details.method
        if path == OPEN_TO_ALL:
            return self._open_to_all(continuation(details))
        way = self._ways.get(path)
        name = way.name if way else "unknown"
        principal = None
        try:
            principal = self._authenticator.identify(details.invocation_metadata, self._certificate_names)
            if way is None:
                handler = continuation(details)  # reflection, or nothing
                if handler is not None and self._other.full:
                    raise self._other.overloaded()
                return handler
            principal.require(way.role, name)
            if way.lane.full:
                raise way.lane.overloaded()
        except Error as error:
            refusal = Refusal(self._runner, self._refusals, name, principal, started, error)
            # As a stream, whatever the method is: it is answered without waiting for a request.
            return grpc.stream_stream_rpc_method_handler(refusal)
        # Each takes its requests as a stream: a single one gRPC itself would wait for, in our thread and without end.
        return way.handler(way.entry(self._runner, way.lane, way.pool, name, principal, started, way.serve))

    def close(self) -> None:
        """Lets go of its threads."""
        self._refusals.shutdown()
        self._open.shutdown()

    def _open_to_all(self, handler: grpc.RpcMethodHandler[Any, Any] | None) -> grpc.RpcMethodHandler[Any, Any] | None:
        assert handler is not None, "every server has its health"
        if self._open.full:
            error = self._open.overloaded()
            refusal = Refusal(self._runner, self._refusals, "unknown", None, time.perf_counter(), error)
            return grpc.stream_stream_rpc_method_handler(refusal)
        return grpc.stream_unary_rpc_method_handler(OpenEntry(self._runner, self._open, handler))


@dataclass(frozen=True, slots=True)
class _Way:
    """What becomes of the calls of a method that pass."""

    name: str
    role: Role
    lane: Lane
    pool: ThreadPoolExecutor  # in which gRPC runs them: the lane, or the way into it
    handler: Callable[[UnaryEntry], grpc.RpcMethodHandler[Any, Any]]
    entry: type[UnaryEntry]
    serve: Serve

    @classmethod
    def of(cls, served: Served, admission: Admission, runner: Runner) -> _Way:
        """As the method says."""
        method = served.method
        lane: Lane = getattr(admission, served.lane)
        role = Role(method.required_role)
        if method.server_streaming:
            entry = StreamEntry if method.client_streaming else ReplyStreamEntry
            return cls(method.name, role, lane, lane, grpc.stream_stream_rpc_method_handler, entry, served.serve)
        short = None if served.is_short is None else ShortCalls(served.is_short)
        early = EarlyRequests(lane, runner.streams, runner.longest_seconds, short)
        return cls(method.name, role, lane, early, grpc.stream_unary_rpc_method_handler, UnaryEntry, served.serve)
