"""What is kept of a call that has ended: its counts, and its line in the log if it is one to be logged."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from vecdb.client.grpc_module import grpc
from vecdb.errors import Error
from vecdb.proto.status import status_of
from vecdb.server.metrics import Metrics
from vecdb.server.principal import Principal
from vecdb.server.request_log import CallFacts, RequestLog, log_event
from vecdb.server.status_code import STATUS_CODES

BY_CERTIFICATE: Final = "client certificate"  # the name of a caller until its certificate is read, for the log

_CANCELLED: Final = STATUS_CODES.index("CANCELLED")


class CallRecord:
    """One call, from the gate to its end."""

    __slots__ = ("bytes_in", "bytes_out", "collection", "method", "principal", "started")

    def __init__(self, method: str, principal: Principal | None, started: float, bytes_in: int = 0) -> None:
        self.method = method
        self.principal = principal
        self.started = started
        self.bytes_in = bytes_in
        self.bytes_out = 0
        self.collection = ""


class Recorder:
    """Counts calls and writes the lines of those that are to be logged."""

    def __init__(self, metrics: Metrics, log: RequestLog) -> None:
        self._metrics = metrics
        self._log = log

    def done(self, record: CallRecord, context: grpc.ServicerContext) -> None:
        """It was answered."""
        self._record(record, context, 0, None)

    def failed(self, record: CallRecord, context: grpc.ServicerContext, error: BaseException) -> None:
        """It was refused, or failed; what is no error of vecdb's is logged with its frames."""
        if not isinstance(error, Error):
            log_event("failed inside", {"method": record.method}, logging.ERROR, error)
        self._record(record, context, status_of(error)[0].value[0], type(error).__name__)

    def cancelled(self, record: CallRecord, context: grpc.ServicerContext, why: str) -> None:
        """Its caller went away, or the server ended it."""
        self._record(record, context, _CANCELLED, why or None)

    def _record(self, record: CallRecord, context: grpc.ServicerContext, code: int, detail: str | None) -> None:
        seconds = time.perf_counter() - record.started
        self._metrics.record(record.method, code, seconds, record.bytes_in, record.bytes_out)
        if not self._log.wants(code, seconds):
            return
        self._log.write(
            CallFacts(
                method=record.method,
                code=code,
                seconds=seconds,
                peer=context.peer(),
                principal=_name(record.principal, context),
                collection=record.collection or None,
                bytes_in=record.bytes_in,
                bytes_out=record.bytes_out,
                detail=detail,
            )
        )


def _name(principal: Principal | None, context: grpc.ServicerContext) -> str | None:
    if principal is None or principal.name != BY_CERTIFICATE:
        return principal.name if principal else None
    names: Any = context.auth_context().get("x509_common_name", ())
    return b" ".join(names).decode("utf-8", "replace") or principal.name
