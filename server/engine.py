"""What every service works on: the database, the limits of this server, and the bytes under way."""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from vecdb.collection.collection import Collection
from vecdb.collection.reply_bytes import reply_too_large
from vecdb.database import Database
from vecdb.errors import CollectionNotFound, InvalidValue, LimitExceeded
from vecdb.limits import MESSAGE_FIELDS
from vecdb.proto.field_count import field_count
from vecdb.proto.v1 import types_pb2
from vecdb.server.admission import ByteBudget
from vecdb.server.settings import ServerSettings

# Those of vecdb.limits that a server may be told to lower.
OWN_LIMITS: Final = ("K_MAXIMUM", "QUERIES_MAXIMUM", "BATCH_ROWS", "BATCH_BYTES", "EF_MAXIMUM", "MESSAGE_BYTES")

_FIELD_BYTES: Final = 2  # the least that a field takes

AnyMessage = TypeVar("AnyMessage", bound=Message)


class Engine:
    """The open database behind the services."""

    def __init__(self, database: Database, settings: ServerSettings, in_flight: ByteBudget) -> None:
        self.database = database
        self.settings = settings
        self.in_flight = in_flight
        self._maxima = {limit: getattr(settings, limit.lower()) for limit in OWN_LIMITS}

    def collection(self, ref: types_pb2.CollectionRef) -> Collection:
        """The collection a request means. CollectionNotFound, also when it is another one of that name by now."""
        found = self.database[ref.name]
        if ref.number and found.number != ref.number:
            raise CollectionNotFound(name=ref.name)
        return found

    def check_reply(self, size: int) -> None:
        """LimitExceeded for a reply above the message limit."""
        if size > self.settings.message_bytes:
            raise reply_too_large(self.settings.message_bytes, size)

    def check_at_most(self, limit: str, received: int) -> None:
        """LimitExceeded above a limit of this server: k, queries, rows of a batch."""
        if received > self._maxima[limit]:
            raise LimitExceeded(limit=limit, maximum=self._maxima[limit], received=received)


def parsed(kind: type[AnyMessage], data: bytes) -> AnyMessage:
    """The request as a message. InvalidValue for bytes that are none, LimitExceeded for too many fields."""
    if len(data) > _FIELD_BYTES * MESSAGE_FIELDS:
        count = field_count(kind, data, MESSAGE_FIELDS)
        if count > MESSAGE_FIELDS:
            remedy = "send fewer ids, filters or values at a time"
            raise LimitExceeded(limit="MESSAGE_FIELDS", maximum=MESSAGE_FIELDS, received=count, remedy=remedy)
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError):
        expected = f"a message {message.DESCRIPTOR.full_name}"
        raise InvalidValue(argument="request", expected=expected, received=f"{len(data)} other bytes") from None
    return message
