"""Errors about the content of a file: the usual ones, with the place in the file."""

from __future__ import annotations

from pathlib import Path

from vecdb.errors import InvalidArgument, InvalidValue

_ROW_FACTS = frozenset({"row", "first_row", "second_row"})


def refused(place: Path | str, expected: str, received: object) -> InvalidValue:
    """A file, or one line or row of it, that is not what it has to be."""
    return InvalidValue(argument="path", expected=f"{expected} in {place}", received=received)


def line_of(path: Path, row: int) -> str:
    """The place of a row in a file of one line a row."""
    return f"line {row + 1} of {path}"


def placed(error: InvalidArgument, first_row: int, path: Path | None = None) -> InvalidArgument:
    """The error of a batch that begins at `first_row` of a file or a longer batch, its rows counted from the first."""
    facts = dict(vars(error))
    for name in _ROW_FACTS & facts.keys():
        if facts[name] is not None:
            facts[name] += first_row
    if path is not None and "reason" in facts:
        facts["reason"] = f"{facts['reason']} (in {path})"
    same = type(error)(**facts)
    if path is not None:
        same.add_note(f"rows are counted from 0 in {path}")
    return same
