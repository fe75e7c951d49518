"""Admission: how much may be going on at once. Whatever is over a bound is refused at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vecdb.errors import Overloaded
from vecdb.server.lane import Lane
from vecdb.server.settings import ServerSettings


class ByteBudget:
    """Bytes of requests that may be worked on at once, and of replies that were not taken yet, all lanes together."""

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.taken = 0
        self.refused = 0
        self._guard = threading.Lock()

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Bytes that are worked on inside. Overloaded."""
        self.take(count)
        try:
            yield
        finally:
            self.give_back(count)

    def take(self, count: int) -> None:
        """Takes bytes, to be given back. Overloaded, and nothing to give back, if there are not as many."""
        with self._guard:
            if self.taken + count > self.maximum:
                self.refused += 1
                raise Overloaded(what=f"bytes of requests, {self.maximum} together", retry_after_seconds=0.1)
            self.taken += count

    def add(self, count: int) -> None:
        """Takes bytes, to be given back, also where there are not as many: what was done is not refused afterwards."""
        with self._guard:
            self.taken += count

    def give_back(self, count: int) -> None:
        """They are worked on no more."""
        with self._guard:
            assert 0 <= count <= self.taken, "more bytes given back than taken"
            self.taken -= count


@dataclass(frozen=True, slots=True)
class Admission:
    """The lanes of a server and what they share. A stream holds its place while it is open, and none waits for one."""

    search: Lane
    write: Lane
    stream: Lane
    in_flight: ByteBudget

    @classmethod
    def of(cls, settings: ServerSettings) -> Admission:
        """As the settings say."""
        return cls(
            Lane("search", settings.search_workers, settings.queue, settings.queue_seconds),
            Lane("write", settings.write_workers, settings.queue, settings.queue_seconds),
            Lane("stream", settings.streams, 0),
            ByteBudget(settings.in_flight_bytes),
        )

    @property
    def lanes(self) -> tuple[Lane, Lane, Lane]:
        """All of them."""
        return self.search, self.write, self.stream
