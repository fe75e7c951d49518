"""The care of a collection: statistics, recall, verification, optimizing, dropping."""

from __future__ import annotations

from typing import Final

from vecdb.call_checks import check_recall
from vecdb.client.connection import Connection
from vecdb.client.first_message import first_message
from vecdb.client.steps import Call, Receive, Verb
from vecdb.errors import VectorNotFound
from vecdb.progress import Progress, reporter
from vecdb.proto.convert.results import (
    collection_stats_from_message,
    recall_report_from_message,
    verify_report_from_message,
)
from vecdb.proto.methods import METHODS
from vecdb.proto.v1 import admin_pb2, collections_pb2, types_pb2
from vecdb.schema import CollectionSchema
from vecdb.types import CollectionStats, RecallReport, VerifyReport

_STATS: Final = METHODS["/vecdb.v1.Admin/GetCollectionStats"]
_RECALL: Final = METHODS["/vecdb.v1.Admin/MeasureRecall"]
_VERIFY: Final = METHODS["/vecdb.v1.Admin/Verify"]
_OPTIMIZE: Final = METHODS["/vecdb.v1.Admin/Optimize"]
_DROP: Final = METHODS["/vecdb.v1.Collections/DropCollection"]


class CareVerbs:
    """What keeps one collection well. Verifying and optimizing take as long as they take."""

    def __init__(self, connection: Connection, ref: types_pb2.CollectionRef, schema: CollectionSchema) -> None:
        self._seconds = connection.settings.timeout_seconds
        self._ref = ref
        self._schema = schema

    def stats(self) -> Verb[CollectionStats]:
        """Verb: rows, tail, memory and disk."""
        answer = yield Call(_STATS, admin_pb2.GetCollectionStatsRequest(collection=self._ref), self._seconds)
        return collection_stats_from_message(answer)

    def recall(self, sample: int, k: int, using: str | None, ef: int | None, seed: int) -> Verb[RecallReport]:
        """Verb: recall@k against exact search."""
        check_recall(sample, k, ef, seed)
        if using is not None and using not in self._schema.vectors:
            raise VectorNotFound(collection=self._schema.name, name=str(using), known=tuple(self._schema.vectors))
        request = admin_pb2.MeasureRecallRequest(
            collection=self._ref, sample=sample, k=k, using=using, ef=ef, seed=seed
        )
        return recall_report_from_message((yield Call(_RECALL, request, None)))

    def verify(self) -> Verb[VerifyReport]:
        """Verb: reads everything."""
        return verify_report_from_message((yield Call(_VERIFY, admin_pb2.VerifyRequest(collection=self._ref), None)))

    def optimize(self, wait: bool, progress: Progress) -> Verb[None]:
        """Verb: absorbs the tail and heals the index now, reporting meanwhile."""
        report = reporter(progress, "optimize")
        request = admin_pb2.OptimizeRequest(collection=self._ref, wait=bool(wait))
        stream, now = yield from first_message(_OPTIMIZE, request)
        while now is not None:
            if report is not None:
                report(now.done, now.total)
            now = yield Receive(stream)

    def drop(self) -> Verb[None]:
        """Verb: deletes the collection and its rows."""
        request = collections_pb2.DropCollectionRequest(collection=self._ref)
        yield Call(_DROP, request, self._seconds, safe_to_repeat=False)
