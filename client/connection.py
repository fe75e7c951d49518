"""Connection: what both drivers share of one connected database."""

from __future__ import annotations

import ctypes
import os
import time
import weakref
from typing import Any, Final

from vecdb.client.capabilities import Capabilities
from vecdb.client.channel import call_metadata, failure
from vecdb.client.grpc_module import grpc
from vecdb.client.retry import RetryPolicy
from vecdb.client.settings import ClientSettings
from vecdb.client.steps import Call, Pause
from vecdb.errors import Closed, Error, Forked

LEAST_SECONDS: Final = 0.001  # of a deadline that has passed: the call fails as it should


class Connection:
    """Settings, credentials, retries. `trouble` is set once it is closed, or in a forked child: every call raises."""

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self.target = settings.address.text
        self.what = f"database '{self.target}'"
        self.metadata = call_metadata(settings)
        self.policy = RetryPolicy(settings.retries)
        self.trouble: type[Closed] | type[Forked] | None = None
        self.capabilities = Capabilities()
        self.channels: list[Any] = []  # of gRPC
        self.streams: weakref.WeakSet[Any] = weakref.WeakSet()  # calls of gRPC that may still be under way
        _CONNECTIONS.add(self)

    def check(self) -> None:
        """Closed or Forked if the database cannot be used."""
        if self.trouble is not None:
            raise self.trouble(what=self.what)

    def failed(self, error: BaseException, timeout_seconds: float | None = None) -> Error:
        """The error of vecdb for what a call raised: gRPC's own, or that its channel is closed. Raises any other."""
        if self.trouble is not None:
            return self.trouble(what=self.what)
        if not isinstance(error, grpc.RpcError):
            raise error
        return failure(error, self.settings, timeout_seconds)

    def seconds_left(self, call: Call) -> tuple[float | None, float]:
        """How long a call may take from now on, and since when its time counts."""
        now = time.monotonic()
        started = call.started
        if started is None or call.timeout_seconds is None:
            return call.timeout_seconds, now if started is None else started
        return max(call.timeout_seconds - (now - started), LEAST_SECONDS), started

    def pause_seconds(self, pause: Pause) -> float:
        """How long a verb waits before it begins again; raises the error if it should not."""
        seconds = self.policy.pause_seconds(pause.error, pause.tries, pause.safe_to_repeat, None)
        if seconds is None:
            raise pause.error
        return seconds


_CONNECTIONS: weakref.WeakSet[Connection] = weakref.WeakSet()


def _mark_forked() -> None:
    for connection in _CONNECTIONS:
        connection.trouble = Forked
        # The sockets are shared with the parent: if gRPC freed a call or a channel here it would tell the server that
        # they are over. So they are never freed, at the end of the process neither.
        for each in [*connection.channels, *connection.streams]:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(each))


os.register_at_fork(after_in_child=_mark_forked)
