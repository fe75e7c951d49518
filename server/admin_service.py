"""vecdb.v1.Admin: what the server can do, how it is, and its care."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Final

from vecdb import limits
from vecdb.collection.bounded_reads import recall_within, verify_within
from vecdb.errors import Overloaded
from vecdb.proto import PROTOCOL_MAJOR, PROTOCOL_MINOR
from vecdb.proto.convert.results import (
    collection_stats_to_message,
    database_stats_to_message,
    recall_report_to_message,
    snapshot_report_to_message,
    verify_report_to_message,
)
from vecdb.proto.v1 import admin_pb2
from vecdb.server.call import Call
from vecdb.server.engine import OWN_LIMITS, Engine, parsed
from vecdb.version import VERSION

STAGES: Final = ("near",)


class AdminService:
    """The database as a whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._limits = {
            name: value for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)
        }
        self._limits.update({name: getattr(engine.settings, name.lower()) for name in OWN_LIMITS})
        self._optimizing = threading.BoundedSemaphore(engine.settings.write_workers)

    def get_capabilities(self, call: Call, data: bytes) -> admin_pb2.Capabilities:
        """Version, limits, and what the caller may do."""
        parsed(admin_pb2.GetCapabilitiesRequest, data)
        return admin_pb2.Capabilities(
            protocol_major=PROTOCOL_MAJOR,
            protocol_minor=PROTOCOL_MINOR,
            server_version=VERSION,
            limits=self._limits,
            stages=STAGES,
            role=f"ROLE_{call.principal.role.name}",
            read_only=self._engine.settings.read_only,
        )

    def get_stats(self, call: Call, data: bytes) -> admin_pb2.DatabaseStats:  # noqa: ARG002
        """Collections, rows, memory and disk."""
        parsed(admin_pb2.GetStatsRequest, data)
        return database_stats_to_message(self._engine.database.stats())

    def get_collection_stats(self, call: Call, data: bytes) -> admin_pb2.CollectionStats:
        """Rows, tail, memory and disk."""
        ref = parsed(admin_pb2.GetCollectionStatsRequest, data).collection
        call.collection = ref.name
        return collection_stats_to_message(self._engine.collection(ref).stats())

    def measure_recall(self, call: Call, data: bytes) -> admin_pb2.RecallReport:
        """Recall of the index against exact search."""
        request = parsed(admin_pb2.MeasureRecallRequest, data)
        call.collection = request.collection.name
        self._engine.check_at_most("K_MAXIMUM", request.k)
        self._engine.check_at_most("EF_MAXIMUM", request.ef)
        report = recall_within(
            self._engine.collection(request.collection),
            request.sample,
            request.k,
            using=request.using if request.HasField("using") else None,
            ef=request.ef if request.HasField("ef") else None,
            seed=request.seed,
            seconds=call.seconds_left(),
        )
        return recall_report_to_message(report)

    def verify(self, call: Call, data: bytes) -> admin_pb2.VerifyReport:
        """Reads everything, within the caller's deadline: without one it takes as long as it takes."""
        ref = parsed(admin_pb2.VerifyRequest, data).collection
        call.collection = ref.name
        return verify_report_to_message(verify_within(self._engine.collection(ref), call.seconds_left_to_caller()))

    def optimize(self, call: Call, data: bytes) -> Iterator[admin_pb2.OptimizeProgress]:
        """Absorbs, heals and checkpoints; progress meanwhile."""
        request = parsed(admin_pb2.OptimizeRequest, data)
        call.collection = request.collection.name
        collection = self._engine.collection(request.collection)
        if not request.wait:
            collection.optimize(wait=False)
            return
        # Progress is reported from within the call: it runs beside, and what it reports is passed on.
        reports: queue.SimpleQueue[tuple[int, int] | BaseException | None] = queue.SimpleQueue()

        def run() -> None:
            try:
                collection.optimize(progress=lambda done, total: reports.put((done, total)))
                reports.put(None)
            except BaseException as error:
                reports.put(error)
            finally:
                self._optimizing.release()

        # It goes on when its caller leaves, so that the place in a lane does not bound how many there are.
        if not self._optimizing.acquire(blocking=False):
            raise Overloaded(what="optimize calls", retry_after_seconds=1.0)
        try:
            threading.Thread(target=run, name="vecdb-optimize", daemon=True).start()
        except BaseException:
            self._optimizing.release()
            raise
        while (report := reports.get()) is not None:
            if isinstance(report, BaseException):
                raise report
            yield admin_pb2.OptimizeProgress(done=report[0], total=report[1])

    def snapshot(self, call: Call, data: bytes) -> Iterator[admin_pb2.SnapshotPart]:  # noqa: ARG002
        """The bytes of a snapshot file, first what it holds."""
        parsed(admin_pb2.SnapshotRequest, data)
        with self._engine.database.snapshot_parts() as parts:
            yield admin_pb2.SnapshotPart(report=snapshot_report_to_message(parts.report))
            for part in parts:
                yield admin_pb2.SnapshotPart(data=part)
