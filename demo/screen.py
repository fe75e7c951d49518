"""What the demo prints: aligned lines of at most 110 columns, in colour on a terminal only."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import Final

WIDTH: Final = 110
LABEL_WIDTH: Final = 14
IS_TERMINAL: Final = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def heading(text: str) -> None:
    """A line that opens a part of the screen."""
    print(f"\n{painted(text, '1;36')}")


def fact(label: str, value: str) -> None:
    """A measured thing and its value."""
    print(f"  {painted(label.ljust(LABEL_WIDTH), '2')}{value}")


def question(text: str, note: str = "") -> None:
    """A query, and what it is restricted to."""
    print(f"  {painted(f'“{text}”', '1')}  {painted(note, '33')}".rstrip())


def answer(score: float, pos: str, text: str) -> None:
    """One result: its score, its part of speech, and its text cut to the line."""
    words, _, definition = text.partition(": ")
    line = textwrap.shorten(f"{words}: {definition}", WIDTH - 16, placeholder=" …")
    print(f"    {painted(f'{score:.2f}', '32')}  {pos:<5} {line.replace(words, painted(words, '1'), 1)}")


def progress(label: str, done: int, total: int, note: str) -> None:
    """A bar that redraws itself on a terminal; elsewhere only the finished one is printed."""
    if IS_TERMINAL or done == total:
        filled = 30 * done // total
        bar = painted("█" * filled, "36") + "░" * (30 - filled)
        start, end = ("\r", "\n" if done == total else "") if IS_TERMINAL else ("", "\n")
        print(f"{start}  {painted(label.ljust(LABEL_WIDTH), '2')}{bar} {note}", end=end, flush=True)


def painted(text: str, code: str) -> str:
    """The text in an ANSI colour, or as it is where there is no terminal."""
    return f"\033[{code}m{text}\033[0m" if IS_TERMINAL and text else text


def size_text(size_bytes: int) -> str:
    """A size as people say it."""
    return f"{size_bytes / 2**20:,.1f} MiB"
