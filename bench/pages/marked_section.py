"""A part of a text file that a command writes anew each time: what lies between two comment lines."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vecdb.bench.mistake import Mistake

END: Final = "<!-- end of figures -->"


def begin_line(kind: str) -> str:
    """The comment that begins the section `kind`: sections of several kinds live side by side in one file."""
    return f"<!-- figures: written by vecdb-bench {kind} -->"


def write_section(path: Path, kind: str, text: str) -> None:
    """Writes text between the two comments, or at the end of the file, which may be missing, with new comments.

    Mistake, and nothing written, if a section begins and does not end.
    """
    section = f"{begin_line(kind)}\n\n{text.strip()}\n\n{END}"
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, found, rest = page.partition(begin_line(kind))
    _, end, after = rest.partition(END)
    if found and not end:
        raise Mistake(f"{path}: expected a line {END} after {begin_line(kind)}")
    if not found:
        before, after = (page.rstrip("\n") + "\n\n" if page.strip() else ""), "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before + section + after, encoding="utf-8")
