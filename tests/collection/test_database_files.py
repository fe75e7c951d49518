"""The files that a manifest needs are the files that the folder of a closed database has, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import vecdb
from vecdb.collection.database_files import database_files, is_store_file
from vecdb.storage.manifest import load_manifest
from vecdb.storage.rows import CHUNK_BYTES

DIMENSION = 16_384  # 256 rows a chunk


def test_they_are_all_that_is_in_the_folder(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path) as db:
        vectors = {"wide": vecdb.Vector(DIMENSION, index=vecdb.Flat()), "B_2": vecdb.Vector(2)}
        docs = db.create_collection("docs", vectors=vectors)
        rows = {"wide": np.ones((300, DIMENSION), np.float32), "B_2": np.ones((300, 2), np.float32)}
        docs.upsert(range(300), rows)
        db.create_collection("dropped", dimension=2).upsert([1], [[1.0, 2.0]])
        db.drop_collection("dropped")
        small = db.create_collection("small", dimension=4)
        small.upsert(range(1100), np.ones((1100, 4), np.float32))
        small.optimize()
        db.create_collection("empty", dimension=2)
    files = {file.name: file for file in database_files(load_manifest(tmp_path))}
    found = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*") if path.is_file()}
    others = {name for name in found if name.split("/")[0] in ("LOCK", "READERS", "journal", "kv")}
    # Chunks of vectors nobody wrote come with a collection, when it is opened.
    assert set(files) == set(found) - others
    for name, file in files.items():
        if file.bytes is not None:
            assert file.bytes + file.zeros == found[name].stat().st_size
    wide = [files[f"collections/1/rows/vwide-{chunk}.rows"] for chunk in (0, 1)]
    assert [(file.bytes, file.zeros) for file in wide] == [
        (4096 + CHUNK_BYTES, 0),
        (4096 + 44 * DIMENSION * 4, 212 * DIMENSION * 4),
    ]


def test_the_stores_own_notes_are_not_needed() -> None:
    names = "CURRENT IDENTITY MANIFEST-000004 OPTIONS-000007 000012.sst 1000012.sst 000004.log"
    others = (
        "LOCK LOG LOG.old.1 rocksdict-config.json 12.sst 000012.sst.tmp MANIFEST x000012.sst CURRENT.bak 000012.blob"
    )
    assert all(map(is_store_file, names.split()))
    assert not any(map(is_store_file, others.split()))
