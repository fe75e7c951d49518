"""Progress of long calls: True shows a line on a terminal, a callback gets (done, total)."""

from __future__ import annotations

import sys
from collections.abc import Callable

Report = Callable[[int, int], None]
Progress = bool | Report | None


def reporter(progress: Progress, what: str) -> Report | None:
    """The callback for a `progress` argument, None for none."""
    if progress is None or progress is False:
        return None
    if callable(progress):
        return progress
    terminal = sys.stderr.isatty()

    def show(done: int, total: int) -> None:
        if terminal:
            filled = 30 * done // max(total, 1)
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r{what} [{'#' * filled}{'.' * (30 - filled)}] {done:,} of {total:,}{end}")
        elif done >= total:
            sys.stderr.write(f"{what}: {done:,}\n")
        sys.stderr.flush()

    return show
