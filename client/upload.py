"""Many rows over one stream: batches are sent ahead of their acknowledgements, a bounded number of them."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecdb.client.point_verbs import WRITE, PointVerbs
from vecdb.client.retry import fate_unknown
from vecdb.client.steps import Finish, Open, Pause, Receive, Send, Verb
from vecdb.client.upsert_message import UpsertMessages
from vecdb.errors import Error, InvalidArgument, Overloaded, ServerFailed, Unavailable
from vecdb.exchange.batches import UpsertArguments
from vecdb.exchange.form import RowBatch
from vecdb.exchange.refusal import placed
from vecdb.progress import Report
from vecdb.types import WriteResult

AHEAD: Final = 8  # batches without their acknowledgement
AHEAD_BYTES: Final = 32 << 20  # of them, if there is more than one


@dataclass(frozen=True, slots=True)
class _Sent:
    first_row: int
    messages: UpsertMessages


class Upload:
    """The upsert of batches, each all or nothing. What was acknowledged stays, whatever becomes of those after it."""

    def __init__(
        self,
        points: PointVerbs,
        batches: Iterator[RowBatch | UpsertArguments],
        total: int,
        report: Report | None,
        path: Path | None = None,
    ) -> None:
        self._points = points
        self._batches: Iterator[RowBatch | UpsertArguments] = batches
        self._total = total
        self._report = report
        self._seconds = points.timeout_seconds  # for each acknowledgement: how long all take nobody knows
        self._path = path
        self._ahead: deque[_Sent] = deque()
        self._rows = 0
        self._trouble: Error | None = None  # of a batch that cannot be sent: raised after those before it are through

    def verb(self) -> Verb[WriteResult]:
        """Verb: sends everything; the result counts all rows. Errors count rows from the first batch."""
        stream, tries, count, sequence = None, 0, 0, 0
        while True:
            try:
                if stream is None:
                    stream = yield Open(WRITE)
                    for each in self._ahead:
                        yield from _send(stream, each.messages)
                while (messages := self._next()) is not None:
                    yield from _send(stream, messages)
                if not self._ahead:
                    break
                answer = yield Receive(stream, self._seconds)
                if answer is None:
                    raise ServerFailed(reason="the stream ended before everything was acknowledged")
            except Overloaded as error:
                # What has no acknowledgement was not begun: it is sent again.
                stream, tries = None, tries + 1
                yield Pause(error, tries)
                continue
            except Unavailable as error:
                raise fate_unknown(error) from error
            except InvalidArgument as error:
                raise placed(error, self._ahead[0].first_row, self._path) from error
            tries = 0
            rows = self._ahead.popleft().messages.rows
            count, sequence = count + rows, answer.result.sequence
            if self._report is not None:
                self._report(count, self._total)
        yield Finish(stream)
        with contextlib.suppress(Error):  # whatever ends the stream now, everything is acknowledged
            yield Receive(stream, self._seconds)
        if self._trouble is not None:
            raise self._trouble
        return WriteResult(count=count, sequence=sequence)

    def _next(self) -> UpsertMessages | None:
        """One more batch if there is room for it, and one left."""
        ahead = self._ahead
        if self._trouble is not None or len(ahead) >= AHEAD:
            return None
        if ahead and sum(each.messages.bytes for each in ahead) >= AHEAD_BYTES:
            return None
        try:
            batch = next(self._batches, None)
        except Error as error:
            self._trouble = error
            return None
        if batch is None:
            return None
        try:
            messages = self._points.messages(batch.ids, batch.vectors, batch.payloads)
        except InvalidArgument as error:
            self._trouble = placed(error, self._rows, self._path)
            self._trouble.__cause__ = error
            return None
        ahead.append(_Sent(self._rows, messages))
        self._rows += messages.rows
        return messages


def _send(stream: Any, messages: UpsertMessages) -> Verb[None]:
    for message in messages.parts():
        yield Send(stream, message)
