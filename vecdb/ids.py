"""User ids as bytes: a tag and a body, equal bytes exactly when the ids are the same id.

int 5 and numpy.int64(5) are one id, 5 and "5" are two. Integer ids sort by value, before str ids, before UUIDs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from vecdb import limits
from vecdb.errors import DuplicateId, InvalidId, InvalidType, LimitExceeded, brief

Id = int | str | UUID
IdBatch = Sequence[Id | np.integer] | npt.NDArray[np.generic]

_INTEGER: Final = b"\x01"  # then 8 bytes, big-endian
_TEXT: Final = b"\x02"  # then UTF-8
_UUID: Final = b"\x03"  # then 16 bytes
_INTEGER_BYTES: Final = 9
_UUID_BYTES: Final = 17
_SIGNED_INTEGERS: Final = frozenset((int, np.int64, np.int32))  # what int64 holds, or refuses loudly


def plain_id(value: object, row: int = 0) -> Id:
    """`value` as an exact int, str or UUID; InvalidId if it is not an id."""
    if isinstance(value, str):
        _encode_text(value, row)
        return str.__str__(value)
    if isinstance(value, UUID):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        number = int(value)
        if not 0 <= number <= limits.INTEGER_ID_MAXIMUM:
            raise InvalidId(row=row, reason=f"expected an int of 0 .. 2**63-1, received {brief(number)}")
        return number
    raise InvalidId(row=row, reason=f"expected an int, str or UUID, received {brief(value)} ({type(value).__name__})")


def encode_id(value: object, row: int = 0) -> bytes:
    """One id as bytes; InvalidId with `row` if it is not an id."""
    plain = plain_id(value, row)
    if isinstance(plain, str):
        return _encode_text(plain, row)
    if isinstance(plain, int):
        return _INTEGER + plain.to_bytes(8, "big")
    return _UUID + plain.bytes


def decode_id(encoded: bytes) -> Id:
    """The id that encode_id wrote; ValueError for bytes that it never writes."""
    tag, size_bytes = encoded[:1], len(encoded)
    if tag == _INTEGER and size_bytes == _INTEGER_BYTES:
        return int.from_bytes(encoded[1:], "big")
    if tag == _TEXT and size_bytes > 1:
        return encoded[1:].decode()
    if tag == _UUID and size_bytes == _UUID_BYTES:
        return UUID(bytes=encoded[1:])
    raise ValueError(f"not an encoded id: {brief(encoded)}")


def encode_ids(ids: IdBatch) -> list[bytes]:
    """One bytes a row; InvalidId names the first bad row, InvalidType a batch that is no sequence."""
    if isinstance(ids, np.ndarray):
        if ids.ndim != 1:
            raise InvalidType(argument="ids", expected=f"one dimension, not {ids.ndim}", received=ids)
        if ids.dtype.kind in "iu":
            return _encode_integers(ids)
        ids = ids.tolist()
    elif isinstance(ids, str | bytes | bytearray) or not isinstance(ids, Sequence):
        raise InvalidType(argument="ids", expected="a sequence or an array of ids", received=ids)
    kinds = set(map(type, ids))
    if kinds and kinds <= _SIGNED_INTEGERS:
        try:
            return _encode_integers(np.array(ids, dtype=np.int64))
        except OverflowError:
            pass  # the row by row pass below names the one that is too large
    elif kinds == {str}:
        return [_encode_text(text, row) for row, text in enumerate(ids)]
    return [encode_id(value, row) for row, value in enumerate(ids)]


def encode_within(ids: IdBatch, limit: str = "IDS_MAXIMUM", remedy: str = "") -> list[bytes]:
    """encode_ids(), and LimitExceeded for more than the bound of `vecdb.limits` that `limit` names."""
    encoded = encode_ids(ids)
    maximum = getattr(limits, limit)
    if len(encoded) > maximum:
        raise LimitExceeded(limit=limit, maximum=maximum, received=len(encoded), remedy=remedy)
    return encoded


def encode_distinct(ids: IdBatch, limit: str = "IDS_MAXIMUM", remedy: str = "") -> list[bytes]:
    """encode_within(), and DuplicateId for an id that comes a second time."""
    encoded = encode_within(ids, limit, remedy)
    require_distinct(encoded)
    return encoded


def require_distinct(encoded: Sequence[bytes]) -> None:
    """DuplicateId names the first id that comes a second time."""
    twice = first_duplicate(encoded)
    if twice is not None:
        raise DuplicateId(id=decode_id(encoded[twice[0]]), first_row=twice[0], second_row=twice[1])


def first_duplicate(encoded: Sequence[bytes]) -> tuple[int, int] | None:
    """Rows (i, j), i < j, of the first id that comes a second time, or None."""
    if len(set(encoded)) == len(encoded):
        return None
    first_rows: dict[bytes, int] = {}
    for row, key in enumerate(encoded):
        first_row = first_rows.setdefault(key, row)
        if first_row != row:
            return first_row, row
    raise AssertionError("a set dropped a key that a dict kept")


def _encode_integers(numbers: npt.NDArray[np.generic]) -> list[bytes]:
    refused = numbers < 0 if numbers.dtype.kind == "i" else numbers > np.uint64(limits.INTEGER_ID_MAXIMUM)  # type: ignore[operator]
    if refused.any():
        row = int(refused.argmax())
        plain_id(numbers[row], row)
    rows = np.empty((len(numbers), _INTEGER_BYTES), dtype=np.uint8)
    rows[:, 0] = _INTEGER[0]
    rows[:, 1:] = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
    # As void items, not as S9: a bytes dtype would strip trailing zeros.
    encoded: list[bytes] = rows.view(f"V{_INTEGER_BYTES}").ravel().tolist()
    return encoded


def _encode_text(text: str, row: int) -> bytes:
    try:
        body = text.encode()
    except UnicodeEncodeError:
        raise InvalidId(row=row, reason="a str with a lone surrogate has no UTF-8 form") from None
    if not 0 < len(body) <= limits.ID_BYTES:
        raise InvalidId(row=row, reason=f"expected 1 .. {limits.ID_BYTES} UTF-8 bytes, received {len(body)}")
    return _TEXT + body
