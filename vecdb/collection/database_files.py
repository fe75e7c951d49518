"""Which files a database consists of, as its manifest names them: everything but the journal and the locks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from vecdb.native.heads import HEAD_BYTES
from vecdb.schema import CollectionSchema
from vecdb.storage.manifest import CollectionEntry, Manifest
from vecdb.storage.row_file import HEADER_BYTES
from vecdb.storage.rows import chunk_shift_of

FORMAT_NAME: Final = "FORMAT"
MANIFEST_NAME: Final = "MANIFEST"
STORE_FOLDER: Final = "kv"

# RocksDB keeps a lock, a log for people, and settings of its binding beside these; each is made anew where it lacks.
_STORE_FILE = re.compile(r"CURRENT|IDENTITY|(MANIFEST|OPTIONS)-[0-9]{6,}|[0-9]{6,}\.(sst|log)")


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """A file below the database's folder. `bytes` None: all of it; else `zeros` more follow, rows that do not count."""

    name: str
    bytes: int | None = None
    zeros: int = 0


def database_files(manifest: Manifest) -> Iterator[DatabaseFile]:
    """Every file that the manifest needs, itself included, but for the store's. InvalidSchema."""
    yield DatabaseFile(FORMAT_NAME)
    yield DatabaseFile(MANIFEST_NAME)
    for entry in manifest.collections:
        folder = collection_folder(entry)
        if entry.state_file is not None:
            yield DatabaseFile(f"{folder}/{entry.state_file}")
        for index in entry.indexes.values():
            yield DatabaseFile(f"{folder}/{index.file}")
        if entry.next_row:
            schema = CollectionSchema.from_json(orjson.dumps(entry.schema))
            yield from _row_files(f"{folder}/rows/heads", HEAD_BYTES, entry.next_row)
            for name, vector in schema.vectors.items():
                yield from _row_files(f"{folder}/rows/v{name}", vector.row_bytes, entry.next_row)


def collection_folder(entry: CollectionEntry) -> str:
    """Where a collection has its files."""
    return f"collections/{entry.number}"


def is_store_file(name: str) -> bool:
    """Whether the store needs the file of this name in its folder."""
    return _STORE_FILE.fullmatch(name) is not None


def _row_files(stem: str, row_bytes: int, rows: int) -> Iterator[DatabaseFile]:
    rows_per_chunk = 1 << chunk_shift_of(row_bytes)
    for chunk, first in enumerate(range(0, rows, rows_per_chunk)):
        used = min(rows - first, rows_per_chunk)
        yield DatabaseFile(f"{stem}-{chunk}.rows", HEADER_BYTES + used * row_bytes, (rows_per_chunk - used) * row_bytes)
