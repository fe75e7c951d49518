"""One call as the services see it: who calls, and how long they wait."""

from __future__ import annotations

import time

from vecdb.client.grpc_module import grpc
from vecdb.errors import Timeout
from vecdb.server.early_request import end_call
from vecdb.server.principal import Principal


class Call:
    """A call under way. `longest_seconds` bounds one request, also each of a stream."""

    __slots__ = ("collection", "context", "ended", "longest_seconds", "patience_seconds", "principal", "waiting_since")

    def __init__(self, context: grpc.ServicerContext, principal: Principal, longest_seconds: float) -> None:
        self.context = context
        self.principal = principal
        self.collection = ""
        self.waiting_since: float | None = None  # time.monotonic() since when it waits for its caller
        self.patience_seconds = longest_seconds  # how long it may
        self.ended = ""  # why the server ended it, if it did
        self.longest_seconds = longest_seconds

    def seconds_left(self) -> float:
        """Until the caller's deadline, or the server's own if that is nearer. Timeout once it has passed."""
        left = self.seconds_left_to_caller()
        return self.longest_seconds if left is None else min(left, self.longest_seconds)

    def seconds_left_to_caller(self) -> float | None:
        """Until the caller's deadline, None if there is none. Timeout once it has passed."""
        left: float | None = self.context.time_remaining()
        if left is not None and left <= 0:
            raise Timeout(seconds=0.0)
        return left

    def waits(self) -> None:
        """From now on it is the caller's turn: to send a request, or to take a reply."""
        self.waiting_since = time.monotonic()

    def works(self) -> None:
        """It is the server's turn."""
        self.waiting_since = None

    def end(self, why: str) -> None:
        """Ends it from outside, UNAVAILABLE for its caller; its handler sees its requests end."""
        self.ended = why
        try:
            call = self.context._rpc_event.call  # type: ignore[attr-defined]
        except AttributeError:  # another release of gRPC
            self.context.cancel()
        else:
            end_call(call, why)
