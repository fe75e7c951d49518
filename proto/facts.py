"""The facts of an error as a message of bounded size, without the server's folders; and back, their types checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

import numpy as np

from vecdb.errors import Error, InvalidArgument, brief
from vecdb.proto.convert.ids import id_from_message
from vecdb.proto.v1 import types_pb2

MESSAGE_BYTES: Final = 500  # of the message for people; percent-encoded it is three times as long at worst
DETAIL_BYTES: Final = 3_500  # in base64 a third longer; with the message and the rest below gRPC's 8 KiB of metadata


class Described(str):
    """The text of a value that was not sent itself; it shows as that text, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str.__str__(self)


def detail_of(kind: type[Error], error: Error) -> tuple[types_pb2.ErrorDetail, str]:
    """The detail of an error as one of `kind`, and its message; long texts are cut, of paths the last name is left."""
    facts = {name: getattr(error, name, None) for name in _fact_types(kind)}
    if "path" in facts or facts.keys() == {"what"}:  # Closed and Forked name a database or a file
        facts = {name: _without_folders(name, value) for name, value in facts.items()}
    detail = _detail(kind, facts, _TEXT_BYTES)
    if detail.ByteSize() > DETAIL_BYTES:
        detail = _detail(kind, facts, _SHORT_TEXT_BYTES)
    return detail, _cut(str(kind(**facts)), MESSAGE_BYTES)


def facts_of(kind: type[Error], detail: types_pb2.ErrorDetail) -> dict[str, Any] | None:
    """The facts to make a `kind` of; None if one is missing or of another type. Those not known here are left out."""
    types = _fact_types(kind)
    facts: dict[str, Any] = {}
    for fact in detail.facts:
        allowed = types.get(fact.name)
        if allowed is None:
            continue
        value = _value(fact, allowed)
        if value is _UNREADABLE or not isinstance(value, allowed) or (isinstance(value, bool) and allowed is not _ANY):
            return None
        facts[fact.name] = value
    return facts if _required(kind) <= facts.keys() else None


_TEXT_BYTES: Final = 1_024  # of one text; an id of any length fits
_SHORT_TEXT_BYTES: Final = 100  # of one text where many long ones come together
_TEXTS_MAXIMUM: Final = 16  # as many as a collection has vectors; a last one of "…" says that there were more

_ANY: Final = (object,)
_NONE: Final = type(None)
_UNREADABLE: Final = object()
# By the annotations in vecdb.errors; a new one there needs a line here.
_TYPES: Final[Mapping[object, tuple[type, ...]]] = {
    "object": _ANY,
    "str": (str,),
    "str | None": (str, _NONE),
    "int": (int,),
    "int | None": (int, _NONE),
    "int | str": (int, str),
    "float": (float, int),
    "float | None": (float, int, _NONE),
    "tuple[str, ...]": (tuple,),
}
_DIGITS: Final = re.compile(r"-?[0-9]{1,40}")
_QUOTED_PATH: Final = re.compile(r"(['\"])[^'\"]*/([^'\"/]*)\1")
_PATH: Final = re.compile(r"[^\s'\"]*/")


def _fact_types(kind: type[Error]) -> dict[str, tuple[type, ...]]:
    return {each.name: _TYPES[each.type] for each in fields(kind)}


def _required(kind: type[Error]) -> frozenset[str]:
    return frozenset(each.name for each in fields(kind) if each.default is MISSING)


def _detail(kind: type[Error], facts: Mapping[str, Any], text_bytes: int) -> types_pb2.ErrorDetail:
    detail = types_pb2.ErrorDetail(kind=kind.__name__)
    for name, value in facts.items():
        _write(detail.facts.add(name=name), value, text_bytes)
    return detail


def _write(fact: types_pb2.Fact, value: object, text_bytes: int) -> None:
    match value:
        case None:
            fact.none = True
        case bool():
            fact.boolean = value
        case int() | np.integer() if -(2**63) <= value < 2**63:
            fact.integer = int(value)
        case float() | np.floating():
            fact.number = float(value)
        case Described():
            fact.described = _cut(value, text_bytes)
        case str():
            fact.text = _cut(value, text_bytes)
        case UUID():
            fact.id.uuid = value.bytes
        case tuple() if all(isinstance(each, str) for each in value):
            shown = value if len(value) <= _TEXTS_MAXIMUM else (*value[: _TEXTS_MAXIMUM - 1], "…")
            fact.texts.values.extend([_cut(each, text_bytes) for each in shown])
        case _:
            fact.described = _cut(brief(value), text_bytes)


def _value(fact: types_pb2.Fact, allowed: tuple[type, ...]) -> object:
    match fact.WhichOneof("value"):
        case "none":
            return None
        case "text":
            return fact.text
        case "integer":
            return fact.integer
        case "number":
            return fact.number
        case "boolean":
            return fact.boolean
        case "texts":
            return tuple(fact.texts.values)
        case "id":
            try:
                return id_from_message(fact.id)
            except InvalidArgument:
                return _UNREADABLE
        case "described" if int in allowed and _DIGITS.fullmatch(fact.described):
            return int(fact.described)  # an integer of more than 64 bits
        case "described":
            return Described(fact.described)
    return _UNREADABLE


def _without_folders(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if name == "path":
        return PurePath(value).name or value
    return _PATH.sub("", _QUOTED_PATH.sub(r"\1\2\1", value))


def _cut(text: str, maximum_bytes: int) -> str:
    data = text[: maximum_bytes + 1].encode("utf-8", "backslashreplace")  # a lone surrogate has no UTF-8 form
    if len(data) <= maximum_bytes:
        return data.decode()
    return data[: maximum_bytes - 3].decode("utf-8", "ignore") + "…"
