"""The beginning of a stream from the server: opened, and its first message received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecdb.client.steps import Open, Pause, Receive, Verb
from vecdb.errors import Overloaded, Unavailable

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from vecdb.proto.methods import Method


def first_message(method: Method, request: Message) -> Verb[tuple[Any, Any]]:
    """Verb: the stream and its first message, None if there is none. Until then it may be asked for again."""
    tries = 0
    while True:
        stream = yield Open(method, request)
        try:
            return stream, (yield Receive(stream))
        except (Overloaded, Unavailable) as error:
            tries += 1
            yield Pause(error, tries, safe_to_repeat=True)
