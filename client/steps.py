"""The steps of a verb. A verb is a generator that yields them and returns its result; a driver carries them out.

So each verb is written once: the synchronous driver blocks at a step, the asynchronous one awaits it, and both send the
step's result into the generator, or throw its error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from vecdb.errors import Error
    from vecdb.proto.methods import Method

T = TypeVar("T")
Verb = Generator[Any, Any, T]


class Call:
    """One request, one response, which is the step's result. A write is not safe to repeat.

    The time is counted from `started` (of time.monotonic), for calls that share their time, or from now.
    """

    __slots__ = ("method", "request", "safe_to_repeat", "started", "timeout_seconds")

    def __init__(
        self,
        method: Method,
        request: Message,
        timeout_seconds: float | None,
        safe_to_repeat: bool = True,
        started: float | None = None,
    ) -> None:
        self.method = method
        self.request = request
        self.timeout_seconds = timeout_seconds
        self.safe_to_repeat = safe_to_repeat
        self.started = started


@dataclass(frozen=True, slots=True)
class CallInParts:
    """A request of several messages, which is carried out as one; its response is the step's result.

    `messages` makes them, once a try.
    """

    method: Method
    messages: Callable[[], Iterator[Message]]
    timeout_seconds: float | None


@dataclass(frozen=True, slots=True)
class Open:
    """A stream of messages; the step's result is a handle for the steps below. `request` is its only one, if not None.

    The driver cancels what is still open when the verb ends.
    """

    method: Method
    request: Message | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """One more message to the server."""

    stream: Any
    message: Message


@dataclass(frozen=True, slots=True)
class Finish:
    """No more messages to the server, which then ends the stream."""

    stream: Any


@dataclass(frozen=True, slots=True)
class Receive:
    """The next message from the server; None at the end. Timeout if it does not come in time."""

    stream: Any
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What is emitted from here on is fixed. A synchronous caller gets the iterator only now."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Items for the caller, one after the other."""

    items: list[Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Waits before the verb goes on after a refusal that is its `tries`-th; raises the error if it should give up."""

    error: Error
    tries: int
    safe_to_repeat: bool = False
