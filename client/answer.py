"""Reading answers: what is wrong in one is the server's fault, and not an argument of the caller's."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vecdb.errors import InvalidArgument, ServerFailed

P = ParamSpec("P")
T = TypeVar("T")


def read(convert: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What `convert` makes of an answer, or of a part of one. ServerFailed where it refuses."""
    try:
        return convert(*arguments, **options)
    except InvalidArgument as error:
        raise unreadable(str(error)) from None


def unreadable(reason: str) -> ServerFailed:
    """An answer that contradicts itself, or what was asked."""
    return ServerFailed(reason=f"an answer that cannot be read: {reason}")
