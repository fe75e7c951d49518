"""MetricsPage: /metrics in Prometheus' text form and /healthz, over HTTP on 127.0.0.1 only, for reading only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from vecdb.server.admission import Admission
from vecdb.server.engine_gauges import EngineGauges
from vecdb.server.listening import metrics_port_taken
from vecdb.server.metrics import Metrics
from vecdb.server.server_collector import ServerCollector

_READERS: Final = 8  # pages that are read at once; more are turned away
_READ_SECONDS: Final = 5.0


class MetricsPage:
    """Serves the page on 127.0.0.1:`port` (0: any that is free) in threads of its own until close(). InvalidValue."""

    def __init__(
        self, port: int, metrics: Metrics, admission: Admission, engine: EngineGauges, healthy: Callable[[], bool]
    ) -> None:
        registry = CollectorRegistry()
        registry.register(ServerCollector(metrics, admission, engine))
        ProcessCollector(registry=registry)
        handler = type("PageHandler", (_PageHandler,), {"registry": registry, "healthy": staticmethod(healthy)})
        try:
            self._server = _PageServer(("127.0.0.1", port), handler)
        except OSError as error:
            raise metrics_port_taken(port, error) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops. May be called twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _PageServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = _READERS

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._readers = threading.BoundedSemaphore(_READERS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._readers.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be begun
            self._readers.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._readers.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that went away is nobody's concern."""


class _PageHandler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    healthy: Callable[[], bool]
    timeout = _READ_SECONDS

    def do_GET(self) -> None:  # the name that http.server calls
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.registry))
        elif path == "/healthz":
            healthy = type(self).healthy()
            self._answer(200 if healthy else 503, "text/plain", b"ok\n" if healthy else b"draining\n")
        else:
            self._answer(404, "text/plain", b"not found\n")

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        return "vecdb"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Reading the page is no event."""
