"""Readers beside writers: what a reader saw when it opened is what it sees until it closes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vecdb

DIMENSION = 8
ROWS = np.random.default_rng(3).standard_normal((2000, DIMENSION)).astype(np.float32)
OTHERS = np.random.default_rng(4).standard_normal((2000, DIMENSION)).astype(np.float32)


def check_first(reader: vecdb.Database) -> None:
    docs = reader["docs"]
    assert docs.count() == len(ROWS)
    for at in (0, 7, 1999):
        hits = docs.search(ROWS[at], k=1, exact=True)
        assert (hits.ids, hits[0].payload) == ([f"old{at}"], {"n": at})
        assert docs.search(ROWS[at], k=1).ids == [f"old{at}"]
    assert sorted(record.payload["n"] for record in docs.scan()) == list(range(len(ROWS)))
    assert docs.verify().ok


@pytest.mark.parametrize("reopen", [True, False])
def test_a_reader_keeps_its_rows_while_writers_replace_them(tmp_path: Path, reopen: bool) -> None:
    path = tmp_path / "db"
    db = vecdb.connect(path)
    docs = db.create_collection("docs", dimension=DIMENSION)
    docs.upsert([f"old{n}" for n in range(len(ROWS))], ROWS, [{"n": n} for n in range(len(ROWS))])
    docs.optimize()
    with vecdb.connect(path, read_only=True) as reader:
        check_first(reader)
        for turn in range(3):
            if reopen:
                db.close()
                db = vecdb.connect(path)
            docs = db["docs"]
            docs.delete(where=vecdb.has_id([f"old{n}" for n in range(len(ROWS))]))
            docs.upsert([f"new{n}" for n in range(len(ROWS))], OTHERS, [{"turn": turn}] * len(ROWS))
            docs.optimize()
            check_first(reader)
    with vecdb.connect(path, read_only=True) as reader:
        assert reader["docs"].count() == len(OTHERS)
        assert reader["docs"].search(OTHERS[5], k=1).ids == ["new5"]
    db.close()


def test_memory_cannot_be_read_only() -> None:
    with pytest.raises(vecdb.InvalidValue):
        vecdb.connect(":memory:", read_only=True)


def test_an_empty_database_is_not_false() -> None:
    with vecdb.connect(":memory:") as db:
        assert len(db) == 0
        assert db
        assert len(db.create_collection("docs", dimension=2)) == 0
        assert db["docs"]


def test_a_reader_does_not_write(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        db.create_collection("docs", dimension=DIMENSION).upsert([1], ROWS[:1])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "db").rglob("*") if path.is_file()}
    with vecdb.connect(tmp_path / "db", read_only=True) as reader:
        docs = reader["docs"]
        for call in (
            lambda: docs.upsert([2], ROWS[:1]),
            lambda: docs.update([1], {"a": 1}),
            lambda: docs.delete([1]),
            lambda: docs.optimize(),
            lambda: reader.create_collection("more", dimension=2),
            lambda: reader.drop_collection("docs"),
        ):
            with pytest.raises(vecdb.ReadOnly):
                call()
        assert docs.count() == 1
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "db").rglob("*") if path.is_file()}
    written = {path.name for path in after if before.get(path) != after[path]}
    assert written <= {"READERS", "rocksdict-config.json"}, "the lock, and a file the RocksDB binding keeps for itself"
