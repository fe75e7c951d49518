"""Ids of a batch: integers are packed as one field of bytes, whatever their number, and read as one array.

fill_ids writes into the place where the ids are sent from: a message given to another's constructor is copied by way of
its serialised bytes, which for many ids costs more than all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt

from vecdb import limits
from vecdb.errors import InvalidType, InvalidValue, LimitExceeded
from vecdb.ids import Id, IdBatch, plain_id
from vecdb.proto.v1 import types_pb2

Integers = npt.NDArray[np.int64]
IdsLimit = Literal["IDS_MAXIMUM", "BATCH_ROWS", "RESULTS_MAXIMUM"]

_INTEGER: Final = np.dtype("<i8")
_SIGNED_INTEGERS: Final = frozenset((int, np.int64, np.int32))
_MAXIMA: Final[dict[str, int]] = {
    "IDS_MAXIMUM": limits.IDS_MAXIMUM,
    "BATCH_ROWS": limits.BATCH_ROWS,
    "RESULTS_MAXIMUM": limits.RESULTS_MAXIMUM,
}


def ids_to_message(ids: IdBatch) -> types_pb2.Ids:
    """The message of a batch of ids, as fill_ids writes it."""
    message = types_pb2.Ids()
    fill_ids(message, ids)
    return message


def fill_ids(message: types_pb2.Ids, ids: IdBatch) -> None:
    """Writes ids into an empty message; InvalidType if they are no sequence, InvalidId for a row without a form here.

    It checks no more than that: negative integers and empty texts are sent, and refused by who reads them.
    """
    if isinstance(ids, np.ndarray):
        if ids.ndim != 1:
            raise InvalidType(argument="ids", expected=f"one dimension, not {ids.ndim}", received=ids)
        if ids.dtype.kind == "i" or (ids.dtype.kind == "u" and ids.max(initial=0) <= limits.INTEGER_ID_MAXIMUM):
            message.integers = ids.astype(_INTEGER, copy=False).tobytes()
            return
        ids = ids.tolist()
    elif isinstance(ids, str | bytes | bytearray) or not isinstance(ids, Sequence):
        raise InvalidType(argument="ids", expected="a sequence or an array of ids", received=ids)
    kinds = set(map(type, ids))
    try:
        if kinds <= _SIGNED_INTEGERS:
            message.integers = np.array(ids, dtype=_INTEGER).tobytes()
            return
        if kinds == {str}:
            message.texts.values.extend(cast("Sequence[str]", ids))
            return
    except (OverflowError, UnicodeEncodeError):
        message.Clear()  # the row by row pass below names the one at fault
    if kinds == {UUID}:
        message.uuids = b"".join([value.bytes for value in cast("Sequence[UUID]", ids)])
        return
    message.mixed.values.extend([id_to_message(value, row) for row, value in enumerate(ids)])


def ids_from_message(
    message: types_pb2.Ids, argument: str = "ids", limit: IdsLimit = "RESULTS_MAXIMUM"
) -> Integers | list[Id]:
    """The ids of a message, integers as a read-only (n,) int64 view; InvalidValue, or LimitExceeded above `limit`.

    The number is checked before ids are made. What the ids are (not negative, not too long) is not: encode_ids does it.
    """
    kind = message.WhichOneof("kind")
    if kind == "integers":
        data = message.integers
        _check_count(_items(data, 8, argument), limit)
        return np.frombuffer(data, dtype=_INTEGER)
    _check_count(ids_count(message, argument), limit)
    if kind == "texts":
        return list(message.texts.values)
    if kind == "uuids":
        data = message.uuids
        return [UUID(bytes=data[start : start + 16]) for start in range(0, len(data), 16)]
    if kind == "mixed":
        return [id_from_message(value, f"{argument}[{row}]") for row, value in enumerate(message.mixed.values)]
    return []


def ids_count(message: types_pb2.Ids, argument: str = "ids") -> int:
    """How many ids a message holds, without making them; InvalidValue if their bytes are no whole number."""
    match message.WhichOneof("kind"):
        case "integers":
            return _items(message.integers, 8, argument)
        case "texts":
            return len(message.texts.values)
        case "uuids":
            return _items(message.uuids, 16, argument)
        case "mixed":
            return len(message.mixed.values)
    return 0


def id_to_message(value: object, row: int = 0) -> types_pb2.Id:
    """The message of one id; InvalidId with `row` if it is not an id."""
    plain = plain_id(value, row)
    if isinstance(plain, int):
        return types_pb2.Id(integer=plain)
    if isinstance(plain, str):
        return types_pb2.Id(text=plain)
    return types_pb2.Id(uuid=plain.bytes)


def id_from_message(message: types_pb2.Id, argument: str = "id") -> Id:
    """The id of a message; InvalidValue if it holds none."""
    match message.WhichOneof("kind"):
        case "integer":
            return message.integer
        case "text":
            return message.text
        case "uuid":
            data = message.uuid
            if len(data) != 16:
                raise InvalidValue(argument=argument, expected="a uuid of 16 bytes", received=data)
            return UUID(bytes=data)
    raise InvalidValue(argument=argument, expected="an integer, a text or a uuid", received=None)


def _items(data: bytes, item_bytes: int, argument: str) -> int:
    count, rest = divmod(len(data), item_bytes)
    if rest:
        raise InvalidValue(argument=argument, expected=f"{item_bytes} bytes an id", received=f"{len(data)} bytes")
    return count


def _check_count(received: int, limit: IdsLimit) -> None:
    maximum = _MAXIMA[limit]
    if received > maximum:
        raise LimitExceeded(limit=limit, maximum=maximum, received=received)
