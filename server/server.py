"""Server: the database of a folder behind gRPC, from start to stop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Self

from vecdb.client.grpc_module import grpc  # isort: skip  # before grpc_health imports it in another way
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from vecdb.database import Database, connect
from vecdb.proto.methods import METHODS
from vecdb.server.admin_service import AdminService
from vecdb.server.admission import Admission
from vecdb.server.authentication import Authenticator
from vecdb.server.collections_service import CollectionsService
from vecdb.server.engine import Engine
from vecdb.server.engine_gauges import EngineGauges
from vecdb.server.entry import Runner, Serve
from vecdb.server.gate import Gate, LaneName, Served
from vecdb.server.lane import Lane
from vecdb.server.listening import cannot_listen, check_ports
from vecdb.server.metrics import Metrics
from vecdb.server.open_streams import OpenStreams
from vecdb.server.points_service import PointsService
from vecdb.server.record import Recorder
from vecdb.server.request_log import RequestLog
from vecdb.server.search_service import SearchService
from vecdb.server.settings import ServerSettings
from vecdb.server.tls import server_credentials

if TYPE_CHECKING:
    from vecdb.server.metrics_page import MetricsPage

_HANDSHAKE_SECONDS: Final = 5
_METADATA_BYTES: Final = 16 << 10
_STREAMS_OF_A_CONNECTION: Final = 1_024
_LOOK_SECONDS: Final = 0.25
_CLOSING_SECONDS: Final = 1.0  # beyond the grace: what gRPC needs to say so


class Server:
    """One open database and one port. Also a context manager: started inside, stopped after."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self._stopping = threading.Lock()
        self._stopped = False
        # What can be wrong outside the database is found out before its folder is made.
        authenticator, credentials = Authenticator.of(settings), server_credentials(settings)
        check_ports(settings)
        self._database = connect(
            settings.data, durability=settings.durability, read_only=settings.read_only, threads=settings.threads
        )
        self._last = contextlib.ExitStack()  # what is let go of at the end, the newest first
        self._last.callback(self._database.close)
        try:
            self._build(authenticator, credentials)
        except BaseException:
            self._last.close()
            raise

    @property
    def database(self) -> Database:
        """The database that is served."""
        return self._database

    def start(self) -> int:
        """Takes calls; the port it listens on. OSError where it cannot be had."""
        self._server.start()
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        return self.port

    def stop(self, grace_seconds: float | None = None) -> None:
        """Takes no more calls, lets those under way finish within the grace, closes the database. May be repeated."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            grace = self.settings.drain_seconds if grace_seconds is None else grace_seconds
            with self._last:
                self._health.enter_graceful_shutdown()
                stopped = self._server.stop(grace)
                self._streams.drain()
                deadline = time.monotonic() + grace + _CLOSING_SECONDS
                while not stopped.wait(_LOOK_SECONDS) and time.monotonic() < deadline:
                    pass  # in short steps, so that a second signal is heard meanwhile
                self._wait_for_calls(grace)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _build(self, authenticator: Authenticator, credentials: grpc.ServerCredentials | None) -> None:
        settings = self.settings
        self._admission = Admission.of(settings)
        self._other = Lane("other", workers=2, queue=64)
        for lane in (*self._admission.lanes, self._other):
            self._last.callback(lane.shutdown)
        engine = Engine(self._database, settings, self._admission.in_flight)
        self._streams = OpenStreams(settings.stream_idle_seconds)
        self._last.callback(self._streams.close)
        metrics = Metrics(method.name for method in METHODS.values())
        runner = Runner(engine, self._streams, Recorder(metrics, RequestLog(settings.log, settings.slow_seconds)))
        self._gate = Gate(
            authenticator,
            self._admission,
            served_by(engine),
            runner,
            self._other,
            mutual_tls=settings.tls_client_ca is not None,
        )
        self._last.callback(self._gate.close)
        self._server = grpc.server(self._other, interceptors=[self._gate], options=_options(settings))
        # Every path passes the gate, which answers those it knows itself.
        self._server.add_generic_rpc_handlers((_NoHandlers(),))
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.reflection:
            from grpc_reflection.v1alpha import reflection

            names = {method.service for method in METHODS.values()}
            reflection.enable_server_reflection((*sorted(names), reflection.SERVICE_NAME), self._server)
        self.port = self._listen(credentials)
        self._page = self._metrics_page(metrics)
        if self._page is not None:
            self._last.callback(self._page.close)

    def _metrics_page(self, metrics: Metrics) -> MetricsPage | None:
        if not self.settings.metrics_port:
            return None
        from vecdb.server.metrics_page import MetricsPage

        gauges = EngineGauges(self._database.stats)
        return MetricsPage(self.settings.metrics_port, metrics, self._admission, gauges, lambda: not self._stopped)

    def _listen(self, credentials: grpc.ServerCredentials | None) -> int:
        try:
            if credentials is None:
                port: int = self._server.add_insecure_port(self.settings.address)
            else:
                port = self._server.add_secure_port(self.settings.address, credentials)
        except RuntimeError as error:
            reason = "taken by another process, or not an address of this machine that it may use"
            raise cannot_listen(self.settings, reason) from error
        return port

    def _wait_for_calls(self, grace_seconds: float) -> None:
        """A call that gRPC has cancelled may still be writing: it is let finish, so that nothing is closed under it."""
        deadline = time.monotonic() + grace_seconds
        while time.monotonic() < deadline and any(lane.taken for lane in self._admission.lanes):
            time.sleep(0.005)


class _NoHandlers(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
        """None: the gate has the handlers."""


def served_by(engine: Engine) -> dict[str, Served]:
    """Every method of the protocol with what answers it."""
    collections, points, search, admin = (
        CollectionsService(engine),
        PointsService(engine),
        SearchService(engine),
        AdminService(engine),
    )
    functions: Mapping[str, tuple[LaneName, Serve]] = {
        "CreateCollection": ("write", collections.create_collection),
        "GetCollection": ("search", collections.get_collection),
        "ListCollections": ("search", collections.list_collections),
        "DropCollection": ("write", collections.drop_collection),
        "Upsert": ("write", points.upsert),
        "Update": ("write", points.update),
        "Delete": ("write", points.delete),
        "Write": ("stream", points.write),
        "Get": ("search", points.get),
        "Count": ("search", points.count),
        "Scan": ("stream", points.scan),
        "Search": ("search", search.search),
        "SearchStream": ("stream", search.search_stream),
        "GetCapabilities": ("search", admin.get_capabilities),
        "GetStats": ("write", admin.get_stats),
        "GetCollectionStats": ("search", admin.get_collection_stats),
        "MeasureRecall": ("write", admin.measure_recall),
        "Verify": ("write", admin.verify),
        "Optimize": ("stream", admin.optimize),
        "Snapshot": ("stream", admin.snapshot),
    }
    short = {"Search": search.is_short}
    return {path: Served(method, *functions[method.name], short.get(method.name)) for path, method in METHODS.items()}


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", _METADATA_BYTES),
        ("grpc.max_concurrent_streams", _STREAMS_OF_A_CONNECTION),
        ("grpc.max_allowed_incoming_connections", settings.connections),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1_000),
        ("grpc.keepalive_time_ms", int(settings.keepalive_seconds * 1_000)),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.max_connection_idle_ms", int(settings.idle_seconds * 1_000)),
        ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a share of its calls
    ]
