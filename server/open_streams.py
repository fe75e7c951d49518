"""Calls that wait for their caller: those that wait too long are ended, and streams when the server stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Final

from vecdb.errors import InvalidValue, Unavailable
from vecdb.server.call import Call
from vecdb.server.early_request import EarlyRequest

_CHECK_SECONDS: Final = 0.25


class OpenStreams:
    """A stream that waits `idle_seconds` for its caller is ended, so that it holds no thread and no snapshot.

    So is a call of one request, if that does not come within the call's own patience: it holds a place in a lane.
    """

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._calls: set[Call] = set()
        self._between: set[Call | EarlyRequest] = set()  # that wait for their caller's next request
        self._guard = threading.Lock()
        self._draining = False
        self._closed = threading.Event()
        threading.Thread(target=self._end_those_that_stand, name="vecdb-streams", daemon=True).start()

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        """A stream began."""
        call.patience_seconds = self._idle_seconds
        with self._guard:
            self._calls.add(call)

    def remove(self, call: Call) -> None:
        """A stream is over."""
        with self._guard:
            self._calls.discard(call)
            self._between.discard(call)

    def expect(self, early: EarlyRequest) -> None:
        """A call waits for its request, and has no thread."""
        with self._guard:
            self._between.add(early)

    def came(self, early: EarlyRequest) -> None:
        """It waits no more."""
        early.waiting_since = None
        with self._guard:
            self._between.discard(early)

    def only_request(self, call: Call, requests: Iterator[bytes]) -> bytes:
        """The request of a call that has one, within the longest a request may take. InvalidValue if it has none."""
        if isinstance(requests, EarlyRequest):
            call.ended = requests.ended
            data = next(requests, None)
        else:
            data = self._awaited(call, requests)
        if data is None:
            raise InvalidValue(argument="request", expected="one message", received=None)
        return data

    def reply(self, call: Call) -> None:
        """Its caller is to take the reply, within the call's own patience, until remove()."""
        call.waits()
        with self._guard:
            self._between.add(call)

    def requests(self, call: Call, requests: Iterator[bytes]) -> Iterator[bytes]:
        """The requests of a stream. Unavailable between two of them once the server drains."""
        while True:
            with self._guard:
                if self._draining:
                    raise Unavailable(target="", reason="it is stopping; what it acknowledged is kept")
                self._between.add(call)
            call.waits()
            try:
                data = next(requests, None)
            finally:
                call.works()
                with self._guard:
                    self._between.discard(call)
            if data is None:
                return
            yield data

    def drain(self) -> None:
        """Ends streams after the request they work on, and at once those that wait for one."""
        with self._guard:
            self._draining = True
            between = [call for call in self._between if call in self._calls]  # others may still finish
        for call in between:
            call.end("the server is stopping")

    def close(self) -> None:
        """Watches no more."""
        self._closed.set()

    def _awaited(self, call: Call, requests: Iterator[bytes]) -> bytes | None:
        patience = call.patience_seconds
        call.patience_seconds = min(patience, call.longest_seconds)
        with self._guard:
            self._between.add(call)
        call.waits()
        try:
            return next(requests, None)
        finally:
            call.works()
            call.patience_seconds = patience
            with self._guard:
                self._between.discard(call)

    def _end_those_that_stand(self) -> None:
        while not self._closed.wait(_CHECK_SECONDS):
            now = time.monotonic()
            with self._guard:
                calls = [call for call in self._calls | self._between if not call.ended]
            for call in calls:
                since = call.waiting_since
                if since is not None and since < now - call.patience_seconds:
                    call.end("its caller was silent for too long")
