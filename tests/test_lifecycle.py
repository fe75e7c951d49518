"""Opening, closing, locking, creating and dropping: a database as a thing on disk."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import orjson
import pytest

import vecdb

ROOT = Path(__file__).parents[1]
HOLD = """
import sys
import vecdb
db = vecdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def some_rows(count: int, dimension: int = 8, seed: int = 1) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)


def disk_bytes(path: Path) -> int:
    """Blocks in use, so that holes count nothing."""
    return sum(entry.stat().st_blocks * 512 for entry in path.rglob("*") if entry.is_file())


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet"
    with vecdb.connect(str(path)) as db:
        assert db.collections() == []
        assert (path / "FORMAT").is_file()
    with vecdb.connect(path) as db:  # a Path is as good
        assert db.collections() == []


@pytest.mark.parametrize("name", ["with space", "ünïcödé 数据", "quote'\"", "percent%20", "-dash", "new\nline", "#?&"])
def test_any_path_will_do(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "db"
    for _ in range(2):
        with vecdb.connect(str(path)) as db:
            if "docs" not in db.collections():
                db.create_collection("docs", dimension=8).upsert(ids=[1, 2], vectors=some_rows(2))
            assert sorted(db["docs"].search(some_rows(1)[0], k=5).ids) == [1, 2]


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with vecdb.connect("db") as db:
        docs = db.create_collection("docs", dimension=8)
        monkeypatch.chdir(tmp_path / "elsewhere")
        docs.upsert(ids=[1], vectors=some_rows(1))
        docs.optimize(wait=True)
        db.create_collection("more", dimension=8).upsert(ids=[1], vectors=some_rows(1))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    with vecdb.connect(str(tmp_path / "db")) as db:
        assert db.collections() == ["docs", "more"]
        assert db["docs"].count() == 1


def test_a_file_or_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises((vecdb.Error, OSError)):
        vecdb.connect(str(file))
    assert file.read_text() == "precious"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(vecdb.Error):
        vecdb.connect(str(folder))
    assert (folder / "thesis.txt").read_text() == "precious"


def test_a_second_writer_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with vecdb.connect(path) as db:
        with pytest.raises(vecdb.Locked) as raised:
            vecdb.connect(path)
        assert raised.value.pid == os.getpid()
        db.create_collection("docs", dimension=8)
    vecdb.connect(path).close()


def test_another_process_is_named_and_its_death_frees_the_database(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(vecdb.Locked) as raised:
            vecdb.connect(path)
        assert raised.value.pid == child.pid
        assert str(child.pid) in str(raised.value)
        assert raised.value.path.startswith(path)
    finally:
        child.kill()
        child.communicate(timeout=10)
    vecdb.connect(path).close()


def test_everything_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    vectors, payloads = some_rows(500), [{"n": n, "text": f"row {n}"} for n in range(500)]
    schema = {"a": vecdb.Vector(8, metric="l2", index=vecdb.Hnsw(m=8, ef_construction=50)), "b": vecdb.Vector(8)}
    with vecdb.connect(str(tmp_path / "db")) as db:
        docs = db.create_collection("docs", vectors=schema, fields={"n": "integer"})
        docs.upsert(ids=list(range(500)), vectors={"a": vectors, "b": vectors}, payloads=payloads)
        docs.delete(ids=[3])
        wanted = [docs.search(vectors[3], k=20, using=using, exact=True).ids for using in schema]
        sequence = docs.stats().sequence
    for _ in range(3):
        with vecdb.connect(str(tmp_path / "db")) as db:
            docs = db["docs"]
            assert docs.count() == 499
            assert [docs.search(vectors[3], k=20, using=using, exact=True).ids for using in schema] == wanted
            assert {record.id: record.payload for record in docs.scan()} == {
                n: payloads[n] for n in range(500) if n != 3
            }
            assert docs.stats().sequence >= sequence
            assert docs.verify().ok
            with pytest.raises(vecdb.CollectionExists):
                db.create_collection("docs", dimension=8)


def test_a_closed_database_says_so(tmp_path: Path) -> None:
    for path in (":memory:", str(tmp_path / "db")):
        db = vecdb.connect(path)
        docs = db.create_collection("docs", dimension=8)
        docs.upsert(ids=[1, 2], vectors=some_rows(2))
        scan = iter(docs.scan(batch=1))
        next(scan)
        hits = docs.search(some_rows(1)[0], k=2)
        db.close()
        db.close()
        for call in (
            docs.count,
            docs.stats,
            docs.verify,
            db.collections,
            db.stats,
            lambda docs=docs: docs.search(some_rows(1)[0]),
            lambda docs=docs: docs.upsert(ids=[1], vectors=some_rows(1)),
            lambda docs=docs: docs.get([1]),
            lambda scan=scan: list(scan),
            lambda db=db: db["docs"],
            lambda db=db: db.create_collection("more", dimension=8),
            lambda db=db: db.drop_collection("docs"),
        ):
            with pytest.raises(vecdb.Closed):
                call()
        assert len(hits.scores) == len(hits) == 2
        with contextlib.suppress(vecdb.Closed):
            assert sorted(hits.ids) == [1, 2]


def test_leaving_the_block_closes_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="mine"), vecdb.connect(str(tmp_path / "db")):
        raise RuntimeError("mine")
    vecdb.connect(str(tmp_path / "db")).close()


def test_a_handle_that_is_forgotten_frees_the_lock(tmp_path: Path) -> None:
    code = "import sys, vecdb; vecdb.connect(sys.argv[1]).create_collection('docs', dimension=2)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "db")], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stderr) == (0, ""), "an interpreter that ends with an open database"
    with vecdb.connect(str(tmp_path / "db")) as db:
        assert db.collections() == ["docs"]


def test_memory_databases_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with vecdb.connect(":memory:") as one, vecdb.connect(":memory:") as two:
        one.create_collection("docs", dimension=8).upsert(ids=[1], vectors=some_rows(1))
        assert one.collections() == ["docs"]
        assert two.collections() == [], "two of them share nothing"
        one["docs"].optimize(wait=True)
        assert one["docs"].count() == 1
        assert one.stats().path == ":memory:"
    assert list(tmp_path.iterdir()) == []


def test_durability_by_choice(tmp_path: Path) -> None:
    with vecdb.connect(str(tmp_path / "db"), durability="async") as db:
        docs = db.create_collection("docs", dimension=8)
        docs.upsert(ids=list(range(100)), vectors=some_rows(100))
        assert docs.count() == 100
    with vecdb.connect(str(tmp_path / "db")) as db:
        assert db["docs"].count() == 100
    for wrong in ("none", "", None, True):
        with pytest.raises(vecdb.InvalidArgument):
            vecdb.connect(str(tmp_path / "db"), durability=wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError):
        vecdb.connect(str(tmp_path / "db"), cache=5)  # type: ignore[call-arg]  # wrong on purpose


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with vecdb.connect(str(path)) as db:
        db.create_collection("docs", dimension=8).upsert(ids=[1], vectors=some_rows(1))
    written = (path / "FORMAT").read_bytes()
    body = orjson.loads(written)
    (path / "FORMAT").write_bytes(orjson.dumps({**body, "format": 99, "minimum_reader": 99}))
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.name not in ("LOCK", "READERS")}
    with pytest.raises(vecdb.VersionMismatch) as raised:
        vecdb.connect(str(path))
    assert (raised.value.found, raised.value.supported) == (99, 1)
    assert raised.value.path.endswith("FORMAT")
    after = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.name not in ("LOCK", "READERS")}
    assert after == before
    (path / "FORMAT").write_bytes(written)
    with vecdb.connect(str(path)) as db:
        assert db["docs"].count() == 1


def test_dropping_a_collection_frees_its_disk_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with vecdb.connect(str(path)) as db:
        db.create_collection("kept", dimension=8).upsert(ids=[1], vectors=some_rows(1))
        docs = db.create_collection("docs", dimension=256)
        for first in range(0, 6_000, 2_000):
            docs.upsert(
                ids=list(range(first, first + 2_000)),
                vectors=some_rows(2_000, 256),
                payloads=[{"text": f"{n} " * 100} for n in range(first, first + 2_000)],
            )
        full = disk_bytes(path)
        db.drop_collection("docs")
        assert db.collections() == ["kept"]
        for call in (docs.count, lambda: docs.search(some_rows(1, 256)[0]), lambda: docs.get([1]), docs.stats):
            with pytest.raises(vecdb.CollectionNotFound):
                call()
        again = db.create_collection("docs", dimension=4)
        assert again.count() == 0
        assert again.get([1]) == []
        again.upsert(ids=[7], vectors=some_rows(1, 4))
        with pytest.raises(vecdb.CollectionNotFound):
            docs.count()
        db.drop_collection("docs")
    with vecdb.connect(str(path)) as db:
        assert db.collections() == ["kept"]
        assert db["kept"].count() == 1
    assert disk_bytes(path) < full - 6_000 * 256 * 4, "the rows of a dropped collection take disk"
    assert disk_bytes(path) < 2 << 20


def test_rows_deleted_and_written_again_do_not_take_disk_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "db"
    vectors = some_rows(2_000, 128)
    sizes = []
    for _ in range(8):
        with vecdb.connect(str(path)) as db:
            docs = db["docs"] if "docs" in db.collections() else db.create_collection("docs", dimension=128)
            docs.upsert(ids=list(range(2_000)), vectors=vectors, payloads=[{"n": n} for n in range(2_000)])
            docs.optimize(wait=True)
        sizes.append(disk_bytes(path))
    assert sizes[-1] < 3 * sizes[0], sizes
    assert sizes[-1] < 1.3 * sizes[3], sizes


@pytest.mark.slow
def test_two_thousand_empty_collections_are_cheap(tmp_path: Path) -> None:
    path = tmp_path / "db"
    names = [f"c-{number}" for number in range(2_000)]
    with vecdb.connect(str(path), durability="async") as db:
        started = time.perf_counter()
        for name in reversed(names):
            db.create_collection(name, dimension=8, fields={"a": "keyword"})
        created_seconds = time.perf_counter() - started
        assert db.collections() == sorted(names)
        empty = disk_bytes(path)
    started = time.perf_counter()
    with vecdb.connect(str(path)) as db:
        open_seconds = time.perf_counter() - started
        assert db.collections() == sorted(names)
        db["c-1000"].upsert(ids=[1], vectors=some_rows(1))
        assert db["c-1000"].count() == 1
        assert db["c-999"].count() == 0
        assert db.stats().collections == 2_000
    assert created_seconds < 20, created_seconds
    assert open_seconds < 3, open_seconds
    assert empty < 2_000 * 100_000, empty


def test_a_read_only_open_stands_beside_the_writer(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with vecdb.connect(path) as db:
        db.create_collection("docs", dimension=8).upsert(ids=[1, 2], vectors=some_rows(2), payloads=[{"a": 1}, {}])
        db["docs"].optimize(wait=True)
    with vecdb.connect(path, read_only=True) as reader:
        check_reader(reader)
        with vecdb.connect(path, read_only=True) as second:
            check_reader(second)
        with vecdb.connect(path) as db:
            db["docs"].upsert(ids=[3], vectors=some_rows(1))
            check_reader(reader)
            with vecdb.connect(path, read_only=True) as beside:
                assert beside["docs"].count() in (2, 3)
    with pytest.raises(vecdb.Error):
        vecdb.connect(str(tmp_path / "nowhere"), read_only=True)
    assert not (tmp_path / "nowhere").exists()


def check_reader(reader: vecdb.Database) -> None:
    docs = reader["docs"]
    assert docs.count() == 2
    assert sorted(docs.search(some_rows(1)[0], k=5).ids) == [1, 2]
    assert {record.id: record.payload for record in docs.scan()} == {1: {"a": 1}, 2: {}}
    for call in (
        lambda: docs.upsert(ids=[9], vectors=some_rows(1)),
        lambda: docs.update(ids=[1], set={"a": 2}),
        lambda: docs.delete(ids=[1]),
        lambda: reader.create_collection("more", dimension=8),
        lambda: reader.drop_collection("docs"),
    ):
        with pytest.raises(vecdb.ReadOnly):
            call()
    assert docs.count() == 2


@pytest.mark.parametrize("path", ["", "ftp://localhost:6339", "http://localhost", "nul\0l"])
def test_what_is_no_path_of_a_folder_is_refused(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vecdb.InvalidValue, match="path"):
        vecdb.connect(path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(vecdb.InvalidValue, match=r"not one with 'notes.txt'"):
        vecdb.connect(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_a_second_open_in_the_same_process_says_so(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db"), pytest.raises(vecdb.Locked, match="this process"):
        vecdb.connect(tmp_path / "db")


def test_a_database_lists_its_collections() -> None:
    with vecdb.connect(":memory:") as db:
        for name in ("b", "a"):
            db.create_collection(name, dimension=2)
        assert list(db) == ["a", "b"]
        assert repr(db["a"].schema) == (
            "CollectionSchema(name='a', vectors={'': Vector(dimension=2, metric='cosine', "
            "index=Hnsw(m=16, ef_construction=200), dtype='float32')}, fields={})"
        )


def test_nothing_to_upsert_is_no_error() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=2)
        assert docs.upsert(ids=[], vectors=[]).count == 0


def test_too_many_rows_for_one_upsert_are_told_the_way() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=1, metric="dot")
        count = vecdb.limits.BATCH_ROWS + 1
        with pytest.raises(vecdb.LimitExceeded, match=r"BATCH_ROWS.*progress=True"):
            docs.upsert(ids=np.arange(count), vectors=np.ones((count, 1), np.float32))


def test_tab_completion_shows_the_public_names() -> None:
    shown = [name for name in dir(vecdb) if not name.startswith("__")]
    assert sorted(vecdb.__all__) == shown
