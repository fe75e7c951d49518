"""The status codes of gRPC by number: what metrics and the log call the end of a call."""

from __future__ import annotations

from typing import Final

STATUS_CODES: Final = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
UNKNOWN: Final = STATUS_CODES.index("UNKNOWN")

# The server's own fault, whatever the caller did.
INTERNAL_CODES: Final = frozenset(map(STATUS_CODES.index, ("UNKNOWN", "INTERNAL", "DATA_LOSS")))


def status_name(code: int) -> str:
    """The name of a code; UNKNOWN for a number that is none."""
    return STATUS_CODES[code] if 0 <= code < len(STATUS_CODES) else STATUS_CODES[UNKNOWN]
