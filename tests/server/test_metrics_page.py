"""The metrics page over real HTTP: what it shows, and what it refuses to do."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

import vecdb
from vecdb.errors import InvalidValue
from vecdb.server.admission import Admission
from vecdb.server.engine_gauges import EngineGauges
from vecdb.server.metrics import Metrics
from vecdb.server.metrics_page import MetricsPage
from vecdb.server.settings import ServerSettings

Sample = tuple[str, frozenset[tuple[str, str]]]


class Parts:
    """A page, and what it reads."""

    def __init__(self, database: vecdb.Database) -> None:
        self.metrics = Metrics(["Search", "Upsert"])
        self.admission = Admission.of(ServerSettings(data=":memory:", search_workers=2, queue=3))
        self.healthy = True
        gauges = EngineGauges(database.stats, every_seconds=0)
        self.page = MetricsPage(0, self.metrics, self.admission, gauges, lambda: self.healthy)

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def samples(self) -> dict[Sample, float]:
        status, text = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@contextmanager
def parts() -> Iterator[Parts]:
    with vecdb.connect(":memory:") as database:
        docs = database.create_collection("secret-name", dimension=4)
        docs.upsert(ids=["secret-id", "b"], vectors=np.eye(2, 4, dtype=np.float32))
        made = Parts(database)
        try:
            yield made
        finally:
            made.page.close()
            for lane in made.admission.lanes:
                lane.shutdown()


def test_the_page_shows_what_was_counted() -> None:
    with parts() as made:
        for seconds in (0.0001, 0.0009, 0.003, 99.0):
            made.metrics.record("Search", 0, seconds, 10, 20)
        made.metrics.record("Upsert", 3, 0.001, 5, 0)
        made.admission.in_flight.take(123)
        made.admission.search.refused += 4
        found = made.samples()
        search = {("method", "Search"), ("code", "OK")}

        def bucket(bound: str) -> float:
            return found["vecdb_call_seconds_bucket", frozenset({*search, ("le", bound)})]

        assert [bucket(bound) for bound in ("0.00025", "0.001", "0.0025", "0.005", "60.0", "+Inf")] == [
            1,
            2,
            2,
            3,
            3,
            4,
        ]
        assert found["vecdb_call_seconds_count", frozenset(search)] == 4
        assert found["vecdb_call_seconds_sum", frozenset(search)] == pytest.approx(99.004)
        assert found["vecdb_request_bytes_total", frozenset(search)] == 40
        assert found["vecdb_response_bytes_total", frozenset(search)] == 80
        assert found["vecdb_call_seconds_count", frozenset({("method", "Upsert"), ("code", "INVALID_ARGUMENT")})] == 1
        assert found["vecdb_lane_refused_total", frozenset({("lane", "search")})] == 4
        assert found["vecdb_lane_places", frozenset({("lane", "search")})] == 5
        assert found["vecdb_in_flight_bytes", frozenset()] == 123
        assert found["vecdb_rows", frozenset()] == 2
        assert found["vecdb_collections", frozenset()] == 1
        assert found["vecdb_build_info", frozenset({("version", vecdb.__version__)})] == 1
        assert found["process_resident_memory_bytes", frozenset()] > 1_000_000


def test_no_label_tells_what_is_stored() -> None:
    with parts() as made:
        made.metrics.record("secret-method", 0, 0.1, 1, 1)
        assert "secret" not in made.get("/metrics")[1]


def test_health_follows_the_server() -> None:
    with parts() as made:
        assert made.get("/healthz") == (200, "ok\n")
        made.healthy = False
        assert made.get("/healthz") == (503, "draining\n")
        assert made.get("/metrics")[0] == 200


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics/../etc/passwd", "/metricsx", "/debug", "/%6detrics"])
def test_there_are_two_pages(path: str) -> None:
    with parts() as made:
        assert made.get(path) == (404, "not found\n")
        assert made.get("/metrics?x=1")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "X"])
def test_pages_are_read_only(method: str) -> None:
    with parts() as made:
        assert made.get("/metrics", method)[0] >= 400


def test_only_this_machine_reaches_it() -> None:
    with parts() as made:
        assert made.page._server.server_address[0] == "127.0.0.1"
        assert made.page._thread.daemon


@pytest.mark.parametrize(
    "sent",
    [
        b"\0" * 1_000,
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"A" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500,
    ],
)
def test_garbage_leaves_the_page_alive(sent: bytes) -> None:
    with parts() as made:
        with socket.create_connection(("127.0.0.1", made.page.port), 10) as connection:
            connection.sendall(sent)
        assert made.get("/healthz")[0] == 200


def test_readers_that_say_nothing_are_bounded() -> None:
    with parts() as made:
        idle = [socket.create_connection(("127.0.0.1", made.page.port), 10) for _ in range(30)]
        try:
            deadline = time.monotonic() + 10
            while sum("process_request_thread" in thread.name for thread in threading.enumerate()) < 8:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert sum("process_request_thread" in thread.name for thread in threading.enumerate()) == 8
        finally:
            for connection in idle:
                connection.close()
        deadline = time.monotonic() + 10
        while True:  # those that left give their places back
            try:
                assert made.get("/healthz")[0] == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_it_closes_with_the_server_and_frees_its_port() -> None:
    with parts() as made:
        port = made.page.port
        made.page.close()
        with pytest.raises(OSError):
            made.get("/healthz")
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_that_is_taken_is_refused() -> None:
    with parts() as made:
        gauges = EngineGauges(lambda: pytest.fail("not asked"))
        with pytest.raises(InvalidValue) as caught:
            MetricsPage(made.page.port, made.metrics, made.admission, gauges, lambda: True)
        assert caught.value.argument == "metrics_port"
