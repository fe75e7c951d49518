"""Packing: which of the queries of a stream go together into one message. No clock, no thread."""

from __future__ import annotations

from collections import deque
from typing import Final

from vecdb.client.answer import unreadable
from vecdb.proto.convert.matrices import Matrix

MESSAGE_QUERIES: Final = 64


class Packing:
    """Queries wait, go under way in messages, and are answered in that order; at most `in_flight` of them in all.

    A message goes when nothing is under way, so that a lone query never waits for others; else when half of what may be
    in flight has come together, so that the server has the next message when it is done with one.
    """

    def __init__(self, in_flight: int, row_bytes: int, message_bytes: int) -> None:
        self._in_flight = in_flight
        self._together = max(1, min(in_flight // 2, MESSAGE_QUERIES, message_bytes // row_bytes))
        self._waiting: list[Matrix] = []
        self._under_way: deque[list[Matrix]] = deque()
        self._held = 0
        self.ended = False  # no more queries will come

    @property
    def has_room(self) -> bool:
        """Whether one more query may be taken."""
        return self._held < self._in_flight

    @property
    def is_done(self) -> bool:
        """Whether every query has been sent, and no more will come."""
        return self.ended and not self._waiting

    @property
    def is_answered(self) -> bool:
        """Whether every query has its answer, and no more will come."""
        return self.is_done and not self._under_way

    @property
    def unanswered(self) -> list[list[Matrix]]:
        """The messages under way, in order."""
        return list(self._under_way)

    def add(self, query: Matrix) -> None:
        """One more query."""
        self._waiting.append(query)
        self._held += 1

    def take(self) -> list[Matrix] | None:
        """The queries of a message that is to go now, which is then under way; None if it is better to wait."""
        waiting = self._waiting
        if not waiting or (self._under_way and len(waiting) < self._together and not self.ended):
            return None
        some, self._waiting = waiting[: self._together], waiting[self._together :]
        self._under_way.append(some)
        return some

    def answered(self) -> list[Matrix]:
        """The queries of the first message under way, which has its answer. ServerFailed if nothing is under way."""
        if not self._under_way:
            raise unreadable("one that nothing was asked for")
        some = self._under_way.popleft()
        self._held -= len(some)
        return some
