"""One JSON object a line, and ids in JSON: an int, a str, or {"$uuid": "..."} for a UUID."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from vecdb import limits
from vecdb.exchange.refusal import line_of, refused
from vecdb.ids import Id

_UUID_KEY: Final = "$uuid"
_TEXT_BYTES: Final = 8 * (limits.PAYLOAD_BYTES + limits.ID_BYTES)  # escaped and spaced out, a text may grow
_NUMBER_BYTES: Final = 40
_CHUNK_BYTES: Final = 1 << 20
_ZEROS: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER: Final = b"0" * 19  # an integer of fewer digits has 64 bits at most


def json_objects(path: Path, keys: frozenset[str], numbers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The object of each line, with the bytes of the line: it has an "id" and no other key than `keys`.

    A line holds at most `numbers` numbers besides its id and payload; a longer one is refused before it is read.
    """
    line_bytes = _TEXT_BYTES + numbers * _NUMBER_BYTES
    with path.open("rb") as file:
        row = 0
        while text := file.readline(line_bytes + 1):
            if len(text) > line_bytes:
                raise refused(line_of(path, row), f"at most {line_bytes} bytes", text[:80])
            yield len(text), _json_object(text, keys, path, row)
            row += 1


def line_count(path: Path) -> int:
    """Lines of a file, the last of them with or without its end. OSError."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def parsed(text: bytes) -> Any:
    """The value of a JSON text, its integers exact whatever their size. ValueError."""
    value = orjson.loads(text)
    if _LONG_NUMBER in text.translate(_ZEROS):
        # The fast parser makes such integers floats, and what comes after would not notice.
        try:
            return json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return value


def id_to_json(value: Id) -> int | str | dict[str, str]:
    """What id_from_json reads back."""
    return {_UUID_KEY: str(value)} if isinstance(value, UUID) else value


def id_from_json(value: Any, place: str) -> Any:
    """The id of a line; what is no id at all is left for the collection to refuse."""
    if not isinstance(value, dict):
        return value
    text = value.get(_UUID_KEY)
    if len(value) != 1 or not isinstance(text, str):
        raise refused(place, f'an id, or {{"{_UUID_KEY}": "..."}},', value)
    try:
        return UUID(text)
    except ValueError:
        raise refused(place, "the text of a UUID", text) from None


def _json_object(text: bytes, keys: frozenset[str], path: Path, row: int) -> dict[str, Any]:
    try:
        found = parsed(text)
    except ValueError as error:
        raise refused(line_of(path, row), f"a JSON object ({error})", text) from None
    if not isinstance(found, dict) or "id" not in found:
        raise refused(line_of(path, row), 'a JSON object with an "id"', found)
    if not found.keys() <= keys:
        raise refused(line_of(path, row), f"no other keys than {', '.join(sorted(keys))}", sorted(found.keys() - keys))
    return found
