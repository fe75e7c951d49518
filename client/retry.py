"""When a call is tried again, and how long after: pure rules, no clock and no sleep."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from vecdb.errors import Error, Overloaded, Unavailable

PAUSE_SECONDS: Final = 0.05
PAUSE_MAXIMUM_SECONDS: Final = 2.0
BURST: Final = 10.0
SHARE: Final = 0.1
ASKED_MAXIMUM_SECONDS: Final = 30.0  # of what a server asks for; ours asks for 2 seconds at most


@dataclass(slots=True)
class RetryBudget:
    """Tokens that retries cost: each call earns a tenth of one, BURST at most, so that retries never pile up on load.

    Threads may share it; an update that is lost between two of them does no harm.
    """

    tokens: float = BURST

    def earn(self) -> None:
        """A call was made."""
        if self.tokens < BURST:
            self.tokens += SHARE

    def spend(self) -> bool:
        """Takes one token; False if there is none."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class RetryPolicy:
    """Up to `retries` more tries for a call, after pauses that grow and are drawn at random (full jitter)."""

    retries: int
    budget: RetryBudget = field(default_factory=RetryBudget)
    source: random.Random = field(default_factory=random.Random)

    def pause_seconds(self, error: Error, tries: int, safe_to_repeat: bool, seconds_left: float | None) -> float | None:
        """How long to wait before the next try, after `tries` that failed; None to give up.

        What the server refused with Overloaded was not begun, so anything may be repeated. It then says when to come
        back; an Overloaded that does not was made of a status that anything between may have sent, at any time: after
        it, as after Unavailable, only what is safe to do twice is repeated.
        """
        asked = error.retry_after_seconds if isinstance(error, Overloaded) else None
        refused = safe_to_repeat and isinstance(error, Overloaded | Unavailable)
        if tries > self.retries or not (refused or asked is not None):
            return None
        pause = self.source.uniform(0, min(PAUSE_MAXIMUM_SECONDS, PAUSE_SECONDS * 2 ** (tries - 1)))
        if asked is not None and asked > 0:  # not so for NaN
            pause += min(asked, ASKED_MAXIMUM_SECONDS)
        if seconds_left is not None and pause >= seconds_left:
            return None
        return pause if self.budget.spend() else None


def fate_unknown(error: Error) -> Error:
    """The error of a write that had no answer, saying what that means."""
    if not isinstance(error, Unavailable):
        return error
    reason = f"{error.reason}; the write may or may not have been carried out"
    return Unavailable(target=error.target, reason=reason)
