"""The error of an answer that would be too large to send."""

from __future__ import annotations

from vecdb.errors import LimitExceeded


def reply_too_large(maximum: int, received: int) -> LimitExceeded:
    """For an answer of at least `received` bytes."""
    remedy = "ask for fewer rows at a time, or name payload fields with select"
    return LimitExceeded(limit="MESSAGE_BYTES", maximum=maximum, received=received, remedy=remedy)
