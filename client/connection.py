"""Connection: what both drivers share of one connected database."""

from __future__ import annotations

import os
import time
import weakref
from typing import Final

from vecdb.client.capabilities import Capabilities
from vecdb.client.channel import call_metadata
from vecdb.client.retry import RetryPolicy
from vecdb.client.settings import ClientSettings
from vecdb.client.steps import Call, Pause
from vecdb.errors import Closed, Error, Forked, Unavailable

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
        _CONNECTIONS.add(self)

    def check(self) -> None:
        """Closed or Forked if the database cannot be used."""
        if self.trouble is not None:
            raise self.trouble(what=self.what)

    def seconds_left(self, call: Call) -> tuple[float | None, float]:
        """How long a call may take from now on, and since when its time counts."""
        now = time.monotonic()
        started = call.started
        if started is None or call.timeout_seconds is None:
            return call.timeout_seconds, now if started is None else started
        return max(call.timeout_seconds - (now - started), LEAST_SECONDS), started

    def pause_seconds(self, pause: Pause) -> float:
        """How long a verb waits before it begins again; raises the error if it should not."""
        seconds = self.policy.pause_seconds(pause.error, pause.tries, False, None)
        if seconds is None:
            raise pause.error
        return seconds

    def fate_unknown(self, error: Error) -> Error:
        """The error of a write that may have been carried out, saying so."""
        if not isinstance(error, Unavailable):
            return error
        return Unavailable(
            target=error.target, reason=f"{error.reason}; the write may or may not have been carried out"
        )


_CONNECTIONS: weakref.WeakSet[Connection] = weakref.WeakSet()


def _mark_forked() -> None:
    for connection in _CONNECTIONS:
        connection.trouble = Forked


os.register_at_fork(after_in_child=_mark_forked)
