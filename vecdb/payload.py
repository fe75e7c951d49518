"""Payloads as strict JSON bytes, with the declared fields checked; InvalidPayload names the row and the path (a.b[3]).

A payload is a dict with str keys of str, int, float, bool, None, lists and dicts, at most PAYLOAD_DEPTH deep and
PAYLOAD_BYTES long; None is an empty one. Subclasses and numpy scalars are stored as the plain value they hold. Refused
is what JSON would change or lose: NaN and infinity, tuples, sets, bytes, datetimes (store isoformat()), other keys than
str, lone surrogates, integers outside -2**63 .. 2**64-1.

A declared field may be missing or None. Otherwise it is one value of its type or a list of them: keyword is str;
integer is an int of 64 signed bits; float is a float, or an int that a float holds exactly; boolean is bool; datetime
is an ISO 8601 str. A dotted name is a path through nested dicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from math import isfinite
from operator import methodcaller
from typing import Any, Final, TypeGuard, cast

import numpy as np

from vecdb import limits
from vecdb.errors import InvalidPayload, InvalidType, brief
from vecdb.instant import all_instants, parse_instant
from vecdb.json_bytes import dumps, dumps_each, loads
from vecdb.schema import FieldType

MISSING: Final = object()  # what field_value gives for a path that is not there


def encode_payloads(
    payloads: Sequence[Mapping[str, Any] | None], fields: Mapping[str, FieldType] | None = None
) -> list[bytes]:
    """One JSON text a payload; InvalidPayload names the first bad row."""
    if isinstance(payloads, str | bytes | Mapping) or not isinstance(payloads, Sequence):
        raise InvalidType(argument="payloads", expected="a sequence of dicts", received=payloads)
    declared = fields or {}
    if _is_plain(payloads) and all(_column_is_plain(payloads, name, kind) for name, kind in declared.items()):
        try:
            encoded = dumps_each(payloads)
        except ValueError:
            pass  # a key, a surrogate or a large integer: the row by row pass below names it
        else:
            if max(map(len, encoded), default=0) <= limits.PAYLOAD_BYTES:
                return encoded
    return [encode_payload(payload, row, declared) for row, payload in enumerate(payloads)]


def encode_payload(
    payload: Mapping[str, Any] | None, row: int = 0, fields: Mapping[str, FieldType] | None = None
) -> bytes:
    """The JSON text of one payload; InvalidPayload with `row` if it is refused."""
    if payload is None:
        return b"{}"
    if not isinstance(payload, dict):
        raise InvalidPayload(row=row, field="", reason=f"expected a dict, received {_described(payload)}")
    plain = _PlainCopy(row).of_dict(payload, "", depth=1)
    check_fields(plain, fields or {}, row)
    encoded = dumps(plain)
    if len(encoded) > limits.PAYLOAD_BYTES:
        reason = f"expected at most {limits.PAYLOAD_BYTES} bytes of JSON, received {len(encoded)}"
        raise InvalidPayload(row=row, field="", reason=reason)
    return encoded


def decode_payload(encoded: bytes) -> dict[str, Any]:
    """The payload that encode_payload wrote; ValueError for anything else."""
    payload = loads(encoded)
    if not isinstance(payload, dict):
        raise ValueError(f"not an encoded payload: {brief(encoded)}")
    return payload


def check_fields(payload: Mapping[str, Any], fields: Mapping[str, FieldType], row: int = 0) -> None:
    """InvalidPayload if a declared field of a plain payload holds a value of another type."""
    for name, kind in fields.items():
        value = field_value(payload, tuple(name.split(".")))
        if value is MISSING or value is None:
            continue
        if not isinstance(value, list):
            _check_value(value, kind, row, name)
            continue
        for position, element in enumerate(value):
            _check_value(element, kind, row, f"{name}[{position}]")


def field_value(payload: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path through nested dicts, or MISSING."""
    value: Any = payload
    for name in path:
        if not isinstance(value, dict):
            return MISSING
        value = value.get(name, MISSING)
    return value


_VALUES_MAXIMUM: Final = limits.PAYLOAD_BYTES // 2  # a value and its separator take two bytes of text
_LEVEL_VALUES_MAXIMUM: Final = 4 * limits.PAYLOAD_BYTES
_PLAIN_KINDS: Final = frozenset((str, int, float, bool, type(None), list, dict))
_FIELD_KINDS: Final[dict[FieldType, frozenset[type]]] = {
    "keyword": frozenset((str, type(None))),
    "integer": frozenset((int, type(None))),
    "float": frozenset((float, type(None))),
    "boolean": frozenset((bool, type(None))),
    "datetime": frozenset((str, type(None))),
}
_EXPECTED: Final[dict[FieldType, str]] = {
    "keyword": "a str or a list of str",
    "integer": "an int of 64 signed bits or a list of them",
    "float": "a float, an int that a float holds exactly, or a list of them",
    "boolean": "a bool or a list of bool",
    "datetime": "an ISO 8601 datetime or a list of them",
}
_dict_values = methodcaller("values")


def _is_plain(payloads: Sequence[Any]) -> TypeGuard[Sequence[dict[str, Any]]]:
    """True if every value is one that JSON keeps, apart from what the encoder itself refuses; False if in doubt.

    One level of all payloads at a time, so that a batch costs a few passes in C and not a call per value.
    """
    if set(map(type, payloads)) - {dict}:
        return False
    dicts: Sequence[dict[str, Any]] = payloads
    lists: list[list[Any]] = []
    for _ in range(limits.PAYLOAD_DEPTH):
        values = [*chain.from_iterable(map(_dict_values, dicts)), *chain.from_iterable(lists)]
        kinds = set(map(type, values))
        if not kinds <= _PLAIN_KINDS:
            return False
        # A sum is finite only if all its terms are; one that overflows is looked at value by value.
        if float in kinds and not isfinite(sum([value for value in values if value.__class__ is float])):
            return False
        if list not in kinds and dict not in kinds:
            return True
        # Lists that share their elements double with every level: leave those to the pass with a budget per row.
        if len(values) > _LEVEL_VALUES_MAXIMUM:
            return False
        dicts = [value for value in values if value.__class__ is dict]
        lists = [value for value in values if value.__class__ is list]
    return False


def _column_is_plain(payloads: Sequence[dict[str, Any]], name: str, kind: FieldType) -> bool:
    """True if the field is surely of its type in all payloads; False if in doubt."""
    if "." in name:
        path = tuple(name.split("."))
        found = [field_value(payload, path) for payload in payloads]
        column = [None if value is MISSING else value for value in found]
    else:
        column = [payload.get(name) for payload in payloads]
    kinds = set(map(type, column))
    if list in kinds:
        elements = [value for value in column if value.__class__ is list]
        if None in chain.from_iterable(elements):
            return False
        column = [value for value in column if value.__class__ is not list]
        column.extend(chain.from_iterable(elements))
        kinds = set(map(type, column))
    if not kinds <= _FIELD_KINDS[kind]:
        return False
    if kind == "integer":
        numbers = [value for value in column if value is not None]
        return not numbers or (min(numbers) >= -(2**63) and max(numbers) < 2**63)
    if kind == "datetime":
        return all_instants([value for value in column if value is not None])
    return True


def _check_value(value: object, kind: FieldType, row: int, place: str) -> None:
    match kind:
        case "keyword":
            fits = isinstance(value, str)
        case "integer":
            fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case "float":
            whole = isinstance(value, int) and not isinstance(value, bool)
            fits = isinstance(value, float) or (whole and float(cast(int, value)) == value)
        case "boolean":
            fits = isinstance(value, bool)
        case "datetime":
            fits = isinstance(value, str) and parse_instant(value) is not None
    if not fits:
        reason = f"{kind} field, expected {_EXPECTED[kind]}, received {_described(value)}"
        raise InvalidPayload(row=row, field=place, reason=reason)


class _PlainCopy:
    """Copies one payload value by value, so that what is refused is named and what is accepted is plain JSON."""

    def __init__(self, row: int) -> None:
        self._row = row
        self._values_left = _VALUES_MAXIMUM

    def of_dict(self, value: dict[Any, Any], place: str, depth: int) -> dict[str, Any]:
        self._check_depth(place, depth)
        plain: dict[str, Any] = {}
        for key, element in value.items():
            if not isinstance(key, str):
                raise self._refusal(place, f"expected keys that are str, received {_described(key)}")
            name = self._of_text(key, place)
            plain[name] = self._of_value(element, f"{place}.{name}" if place else name, depth)
        return plain

    def _of_list(self, value: list[Any], place: str, depth: int) -> list[Any]:
        self._check_depth(place, depth)
        return [self._of_value(element, f"{place}[{position}]", depth) for position, element in enumerate(value)]

    def _of_value(self, value: Any, place: str, depth: int) -> Any:
        self._values_left -= 1
        if self._values_left < 0:
            raise self._refusal("", f"expected at most {_VALUES_MAXIMUM} values")
        if isinstance(value, np.bool_ | np.integer | np.floating):
            value = value.item()
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._of_text(value, place)
        if isinstance(value, int):
            if not -(2**63) <= value < 2**64:
                raise self._refusal(place, f"expected an integer of 64 bits, received {brief(value)}")
            return int(value)
        if isinstance(value, float):
            if not isfinite(value):
                raise self._refusal(place, f"{value} is not JSON")
            return float(value)
        if isinstance(value, dict):
            return self.of_dict(value, place, depth + 1)
        if isinstance(value, list):
            return self._of_list(value, place, depth + 1)
        raise self._refusal(place, f"not JSON: {_described(value)}{_remedy(value)}")

    def _of_text(self, value: str, place: str) -> str:
        text = str.__str__(value)  # of a subclass, such as a str Enum, the text and not its representation
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self._refusal(place, "a lone surrogate has no UTF-8 form") from None
        return text

    def _check_depth(self, place: str, depth: int) -> None:
        if depth > limits.PAYLOAD_DEPTH:
            raise self._refusal(place, f"nested more than {limits.PAYLOAD_DEPTH} deep")

    def _refusal(self, place: str, reason: str) -> InvalidPayload:
        return InvalidPayload(row=self._row, field=place, reason=reason)


def _described(value: object) -> str:
    return f"{brief(value)} ({type(value).__name__})"


def _remedy(value: object) -> str:
    if isinstance(value, tuple | set | frozenset):
        return "; pass a list"
    if isinstance(value, np.ndarray):
        return "; pass tolist()"
    return "; pass isoformat()" if hasattr(value, "isoformat") else ""
