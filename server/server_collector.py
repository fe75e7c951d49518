"""ServerCollector: the server's numbers as metric families of Prometheus, gathered when a page is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vecdb import __version__
from vecdb.server.admission import Admission
from vecdb.server.engine_gauges import EngineGauges
from vecdb.server.metrics import BOUNDS_SECONDS, Metrics
from vecdb.server.status_code import status_name


class ServerCollector(Collector):
    """What is counted of a server. No label holds an id, a name of a collection or of a tenant."""

    def __init__(self, metrics: Metrics, admission: Admission, engine: EngineGauges) -> None:
        self._metrics = metrics
        self._admission = admission
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Each family, with its values of this moment."""
        yield InfoMetricFamily("vecdb_build", "The release.", {"version": __version__})
        yield from self._calls()
        yield from self._lanes()
        yield from self._database()

    def _calls(self) -> Iterator[Metric]:
        calls = HistogramMetricFamily("vecdb_call_seconds", "Calls by how they ended.", labels=["method", "code"])
        bytes_in = CounterMetricFamily("vecdb_request_bytes", "Bytes of requests.", labels=["method", "code"])
        bytes_out = CounterMetricFamily("vecdb_response_bytes", "Bytes of responses.", labels=["method", "code"])
        bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
        for one in self._metrics.series():
            labels = [one.method, status_name(one.code)]
            counts = [float(count) for count in accumulate(one.buckets)]
            calls.add_metric(labels, list(zip(bounds, counts, strict=True)), one.seconds)
            bytes_in.add_metric(labels, one.bytes_in)
            bytes_out.add_metric(labels, one.bytes_out)
        yield from (calls, bytes_in, bytes_out)

    def _lanes(self) -> Iterator[Metric]:
        taken = GaugeMetricFamily("vecdb_lane_calls", "Calls at work or waiting.", labels=["lane"])
        places = GaugeMetricFamily("vecdb_lane_places", "Calls that may be at work or wait.", labels=["lane"])
        refused = CounterMetricFamily("vecdb_lane_refused", "Calls refused for want of a place.", labels=["lane"])
        for lane in self._admission.lanes:
            taken.add_metric([lane.name], lane.taken)
            places.add_metric([lane.name], lane.workers + lane.queue)
            refused.add_metric([lane.name], lane.refused)
        yield from (taken, places, refused)
        budget = self._admission.in_flight
        yield GaugeMetricFamily("vecdb_in_flight_bytes", "Bytes of requests at work.", budget.taken)
        yield GaugeMetricFamily("vecdb_in_flight_bytes_maximum", "Bytes that may be.", budget.maximum)
        yield CounterMetricFamily("vecdb_in_flight_refused", "Calls refused for want of bytes.", budget.refused)

    def _database(self) -> Iterator[Metric]:
        found = self._engine.read()
        if found is None:
            return
        yield GaugeMetricFamily("vecdb_collections", "Collections.", found.collections)
        yield GaugeMetricFamily("vecdb_rows", "Rows of all collections.", found.rows)
        yield GaugeMetricFamily("vecdb_journal_bytes", "Journal since the last checkpoint.", found.journal_bytes)
        yield GaugeMetricFamily("vecdb_memory_bytes", "Memory of the collections.", found.memory_bytes)
        yield GaugeMetricFamily("vecdb_disk_bytes", "Disk of the database.", found.disk_bytes)
        yield GaugeMetricFamily("vecdb_sequence", "Sequence of the last write.", found.sequence)
