"""From a snapshot to a database again: unpack, check, and only then give it its name."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from vecdb.collection.catalog import MASK_MAGIC, MASK_VERSION, position_of
from vecdb.collection.database_files import (
    FORMAT_NAME,
    MANIFEST_NAME,
    STORE_FOLDER,
    collection_folder,
    database_files,
    is_store_file,
)
from vecdb.errors import Corrupted, InvalidValue, VersionMismatch, brief
from vecdb.index.graph_file import MAGIC as GRAPH_MAGIC
from vecdb.index.graph_file import VERSION as GRAPH_VERSION
from vecdb.progress import Report
from vecdb.schema import CollectionSchema
from vecdb.storage.archive import ArchiveEntry, unpack
from vecdb.storage.checked_file import read_checked
from vecdb.storage.disk import disk_error, sync_folder
from vecdb.storage.format_file import check_format
from vecdb.storage.journal import Journal
from vecdb.storage.key_value import RocksKeyValue
from vecdb.storage.manifest import CollectionEntry, Manifest, load_manifest

_ROWS_MAXIMUM: Final = 2**32
_COLLECTION_FILE = re.compile(r"collections/[1-9][0-9]{0,9}/(live-[0-9]+\.mask|rows/.+\.rows|index/.+\.graph)")


def restore_folder(source: Path, target: Path, report: Report | None) -> None:
    """Makes the database of the snapshot `source` at `target`, which is not there or an empty folder; durable.

    Corrupted, VersionMismatch, StorageFull, StorageFailed: nothing is left. `report` gets (done, total) bytes.
    """
    target = Path(os.path.realpath(target))
    _check_vacant(target)
    stage = target.parent / f".vecdb-restore-{secrets.token_hex(4)}"
    try:
        stage.mkdir()
        entries = unpack(source, stage, accepts=_is_database_file, report=report)
        manifest = _checked(source, stage, entries)
        _complete(stage, manifest)
        if target.exists():
            shutil.copymode(target, stage)
        try:
            os.rename(stage, target)
        except OSError:
            _check_vacant(target)  # something else may have come there meanwhile
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise disk_error(target, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _check_vacant(target: Path) -> None:
    """InvalidValue unless a folder can be given this name."""
    expected = ""
    if not target.parent.is_dir():
        expected = "a path in a folder that is there"
    elif os.path.ismount(target):
        expected = "a folder inside this one, which is a mount point"
    elif os.path.lexists(target) and not (target.is_dir() and not os.listdir(target)):
        expected = "a path where nothing is yet, or an empty folder"
    if expected:
        raise InvalidValue(argument="path", expected=expected, received=str(target))


def _is_database_file(name: str) -> bool:
    if name in (FORMAT_NAME, MANIFEST_NAME) or _COLLECTION_FILE.fullmatch(name):
        return True
    folder, _, file = name.rpartition("/")
    return folder == STORE_FOLDER and is_store_file(file)


def _checked(source: Path, stage: Path, entries: list[ArchiveEntry]) -> Manifest:
    """The manifest of what was unpacked, if it and the store and all files that it names can be a database.

    Checksums hold here, but were made by whoever made the snapshot: names and numbers may be anything before they have
    been looked at. Whether rows, payloads and links are right is a question for verify(). Corrupted, VersionMismatch.
    """
    try:
        return _manifest_of(stage, entries)
    except VersionMismatch as error:
        raise VersionMismatch(path=str(source), found=error.found, supported=error.supported) from error
    except Corrupted as error:
        detail = f"it holds no database: {Path(error.path).name}: {error.detail}"
        raise Corrupted(path=str(source), detail=detail) from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise Corrupted(path=str(source), detail=f"it holds no database: {error}") from error


def _manifest_of(stage: Path, entries: list[ArchiveEntry]) -> Manifest:
    check_format(stage)
    manifest = load_manifest(stage)
    _require(_is_count(manifest.sequence, 2**63), f"{brief(manifest.sequence)} is no sequence")
    _require(_is_count(manifest.next_collection, 2**32), f"{brief(manifest.next_collection)} is no number")
    for collection in manifest.collections:
        _check_collection(collection, manifest.next_collection)
    _require(len({each.number for each in manifest.collections}) == len(manifest.collections), "a number comes twice")
    _require(len({each.name for each in manifest.collections}) == len(manifest.collections), "a name comes twice")
    found = {entry.name: entry for entry in entries}
    for file in database_files(manifest):
        _require(file.name in found, f"'{file.name}' is missing")
        entry = found.pop(file.name)
        _require(file.bytes in (None, entry.bytes) and file.zeros == entry.zeros, f"'{file.name}' has another size")
    for name in found:
        _require(name.startswith(f"{STORE_FOLDER}/"), f"'{name}' is of no collection")
    for collection in manifest.collections:
        _check_rows(stage / collection_folder(collection), collection)
    _check_store(stage / STORE_FOLDER, position_of(manifest))
    return manifest


def _complete(stage: Path, manifest: Manifest) -> None:
    """What a snapshot does not have: an empty journal, and the folders of collections that are empty."""
    collections = stage / "collections"
    for folder in (collections, *(stage / collection_folder(entry) for entry in manifest.collections)):
        folder.mkdir(exist_ok=True)
        if folder != collections:
            (folder / "rows").mkdir(exist_ok=True)
            sync_folder(folder)
    sync_folder(collections)
    # Last, for it makes its name durable, and with it all others here.
    Journal(stage / "journal", sync=True, at_least=manifest.sequence, create=True).close()


def _check_collection(entry: CollectionEntry, next_collection: int) -> None:
    schema = CollectionSchema.from_json(orjson.dumps(entry.schema))
    name = schema.name
    _require(_is_count(entry.number, next_collection), f"{brief(entry.number)} is no number of a collection")
    _require(entry.number > 0, "0 is no number of a collection")
    _require(entry.name == name, f"collection '{name}' is also named {brief(entry.name)}")
    _require(_is_count(entry.next_row, _ROWS_MAXIMUM), f"collection '{name}' has {brief(entry.next_row)} rows")
    _require(entry.state_file is not None or entry.next_row == 0, f"collection '{name}' has rows and no mask")
    _require(set(entry.indexes) <= set(schema.vectors), f"collection '{name}' has an index of no vector")


def _check_rows(folder: Path, entry: CollectionEntry) -> None:
    """No mask and no graph may name a row that is not there, for native code takes them at their word."""
    if entry.state_file is not None:
        words = np.frombuffer(read_checked(folder / entry.state_file, MASK_MAGIC, MASK_VERSION)[0], np.uint64)
        used = np.flatnonzero(words)
        bound = int(used[-1]) * 64 + int(words[used[-1]]).bit_length() if len(used) else 0
        _require(bound <= entry.next_row, f"the mask of collection '{entry.name}' shows rows that are not there")
    for index in entry.indexes.values():
        bound = int.from_bytes(read_checked(folder / index.file, GRAPH_MAGIC, GRAPH_VERSION)[0][8:16], "little")
        _require(bound <= entry.next_row, f"a graph of collection '{entry.name}' has rows that are not there")


def _check_store(folder: Path, position: int) -> None:
    store = RocksKeyValue(folder, read_only=True)
    found = store.position
    store.close()
    _require(found == position, f"the store is at position {found}, not {position}")


def _is_count(value: object, end: int) -> bool:
    return type(value) is int and 0 <= value < end


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
