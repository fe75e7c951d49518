"""Keys of the key-value store: a kind, the collection's number, then an id or a row; a prefix is a collection."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_ID: Final = b"i"  # encoded id -> row, u32 little-endian
_PAYLOAD: Final = b"p"  # row, u32 big-endian -> payload, JSON
_LONG_ID: Final = b"l"  # row, u32 big-endian -> encoded id too long for the row's head
KEY_KINDS: Final = (_ID, _PAYLOAD, _LONG_ID)
PREFIX_BYTES: Final = 5


class Keys:
    """The keys of one collection."""

    def __init__(self, collection: int) -> None:
        number = collection.to_bytes(4, "big")
        self.id_prefix = _ID + number
        self.payload_prefix = _PAYLOAD + number
        self.long_id_prefix = _LONG_ID + number

    def prefixes(self) -> list[bytes]:
        """Everything the collection has in the store."""
        return [self.id_prefix, self.payload_prefix, self.long_id_prefix]

    def ids(self, encoded: list[bytes]) -> list[bytes]:
        """Keys of encoded ids."""
        prefix = self.id_prefix
        return [prefix + each for each in encoded]

    def payloads(self, rows: npt.NDArray[np.uint32]) -> list[bytes]:
        """Keys of the payloads of rows."""
        prefix = self.payload_prefix
        return [prefix + each for each in _row_bytes(rows)]

    def long_ids(self, rows: npt.NDArray[np.uint32]) -> list[bytes]:
        """Keys of the long ids of rows."""
        prefix = self.long_id_prefix
        return [prefix + each for each in _row_bytes(rows)]


def row_of_key(key: bytes) -> int:
    """The row at the end of a payload or long-id key."""
    return int.from_bytes(key[PREFIX_BYTES:], "big")


def pack_rows(rows: npt.NDArray[np.uint32]) -> list[bytes]:
    """Row numbers as the values that id keys lead to."""
    packed: list[bytes] = np.ascontiguousarray(rows, "<u4").view("V4").tolist()
    return packed


def unpack_row(value: bytes) -> int:
    """The inverse for one value."""
    return int.from_bytes(value, "little")


def _row_bytes(rows: npt.NDArray[np.uint32]) -> list[bytes]:
    packed: list[bytes] = rows.astype(">u4").view("V4").tolist()
    return packed
