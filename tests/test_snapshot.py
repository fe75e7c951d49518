"""Snapshots and restore through the public API: what comes out is what there was, at one moment, whatever went on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

import vecdb
from tests.reference_collection import ReferenceCollection, RowId
from tests.test_disk_full import largest_file
from vecdb.database import restore

DIMENSION = 12
VECTORS = {"": vecdb.Vector(DIMENSION, metric="l2")}
NAMED = {"a": vecdb.Vector(DIMENSION), "b": vecdb.Vector(3, metric="dot", index=vecdb.Flat())}
LONG = "a long id, " * 20
IDS: list[RowId] = [*range(40), *(f"text-{n}" for n in range(40)), *(UUID(int=n) for n in range(40)), LONG]


class Recorded:
    """A collection whose acknowledged calls are kept with their sequences, so that any moment can be told again."""

    def __init__(self, docs: vecdb.Collection) -> None:
        self.docs = docs
        self.metrics = {name: vector.metric for name, vector in docs.schema.vectors.items()}
        self._calls: list[tuple[int, Callable[[ReferenceCollection], Any]]] = []

    def upsert(self, ids: list[RowId], numbers: np.random.Generator, payloads: list[dict[str, Any] | None]) -> None:
        arrays = {
            name: numbers.standard_normal((len(ids), vector.dimension), dtype=np.float32)
            for name, vector in self.docs.schema.vectors.items()
        }
        result = self.docs.upsert(ids, arrays, payloads)
        self._calls.append((result.sequence, lambda model: model.upsert(ids, arrays, payloads)))

    def update(self, ids: list[RowId], changes: dict[str, Any]) -> None:
        result = self.docs.update(ids, changes)
        self._calls.append((result.sequence, lambda model: model.update(ids, changes, [])))

    def delete(self, ids: list[RowId]) -> None:
        result = self.docs.delete(ids)
        if result.count:
            self._calls.append((result.sequence, lambda model: model.delete(ids)))

    def at(self, sequence: int) -> ReferenceCollection:
        """What was there when all up to this sequence was done."""
        model = ReferenceCollection(self.metrics, {})
        for at, call in sorted(self._calls, key=lambda each: each[0]):
            if at <= sequence:
                call(model)
        return model

    def sequences(self) -> list[int]:
        return sorted(at for at, _ in self._calls)


def check(docs: vecdb.Collection, model: ReferenceCollection, seed: int = 0) -> None:
    """The collection is the model, in every way to look at it."""
    assert docs.verify().problems == ()
    model.check_records(docs.scan(), model.rows)
    model.check_vectors(docs.scan(with_vectors=True))
    model.check_records(docs.get(list(model.rows)), model.rows)
    assert docs.count() == len(model.rows)
    numbers = np.random.default_rng(seed)
    for name, vector in docs.schema.vectors.items():
        for exact in (True, False):
            query = numbers.standard_normal(vector.dimension, dtype=np.float32)
            hits = docs.search(query, k=7, using=name, exact=exact)
            (model.check_exact if exact else model.check_sound)(hits, query, 7, None, name)


def filled(db: vecdb.Database, name: str, seed: int, vectors: dict[str, vecdb.Vector] = VECTORS) -> Recorded:
    numbers = np.random.default_rng(seed)
    recorded = Recorded(db.create_collection(name, vectors=vectors))
    recorded.upsert(IDS, numbers, [{"n": n, "in": name} for n in range(len(IDS))])
    recorded.upsert(IDS[::3], numbers, [None] * len(IDS[::3]))
    recorded.update(IDS[::4], {"updated": True})
    recorded.delete(IDS[::5])
    return recorded


def left_in(folder: Path) -> list[str]:
    """Names that only a snapshot or a restore under way may have made."""
    return [str(path) for path in folder.rglob(".vecdb-*")]


def test_everything_comes_back_and_goes_on(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        recorded = {
            "docs": filled(db, "docs", 1),
            "named": filled(db, "named", 2, NAMED),
            "gone": filled(db, "gone", 3),
        }
        db.create_collection("empty", dimension=2, fields={"n": "integer"})
        db.drop_collection("gone")
        recorded["named"].docs.optimize()
        seen: list[tuple[int, int]] = []
        report = db.snapshot(tmp_path / "file", progress=lambda *both: seen.append(both))
        assert report.sequence == db.stats().sequence == 17
        assert (report.collections, report.bytes) == (3, (tmp_path / "file").stat().st_size)
        assert seen[-1] == (report.bytes, report.bytes)
        recorded["docs"].upsert(IDS, np.random.default_rng(9), [None] * len(IDS))
        db.drop_collection("named")
    for turn in ("restored", "again"):
        seen.clear()
        restore(tmp_path / "file", tmp_path / turn, progress=lambda *both: seen.append(both))
        assert seen[-1] == (report.bytes, report.bytes)
        with vecdb.connect(tmp_path / turn, read_only=True) as db:
            assert db.collections() == ["docs", "empty", "named"]
            for name in ("docs", "named"):
                check(db[name], recorded[name].at(report.sequence))
            assert db["empty"].count() == 0
        with vecdb.connect(tmp_path / turn) as db:
            stats = db.stats()
            assert (stats.sequence, stats.checkpoint_sequence) == (report.sequence, report.sequence)
            assert db["empty"].schema.fields == {"n": "integer"}
            for name in ("docs", "named"):
                check(db[name], recorded[name].at(report.sequence))
            # A snapshot of what a snapshot gave; the next turn restores it.
            again = db.snapshot(tmp_path / "file")
            assert again.sequence == report.sequence
            after = Recorded(db["docs"])
            after.upsert(IDS, np.random.default_rng(7), [{"after": True}] * len(IDS))
            assert after.sequences() == [report.sequence + 1]
            assert db.create_collection("new", dimension=2).upsert([1], [[1.0, 2.0]]).sequence == report.sequence + 3
        with vecdb.connect(tmp_path / turn) as db:
            check(db["docs"], after.at(2**63))
            check(db["named"], recorded["named"].at(report.sequence))
            assert db.collections() == ["docs", "empty", "named", "new"]
        report = again
    assert left_in(tmp_path) == []


def test_a_database_without_collections(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        report = db.snapshot(tmp_path / "file")
    assert (report.sequence, report.collections) == (0, 0)
    (tmp_path / "restored").mkdir(mode=0o700)
    restore(str(tmp_path / "file"), str(tmp_path / "restored"))
    assert (tmp_path / "restored").stat().st_mode & 0o777 == 0o700
    with vecdb.connect(tmp_path / "restored", read_only=True) as db:
        assert db.collections() == []
    with vecdb.connect(tmp_path / "restored") as db:
        check(filled(db, "docs", 1).docs, filled(vecdb.connect(":memory:"), "docs", 1).at(2**63))


def test_a_database_that_is_read_only_gives_what_it_shows(tmp_path: Path) -> None:
    db = vecdb.connect(tmp_path / "db")
    recorded = filled(db, "docs", 1)
    recorded.docs.optimize()
    shown = db.stats().sequence
    with vecdb.connect(tmp_path / "db", read_only=True) as reader:
        for turn in range(3):
            recorded.upsert(IDS, np.random.default_rng(turn), [{"turn": turn}] * len(IDS))
            recorded.docs.optimize()
        db.close()
        with vecdb.connect(tmp_path / "db") as db:  # a second writer must leave alone what is held
            db.drop_collection("docs")
            assert reader.snapshot(tmp_path / "file").sequence == shown
            with reader.snapshot_parts() as parts:
                (tmp_path / "parts").write_bytes(b"".join(parts))
    for file in ("file", "parts"):
        restore(tmp_path / file, tmp_path / f"from-{file}")
        for read_only in (True, False):
            with vecdb.connect(tmp_path / f"from-{file}", read_only=read_only) as db:
                check(db["docs"], recorded.at(shown))
    assert left_in(tmp_path) == []


def test_snapshots_under_load_are_of_one_moment(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    db = vecdb.connect(tmp_path / "db")
    collections = [Recorded(db.create_collection("docs", vectors=VECTORS))]
    collections.append(Recorded(db.create_collection("named", vectors=NAMED)))
    over = threading.Event()
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        choose, numbers = random.Random(f"{seed} {writer}"), np.random.default_rng([seed, writer])
        try:
            step = 0
            while not over.is_set():
                recorded = choose.choice(collections)
                ids = choose.sample(IDS, choose.randint(1, 30))
                new: list[RowId] = [f"{writer}.{step}.{n}" for n in range(5)]
                match choose.randrange(5):
                    case 0 | 1 | 2:
                        recorded.upsert([*ids, *new], numbers, [{"writer": writer, "step": step}] * (len(ids) + 5))
                    case 3:
                        recorded.update(ids, {"updated": step})
                    case 4:
                        recorded.delete(ids)
                step += 1
        except BaseException as error:
            failures.append(error)

    def optimize() -> None:
        try:
            while not over.wait(0.02):
                collections[0].docs.optimize()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    threads.append(threading.Thread(target=optimize))
    for thread in threads:
        thread.start()
    reports = []
    try:
        for turn in range(3):
            time.sleep(0.15)
            reports.append(db.snapshot(tmp_path / f"{turn}.file"))
        with db.snapshot_parts() as parts:
            time.sleep(0.2)
            reports.append(parts.report)
            (tmp_path / "3.file").write_bytes(b"".join(parts))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failures == [], f"seed {seed}"
    assert left_in(tmp_path) == []
    last = db.stats().sequence
    db.close()
    assert [report.sequence for report in reports] == sorted(report.sequence for report in reports)
    assert 0 < reports[0].sequence < reports[-1].sequence < last, f"seed {seed}: nothing was written meanwhile"
    for turn, report in enumerate(reports):
        restore(tmp_path / f"{turn}.file", tmp_path / f"restored{turn}")
        with vecdb.connect(tmp_path / f"restored{turn}") as restored:
            assert restored.stats().sequence == report.sequence
            for recorded in collections:
                try:
                    check(restored[recorded.docs.name], recorded.at(report.sequence))
                except AssertionError as error:
                    raise AssertionError(f"seed {seed}, snapshot {turn} of sequence {report.sequence}") from error


KILLED = """
import os, sys
import numpy as np
import vecdb
db = vecdb.connect(sys.argv[1])
docs = db["docs"] if "docs" in db else db.create_collection("docs", dimension=256)
docs.upsert(range(3000), np.random.default_rng(1).standard_normal((3000, 256), dtype=np.float32))
def kill(done, total):
    assert done < total
    os.kill(os.getpid(), 9)
db.snapshot(sys.argv[2], progress=kill)
"""


@pytest.mark.parametrize("old", [None, b"an older file"])
def test_a_kill_leaves_no_half_of_a_file_and_a_database_that_opens(tmp_path: Path, old: bytes | None) -> None:
    path, file = tmp_path / "db", tmp_path / "file"
    if old is not None:
        file.write_bytes(old)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(file)], check=False, timeout=60)
    assert done.returncode == -9
    assert (file.read_bytes() if file.exists() else None) == old
    assert left_in(path) != [], "it was killed too late to prove anything"
    with vecdb.connect(path) as db:
        assert left_in(path) == []
        assert db["docs"].count() == 3000
        assert db["docs"].verify().ok
        db.snapshot(file)
    restore(file, tmp_path / "restored")
    with vecdb.connect(tmp_path / "restored") as db:
        assert db["docs"].count() == 3000


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        recorded = Recorded(db.create_collection("docs", vectors=VECTORS))
        recorded.upsert(list(range(20_000)), np.random.default_rng(1), [None] * 20_000)
        recorded.docs.optimize()
        with largest_file(900_000), pytest.raises(vecdb.StorageFull) as caught:
            db.snapshot(tmp_path / "file")
        assert caught.value.path == str(tmp_path / "file")
        assert left_in(tmp_path) == []
        report = db.snapshot(tmp_path / "file")
        assert report.bytes > 900_000
        with largest_file(900_000), pytest.raises(vecdb.StorageFull):
            restore(tmp_path / "file", tmp_path / "restored")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["db", "file"]
        recorded.upsert([1], np.random.default_rng(2), [None])
    restore(tmp_path / "file", tmp_path / "restored")


def test_paths_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no snapshot")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with vecdb.connect(tmp_path / "db") as db:
        for path in (tmp_path, tmp_path / "none" / "file", tmp_path / "db" / "file", "", "grpc://host", "a\0b"):
            with pytest.raises(vecdb.InvalidValue, match="'path'"):
                db.snapshot(path)
        for bad in (7, None, b"file"):
            with pytest.raises(vecdb.InvalidType, match="'path'"):
                db.snapshot(bad)  # type: ignore[arg-type]
        db.snapshot(tmp_path / "good")
        for target in ("db", "full", "file", "none/db"):
            with pytest.raises(vecdb.InvalidValue, match="'path'"):
                restore(tmp_path / "good", tmp_path / target)
    with pytest.raises(vecdb.InvalidValue, match="mount point"):
        restore(tmp_path / "good", "/")
    for source in ("none", "full", "link"):
        with pytest.raises(vecdb.InvalidValue, match="'snapshot'"):
            restore(tmp_path / source, tmp_path / "restored")
    with pytest.raises(vecdb.InvalidType, match="'snapshot'"):
        restore(None, tmp_path / "restored")  # type: ignore[arg-type]
    with pytest.raises(vecdb.Corrupted) as caught:
        restore(tmp_path / "file", tmp_path / "restored")
    assert caught.value.path == str(tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db", "file", "full", "good", "link"]
    assert os.listdir(tmp_path / "full") == ["something"]
    with vecdb.connect(":memory:") as db, pytest.raises(vecdb.InvalidValue, match="memory"):
        db.snapshot(tmp_path / "memory")


def test_a_link_to_an_empty_folder_is_followed(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        recorded = filled(db, "docs", 1)
        report = db.snapshot(tmp_path / "file")
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    restore(tmp_path / "file", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    with vecdb.connect(tmp_path / "disk") as db:
        check(db["docs"], recorded.at(report.sequence))


def test_damage_anywhere_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        filled(db, "docs", 1)
        filled(db, "named", 2, NAMED).docs.optimize()
        db.snapshot(tmp_path / "file")
    data = (tmp_path / "file").read_bytes()
    generator = random.Random(seed := random.randrange(2**32))
    for turn in range(150):
        bad = bytearray(data)
        match turn % 3:
            case 0:
                bad[at := generator.randrange(len(bad))] ^= 1 << generator.randrange(8)
            case 1:
                del bad[(at := generator.randrange(len(bad))) :]
            case 2:
                bad += generator.randbytes(at := generator.randint(1, 100))
        (tmp_path / "bad").write_bytes(bad)
        try:
            with pytest.raises(vecdb.Corrupted) as caught:
                restore(tmp_path / "bad", tmp_path / "restored")
            assert caught.value.path == str(tmp_path / "bad")
            assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "db", "file"]
        except BaseException as error:
            raise AssertionError(f"seed {seed}, turn {turn}, at {at}") from error
