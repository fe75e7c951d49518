"""Payloads of a batch as one JSON array: joined from encoded objects on one side, one parse on the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecdb import json_bytes
from vecdb.errors import InvalidPayload, InvalidValue, brief


def payloads_to_bytes(texts: Sequence[bytes]) -> bytes:
    """The JSON array of payloads that are encoded already (encode_payloads), one JSON object each."""
    return b"[%b]" % b",".join(texts)


def payloads_from_bytes(data: bytes, count: int, argument: str = "payloads") -> list[dict[str, Any] | None]:
    """`count` payloads of a JSON array, None where it has null, and all None if there are no bytes.

    InvalidValue if it is no JSON array of that length, InvalidPayload for an element that is no object. The objects are
    what JSON holds: their depth, size and fields are for encode_payloads to check.
    """
    if not data:
        return [None] * count
    payloads = _parsed(data, argument)
    if not isinstance(payloads, list):
        raise InvalidValue(argument=argument, expected="a JSON array", received=payloads)
    if len(payloads) != count:
        raise InvalidValue(argument=argument, expected=f"{count} payloads, one a row", received=len(payloads))
    if not set(map(type, payloads)) <= _ELEMENTS:
        row = next(row for row, payload in enumerate(payloads) if type(payload) not in _ELEMENTS)
        reason = f"expected a JSON object or null, received {brief(payloads[row])}"
        raise InvalidPayload(row=row, field="", reason=reason)
    return payloads


def object_from_bytes(data: bytes, argument: str) -> dict[str, Any]:
    """One JSON object, empty if there are no bytes; InvalidValue for anything else."""
    if not data:
        return {}
    value = _parsed(data, argument)
    if not isinstance(value, dict):
        raise InvalidValue(argument=argument, expected="a JSON object", received=value)
    return value


_ELEMENTS = frozenset((dict, type(None)))


def _parsed(data: bytes, argument: str) -> Any:
    try:
        return json_bytes.loads(data)
    except ValueError as error:
        raise InvalidValue(argument=argument, expected="JSON", received=str(error)) from None
