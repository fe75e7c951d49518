"""A snapshot on its way: it does not change, it may be left anywhere, and it never looks whole when it is not."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vecdb
from tests.directory_image import copy_folder
from vecdb.database import restore
from vecdb.storage.archive import PIECE_BYTES
from vecdb.storage.directory_lock import without_readers

DIMENSION = 256
ROWS = 2500
FIRST = np.random.default_rng(1).standard_normal((ROWS, DIMENSION), dtype=np.float32)
SECOND = np.random.default_rng(2).standard_normal((ROWS, DIMENSION), dtype=np.float32)
VECTORS = {"": vecdb.Vector(DIMENSION, metric="l2")}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of two collections with free rows below those that are live."""
    path = tmp_path_factory.mktemp("image") / "db"
    with vecdb.connect(path) as db:
        for name in ("docs", "other"):
            docs = db.create_collection(name, vectors=VECTORS)
            docs.upsert(range(ROWS, ROWS + 500), SECOND[:500])
            docs.upsert(range(ROWS), FIRST, [{"n": n} for n in range(ROWS)])
            docs.delete(range(ROWS, ROWS + 500))
            docs.optimize()
            assert docs._state.free_rows.free() == 500
    return path


@pytest.fixture
def path(image: Path, tmp_path: Path) -> Path:
    copy_folder(image, tmp_path / "db")
    return tmp_path / "db"


def check_first(docs: vecdb.Collection) -> None:
    assert docs.verify().problems == ()
    found = {record.id: record for record in docs.scan(with_vectors=True)}
    assert sorted(found) == list(range(ROWS))
    for n in range(ROWS):
        vectors = found[n].vectors
        assert vectors is not None
        assert found[n].payload == {"n": n}
        assert np.array_equal(vectors[""], FIRST[n]), n
    for n in (0, 1234, ROWS - 1):
        expected = np.argsort(((FIRST - FIRST[n]) ** 2).sum(axis=1))[:5].tolist()
        assert docs.search(FIRST[n], k=5, exact=True).ids == expected
        assert docs.search(FIRST[n], k=1).ids == [n]


def is_held(path: Path) -> bool:
    with without_readers(path) as alone:
        return not alone or list(path.glob(".vecdb-*")) != []


def test_what_comes_out_is_of_the_moment_of_the_call(path: Path, tmp_path: Path) -> None:
    db = vecdb.connect(path)
    docs = db["docs"]
    with db.snapshot_parts() as parts, open(tmp_path / "file", "wb") as file:
        file.write(next(parts))
        free = docs._state.rows_to_reuse(docs._state.written_rows).assign(50)
        docs._state.heads.rows.write(free, np.full((50, 48), 255, np.uint8))  # as torn as can be
        db.drop_collection("other")
        for turn in range(4):
            docs.delete(range(0, ROWS, 2))
            docs.upsert(range(ROWS), SECOND, [{"turn": turn}] * ROWS)
            docs.optimize()
            file.write(next(parts))
        db.create_collection("other", dimension=2).upsert([1], [[1.0, 2.0]])
        docs.upsert(range(ROWS, 2 * ROWS), SECOND)
        docs.optimize()
        for part in parts:
            assert len(part) <= PIECE_BYTES
            file.write(part)
    assert (tmp_path / "file").stat().st_size == parts.report.bytes
    assert not is_held(path)
    rows = docs._state.free_rows.next_row
    docs.optimize()
    docs.upsert(range(ROWS), FIRST)
    assert docs._state.free_rows.next_row == rows, "the rows that were held are used again"
    db.close()
    restore(tmp_path / "file", tmp_path / "restored")
    for read_only in (True, False):
        with vecdb.connect(tmp_path / "restored", read_only=read_only) as db:
            assert db.collections() == ["docs", "other"]
            for name in db:
                check_first(db[name])
    with vecdb.connect(tmp_path / "restored") as db:
        db["docs"].upsert(range(ROWS, ROWS + 500), SECOND[:500])  # takes what was free, or torn
        db["docs"].optimize()
        db["docs"].delete(range(ROWS, ROWS + 500))
        check_first(db["docs"])


def test_two_at_once_are_each_of_their_own_moment(path: Path, tmp_path: Path) -> None:
    with vecdb.connect(path) as db:
        with db.snapshot_parts() as first:
            early = [next(first)]
            db["docs"].upsert(range(ROWS), SECOND)
            with db.snapshot_parts() as second:
                late = list(second)
            assert second.report.sequence == first.report.sequence + 1
            assert is_held(path)
            (tmp_path / "early").write_bytes(b"".join([*early, *first]))
        (tmp_path / "late").write_bytes(b"".join(late))
    restore(tmp_path / "early", tmp_path / "restored-early")
    restore(tmp_path / "late", tmp_path / "restored-late")
    with vecdb.connect(tmp_path / "restored-early") as db:
        check_first(db["docs"])
    with vecdb.connect(tmp_path / "restored-late") as db:
        assert db["docs"].search(SECOND[7], k=1).distances[0] == 0
        check_first(db["other"])


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_it_may_be_left_at_any_place(path: Path, taken: int) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    with vecdb.connect(path) as db:
        open_descriptors = len(os.listdir("/proc/self/fd"))
        parts = db.snapshot_parts()
        for _ in range(taken):
            next(parts)
        assert is_held(path)
        parts.close()
        parts.close()
        assert not is_held(path)
        assert list(parts) == []
        parts = db.snapshot_parts()
        for _ in range(taken):
            next(parts)
        assert is_held(path)
        del parts
        gc.collect()
        assert not is_held(path)
        assert len(os.listdir("/proc/self/fd")) <= open_descriptors
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_closing_the_database_ends_it_with_an_error(path: Path, tmp_path: Path) -> None:
    db = vecdb.connect(path)
    begun, unused = db.snapshot_parts(), db.snapshot_parts()
    next(begun)
    db.close()
    for parts in (begun, unused):
        with pytest.raises(vecdb.Closed):
            next(parts)
    assert not is_held(path)
    for call in (db.snapshot_parts, lambda: db.snapshot(tmp_path / "file")):
        with pytest.raises(vecdb.Closed):
            call()
    assert not (tmp_path / "file").exists()
    vecdb.connect(path).close()


@pytest.mark.parametrize("read_only", [False, True])
def test_closing_beside_it_leaves_nothing(path: Path, tmp_path: Path, read_only: bool) -> None:
    outcomes: list[str] = []
    for turn in range(12):
        db = vecdb.connect(path, read_only=read_only)
        if not read_only:
            db["docs"].upsert([0], FIRST[:1], [{"turn": turn}])

        def write(db: vecdb.Database = db, turn: int = turn) -> None:
            try:
                db.snapshot(tmp_path / f"{turn}.file")
                outcomes.append("whole")
            except vecdb.Closed:
                outcomes.append("closed")
            except BaseException as error:
                outcomes.append(repr(error))

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.003 * turn)
        db.close()
        thread.join()
        assert not is_held(path)
    assert set(outcomes) <= {"whole", "closed"}
    assert "closed" in outcomes
    files = sorted(path.name for path in tmp_path.iterdir() if path.name != "db")
    assert files == sorted(f"{turn}.file" for turn, outcome in enumerate(outcomes) if outcome == "whole")


def test_a_forked_child_cannot_use_or_end_it(path: Path) -> None:
    with vecdb.connect(path) as db, db.snapshot_parts() as parts:
        first = next(parts)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                next(parts)
            except vecdb.Forked:
                parts.close()
                del parts
                gc.collect()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert is_held(path)
        assert len(first) + sum(map(len, parts)) == parts.report.bytes


def test_a_snapshot_that_fails_at_the_start_leaves_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vecdb.connect(path) as db:

        def full(folder: Path) -> int:
            folder.mkdir()
            raise vecdb.StorageFull(path=str(folder), detail="for the test")

        with monkeypatch.context() as patch:
            patch.setattr(db._catalog.key_value, "copy_to", full)
            with pytest.raises(vecdb.StorageFull):
                db.snapshot(tmp_path / "file")
        assert not is_held(path)
        late: list[Callable[[], None]] = []
        with monkeypatch.context() as patch:

            def interrupted(task: Callable[[], None]) -> None:
                late.append(task)
                raise KeyboardInterrupt

            patch.setattr(db._session, "between_steps", interrupted)
            with pytest.raises(KeyboardInterrupt):
                db.snapshot(tmp_path / "file")
        late[0]()
        assert not is_held(path)
        db["docs"].upsert([0], FIRST[:1])
        mask = next(path.glob("collections/2/live-*.mask"))
        mask.rename(tmp_path / "mask")
        with pytest.raises(vecdb.Corrupted) as caught:
            db.snapshot(tmp_path / "file")
        assert caught.value.path == str(mask)
        (tmp_path / "mask").rename(mask)
        assert not is_held(path)
        assert not (tmp_path / "file").exists()
        assert db.snapshot(tmp_path / "file").collections == 2


def test_a_change_that_failed_half_way_is_finished_first(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vecdb.connect(path) as db:
        docs = db["docs"]
        with monkeypatch.context() as patch:

            def full(*_: object) -> None:
                raise vecdb.StorageFull(path="disk", detail="for the test")

            patch.setattr(docs._state, "publish", full)  # when the ids in the store already lead to other rows
            for call in (lambda: docs.upsert(range(50), SECOND[:50]), lambda: db.snapshot(tmp_path / "file")):
                with pytest.raises(vecdb.StorageFull):
                    call()
        assert not (tmp_path / "file").exists()
        assert not is_held(path)
        report = db.snapshot(tmp_path / "file")
        assert report.sequence == db.stats().sequence
    restore(tmp_path / "file", tmp_path / "restored")
    with vecdb.connect(tmp_path / "restored") as db:
        assert db["docs"].verify().problems == ()
        assert db["docs"].search(SECOND[7], k=1).ids == [7]
