"""MANIFEST: the one file that says which state of the database is current; replaced as a whole at every checkpoint."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from vecdb.errors import Corrupted
from vecdb.storage.checked_file import read_checked, write_checked

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAGIC: Final = b"VECDBMAN"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """The generation of one vector's index that is current, and its file below the collection's folder."""

    generation: int
    file: str


@dataclass(frozen=True, slots=True)
class CollectionEntry:
    """One collection as of the checkpoint."""

    number: int
    name: str
    schema: dict[str, Json]
    next_row: int = 0  # rows 0 .. next_row - 1 are in the row files
    state_file: str | None = None  # a checked file below the collection's folder
    indexes: Mapping[str, IndexEntry] = field(default_factory=dict)  # by vector name
    state: dict[str, Json] = field(default_factory=dict)  # what the collection itself keeps here


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The database as of journal sequence `sequence`: everything after it is redone from the journal."""

    sequence: int = 0
    next_collection: int = 1
    collections: tuple[CollectionEntry, ...] = ()
    state: dict[str, Json] = field(default_factory=dict)


def manifest_path(folder: str | Path) -> Path:
    """Where a database keeps its manifest."""
    return Path(folder) / "MANIFEST"


def store_manifest(folder: str | Path, manifest: Manifest) -> None:
    """Replaces the manifest of the database at `folder`, atomically and durably. StorageFull, StorageFailed."""
    body = {
        "sequence": manifest.sequence,
        "next_collection": manifest.next_collection,
        "collections": [_collection_body(entry) for entry in manifest.collections],
        "state": manifest.state,
    }
    write_checked(manifest_path(folder), MAGIC, VERSION, [orjson.dumps(body)])


def load_manifest(folder: str | Path) -> Manifest:
    """The current manifest. Corrupted, also if there is none; VersionMismatch, StorageFailed."""
    path = manifest_path(folder)
    sections = read_checked(path, MAGIC, VERSION)
    try:
        with _collector_paused():
            body = orjson.loads(sections[0])
            return Manifest(
                sequence=body["sequence"],
                next_collection=body["next_collection"],
                collections=tuple(_collection_entries(body["collections"])),
                state=body["state"],
            )
    except (LookupError, TypeError, ValueError) as error:
        raise Corrupted(path=str(path), detail=f"not a manifest: {error!r}") from error


def _collection_body(entry: CollectionEntry) -> list[Any]:
    indexes = {name: [index.generation, index.file] for name, index in entry.indexes.items()}
    return [entry.number, entry.name, entry.schema, entry.next_row, entry.state_file, indexes, entry.state]


def _collection_entries(bodies: list[list[Any]]) -> Iterator[CollectionEntry]:
    # By position: half the time of keywords, and there may be 10,000.
    for number, name, schema, next_row, state_file, files, state in bodies:
        indexes = {vector: IndexEntry(generation, file) for vector, (generation, file) in files.items()}
        yield CollectionEntry(number, name, schema, next_row, state_file, indexes, state)


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    # The collector would walk the growing tree of 10,000 collections again and again: three quarters of the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
