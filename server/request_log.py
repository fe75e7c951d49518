"""RequestLog: calls and events as JSON, one line each, by the standard library's logger "vecdb.server".

Lines are ASCII: what callers send is escaped and cut, so it can neither forge a line nor reach a terminal. Secrets,
payloads, filters and the texts of errors have no field here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TextIO

from vecdb.server.settings import LogMode
from vecdb.server.status_code import INTERNAL_CODES, status_name

LOGGER: Final = logging.getLogger("vecdb.server")
TEXT_CHARACTERS: Final = 200  # of any text in a line; longer ones are cut
_FRAMES: Final = 12  # of a traceback, the innermost


@dataclass(slots=True, kw_only=True)
class CallFacts:
    """One call that has ended, for its line. `code` is gRPC's number; `detail` is a kind of error, never its text."""

    method: str
    code: int
    seconds: float
    peer: str
    principal: str | None = None
    collection: str | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    detail: str | None = None


class RequestLog:
    """Which calls are logged: none, the slow ones and those that failed inside, or all."""

    def __init__(self, mode: LogMode, slow_seconds: float) -> None:
        self._all = mode == "all"
        self._slow_seconds = math.inf if mode == "none" else slow_seconds
        self._internal_codes = frozenset() if mode == "none" else INTERNAL_CODES

    def wants(self, code: int, seconds: float) -> bool:
        """Whether such a call is logged: asked before its facts are gathered, as most are not."""
        return self._all or seconds > self._slow_seconds or code in self._internal_codes

    def write(self, call: CallFacts) -> None:
        """Writes a call's line: an error if it failed inside, a warning if it was slow."""
        slow = call.seconds > self._slow_seconds
        level = logging.ERROR if call.code in INTERNAL_CODES else logging.WARNING if slow else logging.INFO
        facts = {
            "method": call.method,
            "code": status_name(call.code),
            "seconds": round(call.seconds, 6),
            "peer": call.peer,
            "principal": call.principal,
            "collection": call.collection,
            "bytes_in": call.bytes_in,
            "bytes_out": call.bytes_out,
            "detail": call.detail,
        }
        log_event("call", facts, level)


def log_event(
    event: str,
    facts: Mapping[str, object] | None = None,
    level: int = logging.INFO,
    error: BaseException | None = None,
) -> None:
    """Logs something that happened: "started", "draining". Of `error` only its type and its frames are written."""
    LOGGER.log(level, "%s", event, extra={"facts": facts or {}}, exc_info=error)


@contextlib.contextmanager
def log_lines(stream: TextIO) -> Iterator[None]:
    """Writes what LOGGER gets to `stream`, as JSON lines and nowhere else, until the block ends."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    level, propagate = LOGGER.level, LOGGER.propagate
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
        LOGGER.propagate = propagate


class JsonLine(logging.Formatter):
    """Formats a record as one line of ASCII JSON; facts that are None are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": _shown(record.getMessage()),
        }
        facts: Mapping[str, object] = getattr(record, "facts", {})
        line.update((name, _shown(value)) for name, value in facts.items() if value is not None)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES:]
            line["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line)


def _shown(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= TEXT_CHARACTERS else text[:TEXT_CHARACTERS] + "..."
