"""What calls return, both ways: write results, plans, statistics and reports."""

from __future__ import annotations

from typing import cast

from vecdb.proto.convert.schemas import (
    dtype_from_message,
    dtype_to_message,
    metric_from_message,
    metric_to_message,
)
from vecdb.proto.v1 import admin_pb2, points_pb2, search_pb2
from vecdb.types import (
    CollectionStats,
    DatabaseStats,
    Plan,
    RecallReport,
    SnapshotReport,
    Strategy,
    VectorStats,
    VerifyReport,
    WriteResult,
)


def write_result_to_message(result: WriteResult) -> points_pb2.WriteResponse:
    """The message of a WriteResult."""
    return points_pb2.WriteResponse(count=result.count, sequence=result.sequence, missing=result.missing)


def write_result_from_message(message: points_pb2.WriteResponse) -> WriteResult:
    """The WriteResult of a message."""
    return WriteResult(count=message.count, sequence=message.sequence, missing=message.missing)


def plan_to_message(plan: Plan) -> search_pb2.Plan:
    """The message of a Plan."""
    return search_pb2.Plan(
        strategy=plan.strategy,
        rows_scanned=plan.rows_scanned,
        rows_matched=plan.rows_matched,
        estimated=plan.estimated,
        metric=metric_to_message(plan.metric),
        ef=plan.ef,
        slow_reason=plan.slow_reason,
    )


def plan_from_message(message: search_pb2.Plan) -> Plan:
    """The Plan of a message, its strategy by whatever name the server gives it; InvalidSchema for an unknown metric."""
    return Plan(
        strategy=cast(Strategy, message.strategy),
        rows_scanned=message.rows_scanned,
        rows_matched=message.rows_matched,
        estimated=message.estimated,
        metric=metric_from_message(message.metric, "plan"),
        ef=message.ef if message.HasField("ef") else None,
        slow_reason=message.slow_reason if message.HasField("slow_reason") else None,
    )


def vector_stats_to_message(name: str, stats: VectorStats) -> admin_pb2.VectorStats:
    """The message of one vector's statistics."""
    return admin_pb2.VectorStats(
        name=name,
        dimension=stats.dimension,
        rows_indexed=stats.rows_indexed,
        rows_tail=stats.rows_tail,
        memory_bytes=stats.memory_bytes,
        disk_bytes=stats.disk_bytes,
        component_type=dtype_to_message(stats.dtype),
    )


def vector_stats_from_message(message: admin_pb2.VectorStats) -> VectorStats:
    """One vector's statistics of a message, which has its name beside them."""
    return VectorStats(
        dimension=message.dimension,
        dtype=dtype_from_message(message.component_type, "stats"),
        rows_indexed=message.rows_indexed,
        rows_tail=message.rows_tail,
        memory_bytes=message.memory_bytes,
        disk_bytes=message.disk_bytes,
    )


def collection_stats_to_message(stats: CollectionStats) -> admin_pb2.CollectionStats:
    """The message of a collection's statistics."""
    return admin_pb2.CollectionStats(
        name=stats.name,
        rows=stats.rows,
        rows_deleted=stats.rows_deleted,
        sequence=stats.sequence,
        memory_bytes=stats.memory_bytes,
        disk_bytes=stats.disk_bytes,
        vectors=[vector_stats_to_message(name, vector) for name, vector in stats.vectors.items()],
    )


def collection_stats_from_message(message: admin_pb2.CollectionStats) -> CollectionStats:
    """A collection's statistics of a message."""
    return CollectionStats(
        name=message.name,
        rows=message.rows,
        rows_deleted=message.rows_deleted,
        sequence=message.sequence,
        memory_bytes=message.memory_bytes,
        disk_bytes=message.disk_bytes,
        vectors={vector.name: vector_stats_from_message(vector) for vector in message.vectors},
    )


def database_stats_to_message(stats: DatabaseStats) -> admin_pb2.DatabaseStats:
    """The message of a database's statistics, without its path, which is the server's own affair."""
    return admin_pb2.DatabaseStats(
        collections=stats.collections,
        rows=stats.rows,
        sequence=stats.sequence,
        checkpoint_sequence=stats.checkpoint_sequence,
        journal_bytes=stats.journal_bytes,
        memory_bytes=stats.memory_bytes,
        disk_bytes=stats.disk_bytes,
    )


def database_stats_from_message(message: admin_pb2.DatabaseStats, path: str) -> DatabaseStats:
    """A database's statistics of a message; `path` is what the caller knows the database by."""
    return DatabaseStats(
        path=path,
        collections=message.collections,
        rows=message.rows,
        sequence=message.sequence,
        checkpoint_sequence=message.checkpoint_sequence,
        journal_bytes=message.journal_bytes,
        memory_bytes=message.memory_bytes,
        disk_bytes=message.disk_bytes,
    )


def recall_report_to_message(report: RecallReport) -> admin_pb2.RecallReport:
    """The message of a RecallReport."""
    return admin_pb2.RecallReport(
        recall=report.recall,
        recall_minimum=report.recall_minimum,
        k=report.k,
        sample=report.sample,
        ef=report.ef,
        seed=report.seed,
    )


def recall_report_from_message(message: admin_pb2.RecallReport) -> RecallReport:
    """The RecallReport of a message."""
    return RecallReport(
        recall=message.recall,
        recall_minimum=message.recall_minimum,
        k=message.k,
        sample=message.sample,
        ef=message.ef if message.HasField("ef") else None,
        seed=message.seed,
    )


def verify_report_to_message(report: VerifyReport) -> admin_pb2.VerifyReport:
    """The message of a VerifyReport."""
    return admin_pb2.VerifyReport(files=report.files, rows=report.rows, problems=report.problems)


def verify_report_from_message(message: admin_pb2.VerifyReport) -> VerifyReport:
    """The VerifyReport of a message."""
    return VerifyReport(files=message.files, rows=message.rows, problems=tuple(message.problems))


def snapshot_report_to_message(report: SnapshotReport) -> admin_pb2.SnapshotReport:
    """The message of a SnapshotReport."""
    return admin_pb2.SnapshotReport(
        sequence=report.sequence, collections=report.collections, files=report.files, bytes=report.bytes
    )


def snapshot_report_from_message(message: admin_pb2.SnapshotReport) -> SnapshotReport:
    """The SnapshotReport of a message."""
    return SnapshotReport(
        sequence=message.sequence, collections=message.collections, files=message.files, bytes=message.bytes
    )
