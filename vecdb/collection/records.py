"""The changes a journal holds, and their bytes. A record carries row numbers: redone twice, it changes no more."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

RowNumbers = npt.NDArray[np.uint32]

CREATE: Final = 1
DROP: Final = 2
UPSERT: Final = 3
UPDATE: Final = 4
DELETE: Final = 5


@dataclass(frozen=True, slots=True)
class Create:
    """A new collection; `schema` is CollectionSchema.to_json()."""

    collection: int
    schema: bytes

    def parts(self) -> list[bytes | memoryview]:
        """The record's bytes."""
        return _joined(self.collection, [self.schema])


@dataclass(frozen=True, slots=True)
class Drop:
    """A collection and all its rows are gone."""

    collection: int

    def parts(self) -> list[bytes | memoryview]:
        """The record's bytes."""
        return _joined(self.collection, [])


@dataclass(frozen=True, slots=True)
class Upsert:
    """New rows, and the rows they replace. `vectors`: one (n, row bytes) uint8 array for each vector of the schema."""

    collection: int
    rows: RowNumbers
    retired: RowNumbers
    ids: list[bytes]
    payloads: list[bytes]
    vectors: list[npt.NDArray[np.uint8]]

    def parts(self) -> list[bytes | memoryview]:
        """The record's bytes."""
        return _joined(
            self.collection,
            [self.rows, self.retired, *_packed(self.ids), *_packed(self.payloads), *self.vectors],
        )


@dataclass(frozen=True, slots=True)
class Update:
    """Other payloads for rows that stay as they are."""

    collection: int
    rows: RowNumbers
    payloads: list[bytes]

    def parts(self) -> list[bytes | memoryview]:
        """The record's bytes."""
        return _joined(self.collection, [self.rows, *_packed(self.payloads)])


@dataclass(frozen=True, slots=True)
class Delete:
    """Rows retired, with their ids."""

    collection: int
    rows: RowNumbers
    ids: list[bytes]

    def parts(self) -> list[bytes | memoryview]:
        """The record's bytes."""
        return _joined(self.collection, [self.rows, *_packed(self.ids)])


Change = Create | Drop | Upsert | Update | Delete
KINDS: Final[dict[type[Change], int]] = {Create: CREATE, Drop: DROP, Upsert: UPSERT, Update: UPDATE, Delete: DELETE}


def decode(kind: int, body: memoryview) -> Change:
    """The change that parts() wrote; ValueError for anything else."""
    try:
        collection, sections = _split(body)
        return _DECODERS[kind](collection, sections)
    except (KeyError, IndexError, TypeError, struct.error) as error:
        raise ValueError(f"not a record of kind {kind}: {error!r}") from error


def _decode_upsert(collection: int, sections: list[memoryview]) -> Change:
    rows = _rows(sections[0])
    vectors = [np.frombuffer(section, np.uint8).reshape(len(rows), -1) for section in sections[6:]]
    return Upsert(collection, rows, _rows(sections[1]), _unpacked(*sections[2:4]), _unpacked(*sections[4:6]), vectors)


_DECODERS: Final[dict[int, Callable[[int, list[memoryview]], Change]]] = {
    CREATE: lambda collection, sections: Create(collection, bytes(sections[0])),
    DROP: lambda collection, _: Drop(collection),
    UPSERT: _decode_upsert,
    UPDATE: lambda collection, sections: Update(collection, _rows(sections[0]), _unpacked(*sections[1:3])),
    DELETE: lambda collection, sections: Delete(collection, _rows(sections[0]), _unpacked(*sections[1:3])),
}


def _joined(collection: int, sections: list[object]) -> list[bytes | memoryview]:
    """collection u32, section count u32, section sizes u64, then the sections."""
    views = [memoryview(section).cast("B") if len(section) else b"" for section in sections]  # type: ignore[arg-type]
    header = struct.pack(f"<II{len(views)}Q", collection, len(views), *map(len, views))
    return [header, *views]


def _split(body: memoryview) -> tuple[int, list[memoryview]]:
    collection, count = struct.unpack_from("<II", body)
    sizes = struct.unpack_from(f"<{count}Q", body, 8)
    place = 8 + 8 * count
    if place + sum(sizes) != len(body):
        raise ValueError(f"sections of {sum(sizes)} bytes in a record of {len(body)}")
    sections = []
    for size in sizes:
        sections.append(body[place : place + size])
        place += size
    return collection, sections


def _rows(section: memoryview) -> RowNumbers:
    return np.frombuffer(section, np.uint32)


def _packed(items: list[bytes]) -> list[object]:
    return [np.fromiter(map(len, items), np.uint32, len(items)), b"".join(items)]


def _unpacked(sizes: memoryview, joined: memoryview) -> list[bytes]:
    ends = np.cumsum(np.frombuffer(sizes, np.uint32), dtype=np.int64).tolist()
    text = bytes(joined)
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
