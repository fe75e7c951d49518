"""Error, the root of the tree in vecdb.errors, and how a value is shown in a message."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(kw_only=True, eq=False)
class Error(Exception):
    """Base of everything vecdb raises on purpose; copies and pickles with its facts."""

    def __str__(self) -> str:
        return "vecdb failed"

    def __reduce__(self) -> tuple[Callable[[type[Error], dict[str, object]], Error], tuple[object, ...]]:
        return _restored, (type(self), dict(vars(self)))


def brief(value: object) -> str:
    """A repr of bounded length and cost: a message stays one readable line, whatever came in."""
    return _BRIEF.repr(value)


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 80

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002
        return repr(x) if x.bit_length() <= 128 else f"an int of {x.bit_length()} bits"


_BRIEF = _Brief()


def _restored(kind: type[Error], facts: dict[str, object]) -> Error:
    error = kind.__new__(kind)
    vars(error).update(facts)
    return error
