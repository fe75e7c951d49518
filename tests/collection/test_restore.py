"""Snapshots whose checksums are right and whose content is not: no restore of them makes, or writes, anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from vecdb.collection.catalog import KEY_VALUE_POSITION, MASK_MAGIC, MASK_VERSION
from vecdb.collection.restore import restore_folder
from vecdb.storage.archive import Archive, ArchiveEntry, unpack
from vecdb.storage.checked_file import read_checked, write_checked
from vecdb.storage.manifest import CollectionEntry, IndexEntry, Manifest, load_manifest, store_manifest

ROWS = 1500
VECTORS = {"a": vecdb.Vector(4, index=vecdb.Hnsw(m=4)), "b": vecdb.Vector(2, index=vecdb.Flat())}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshot")
    numbers = np.random.default_rng(1)
    with vecdb.connect(folder / "db") as db:
        docs = db.create_collection("docs", vectors=VECTORS)
        docs.upsert(range(ROWS), {name: numbers.standard_normal((ROWS, v.dimension)) for name, v in VECTORS.items()})
        docs.optimize()
        db.create_collection("more", dimension=2)
        db.snapshot(folder / "file")
    return folder / "file"


class Taken:
    """A snapshot taken apart, to be changed and put together again."""

    def __init__(self, snapshot: Path, folder: Path) -> None:
        self.folder = folder / "parts"
        self.folder.mkdir()
        self.entries = {entry.name: entry for entry in unpack(snapshot, self.folder, accepts=bool)}

    @property
    def manifest(self) -> Manifest:
        return load_manifest(self.folder)

    def together(self, path: Path) -> Path:
        entries = [
            entry if entry.zeros else replace(entry, bytes=entry.path.stat().st_size) for entry in self.entries.values()
        ]
        path.write_bytes(b"".join(Archive(3, entries).pieces()))
        return path

    def add(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.entries[name] = ArchiveEntry(name, path, len(content))

    def change(self, **changes: Any) -> None:
        """Other facts in the manifest."""
        store_manifest(self.folder, replace(self.manifest, **changes))

    def change_collection(self, **changes: Any) -> None:
        """Other facts of the first collection."""
        first, *others = self.manifest.collections
        self.change(collections=(replace(first, **changes), *others))


def found_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def check_refused(taken: Taken, folder: Path, error: type[vecdb.Error] = vecdb.Corrupted) -> None:
    source = taken.together(folder / "changed")
    (folder / "in").mkdir()
    before = found_in(folder)
    with pytest.raises(error) as caught:
        restore_folder(source, folder / "in" / "db", None)
    assert caught.value.path == str(source)  # type: ignore[attr-defined]
    assert found_in(folder) == before


def test_a_snapshot_put_together_again_is_as_good(snapshot: Path, tmp_path: Path) -> None:
    source = Taken(snapshot, tmp_path).together(tmp_path / "again")
    assert source.read_bytes() == snapshot.read_bytes()
    restore_folder(source, tmp_path / "db", None)
    with vecdb.connect(tmp_path / "db") as db:
        assert db["docs"].verify().ok
        assert db["docs"].count() == ROWS


def schema_of(entry: CollectionEntry, **changes: Any) -> dict[str, Any]:
    return {**entry.schema, **changes}


MANIFESTS: dict[str, Callable[[Taken], None]] = {
    "a sequence below zero": lambda taken: taken.change(sequence=-1),
    "a sequence that is text": lambda taken: taken.change(sequence="../../out"),
    "no list of collections": lambda taken: taken.change(next_collection=None),
    "a number beyond the next": lambda taken: taken.change(next_collection=1),
    "a number that leads out": lambda taken: taken.change_collection(number="../../../out"),
    "a number below zero": lambda taken: taken.change_collection(number=-1),
    "a number that is a bool": lambda taken: taken.change_collection(number=True),
    "a number twice": lambda taken: taken.change(collections=taken.manifest.collections[:1] * 2),
    "a name twice": lambda taken: taken.change(
        collections=(
            taken.manifest.collections[0],
            replace(taken.manifest.collections[1], name="docs", schema=taken.manifest.collections[0].schema),
        )
    ),
    "another name": lambda taken: taken.change_collection(name="other"),
    "a name that leads out": lambda taken: taken.change_collection(
        name="../out", schema=schema_of(taken.manifest.collections[0], name="../out")
    ),
    "no schema": lambda taken: taken.change_collection(schema=None),
    "a schema of nothing": lambda taken: taken.change_collection(schema={}),
    "a vector that leads out": lambda taken: taken.change_collection(
        schema=schema_of(
            taken.manifest.collections[0],
            vectors={"/../../out": {"dimension": 4, "metric": "cosine", "index": {"kind": "flat"}}},
        )
    ),
    "more rows than files": lambda taken: taken.change_collection(next_row=2**32 - 1),
    "more rows than numbers": lambda taken: taken.change_collection(next_row=2**60),
    "another number of rows": lambda taken: taken.change_collection(next_row=ROWS - 1),
    "rows that are text": lambda taken: taken.change_collection(next_row="1"),
    "rows without a mask": lambda taken: taken.change_collection(state_file=None),
    "a mask that leads out": lambda taken: taken.change_collection(state_file="../../../../changed"),
    "a mask that is not there": lambda taken: taken.change_collection(state_file="live-99.mask"),
    "a graph that leads out": lambda taken: taken.change_collection(indexes={"a": IndexEntry(1, "../../../changed")}),
    "a graph that is a mask": lambda taken: taken.change_collection(
        indexes={"a": IndexEntry(1, str(taken.manifest.collections[0].state_file))}
    ),
    "a graph of no vector": lambda taken: taken.change_collection(indexes={"c": IndexEntry(1, "index/va-1.graph")}),
    "a store at another position": lambda taken: taken.change(state={KEY_VALUE_POSITION: 1}),
    "a store at no position": lambda taken: taken.change(state={KEY_VALUE_POSITION: "1"}),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_manifests_that_describe_no_database_are_refused(what: str, snapshot: Path, tmp_path: Path) -> None:
    taken = Taken(snapshot, tmp_path)
    MANIFESTS[what](taken)
    check_refused(taken, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "LOCK",
        "journal/00000000000000000001.log",
        "kv/rocksdict-config.json",
        "kv/LOCK",
        "kv/deeper/CURRENT",
        "collections/9/live-1.mask",
        "collections/1/live-1.mask",
        "collections/1/rows/x-0.rows",
        "collections/0/rows/heads-0.rows",
        "collections/1/index/vb-1.graph",
        "etc/passwd",
    ],
)
def test_files_that_are_of_no_database_are_refused(name: str, snapshot: Path, tmp_path: Path) -> None:
    taken = Taken(snapshot, tmp_path)
    taken.add(name, b"content")
    check_refused(taken, tmp_path)


@pytest.mark.parametrize("name", ["FORMAT", "MANIFEST", "kv/CURRENT", "rows/heads-0.rows", "mask", "graph", "sst"])
def test_files_that_are_missing_are_noticed(name: str, snapshot: Path, tmp_path: Path) -> None:
    taken = Taken(snapshot, tmp_path)
    removed = [each for each in taken.entries if each.endswith(name)]
    assert removed
    for each in removed:
        del taken.entries[each]
    check_refused(taken, tmp_path)


def test_rows_beyond_the_end_are_refused(snapshot: Path, tmp_path: Path) -> None:
    taken = Taken(snapshot, tmp_path)
    entry = taken.manifest.collections[0]
    mask = taken.folder / "collections" / "1" / str(entry.state_file)
    words = np.frombuffer(read_checked(mask, MASK_MAGIC, MASK_VERSION)[0], np.uint64).copy()
    words[ROWS // 64] |= np.uint64(1) << np.uint64(ROWS % 64)
    write_checked(mask, MASK_MAGIC, MASK_VERSION, [words])
    check_refused(taken, tmp_path)


def test_the_format_of_a_later_release_is_refused(snapshot: Path, tmp_path: Path) -> None:
    taken = Taken(snapshot, tmp_path)
    taken.add("FORMAT", json.dumps({"product": "vecdb", "format": 2, "minimum_reader": 1}).encode())
    check_refused(taken, tmp_path, vecdb.VersionMismatch)


def test_a_folder_that_appears_meanwhile_stays(snapshot: Path, tmp_path: Path) -> None:
    target = tmp_path / "db"

    def appear(done: int, total: int) -> None:
        if done == total:
            target.mkdir()
            (target / "mine").touch()

    with pytest.raises(vecdb.InvalidValue):
        restore_folder(snapshot, target, appear)
    assert found_in(tmp_path) == {"db", "db/mine"}


def test_an_interrupt_leaves_nothing(snapshot: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_folder(snapshot, tmp_path / "db", interrupt)
    assert found_in(tmp_path) == set()
