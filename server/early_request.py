"""EarlyRequest: the request of a call that gRPC was asked for before a thread took the call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from vecdb.client.grpc_module import grpc

_UNAVAILABLE: Final[int] = grpc.StatusCode.UNAVAILABLE.value[0]


class EarlyRequest(Iterator[bytes]):
    """What its handler takes as the requests of a call. Until it is there the call waits, and no thread does.

    Of gRPC's own it holds a call, its state, and the iterator of its requests.
    """

    __slots__ = ("_call", "_requests", "_state", "ended", "patience_seconds", "waiting_since")

    def __init__(self, call: Any, state: Any, requests: Any, patience_seconds: float) -> None:
        self._call = call
        self._state = state
        self._requests = requests
        self.waiting_since: float | None = time.monotonic()
        self.patience_seconds = patience_seconds
        self.ended = ""  # why the server ended the call, if it did

    def __next__(self) -> bytes:
        """The request, once. grpc.RpcError if the call is over, StopIteration if its caller sent none."""
        with self._state.condition:
            request: bytes = self._requests._look_for_request()
        return request

    def end(self, why: str) -> None:
        """Ends the call, UNAVAILABLE for its caller."""
        self.ended = why
        end_call(self._call, why)


def end_call(call: Any, why: str) -> None:
    """Ends one of gRPC's own calls, UNAVAILABLE for its caller."""
    try:
        # Without arguments it is CANCELLED, which a caller could not tell from a cancellation of its own.
        call.cancel(_UNAVAILABLE, why)
    except TypeError:  # another release of gRPC
        call.cancel()
