"""vecdb.json_bytes by the standard library, held to the same rules."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import chain
from math import isfinite
from typing import Any, Final, NoReturn


def loads(text: bytes | bytearray | memoryview | str, /) -> Any:
    """The value of a JSON text. ValueError."""
    if isinstance(text, str):
        text.encode()  # no lone surrogates
    else:
        text = str(text, "utf-8")
    try:
        value = _DECODER.decode(text)
        if _SURROGATE.search(text):
            _ENCODER.encode(value).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def dumps(value: Any) -> bytes:
    """The JSON text of a value. ValueError."""
    return dumps_each([value])[0]


def dumps_each(values: Sequence[Any]) -> list[bytes]:
    """The JSON texts of many values. ValueError."""
    try:
        texts = [_ENCODER.encode(value).encode() for value in values]
    except TypeError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _require_plain(values)
    return texts


_DEPTH_MAXIMUM: Final = 254
_INTEGER_DIGITS: Final = 20  # a longer number, with its sign, is wider than 64 bits
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SCALARS: Final = frozenset((str, int, float, bool, type(None)))
_CONTAINERS: Final = frozenset((dict, list, tuple))
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _require_plain(values: Sequence[Any]) -> None:
    """ValueError for what the encoder lets pass: other keys, wide integers, subclasses. A level of all at a time."""
    level = list(values)
    for _ in range(_DEPTH_MAXIMUM + 1):
        kinds = set(map(type, level))
        if strange := kinds - _SCALARS - _CONTAINERS:
            raise ValueError(f"not JSON: {', '.join(sorted(kind.__name__ for kind in strange))}")
        if int in kinds:
            numbers = [value for value in level if value.__class__ is int]
            if min(numbers) < -(2**63) or max(numbers) >= 2**64:
                raise ValueError("an integer of more than 64 bits")
        if not kinds & _CONTAINERS:
            return
        dicts = [value for value in level if value.__class__ is dict]
        if set(map(type, chain.from_iterable(dicts))) - {str}:
            raise ValueError("a key that is not a str")
        lists = [value for value in level if value.__class__ is list or value.__class__ is tuple]
        level = [*chain.from_iterable(lists), *chain.from_iterable(each.values() for each in dicts)]
    raise ValueError("nested too deeply")


def _integer(digits: str) -> int | float:
    if len(digits) <= _INTEGER_DIGITS:
        number = int(digits)
        if -(2**63) <= number < 2**64:
            return number
    return _float(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number beyond the range of a float")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refuse)
