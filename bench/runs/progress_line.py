"""ProgressLine: where a run is and when it will be over, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import IO, Final

QUIET_SECONDS: Final = 20.0  # between two lines where there is no terminal


class ProgressLine:
    """One line that is overwritten on a terminal; elsewhere a line now and then. Notes stay."""

    def __init__(self, stream: IO[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._clock = clock
        self._started = self._shown = clock()

    def begin(self) -> None:
        """The steps begin now: what remains is estimated from here."""
        self._started = self._clock()

    def step(self, done: int, total: int, what: str) -> None:
        """`done` of `total` laps are over, and `what` is next."""
        now = self._clock()
        left = f", {duration_text((now - self._started) / done * (total - done))} left" if done else ""
        line = f"[{done}/{total}] {what}{left}"
        if self._terminal:
            self._stream.write(f"\r\x1b[K{line}")
        elif now - self._shown >= QUIET_SECONDS:
            self._shown = now
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def note(self, text: str) -> None:
        """A line that stays."""
        self._stream.write(f"\r\x1b[K{text}\n" if self._terminal else f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """Clears the line."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def duration_text(seconds: float) -> str:
    """As `45 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
