"""Calls cut short (by a full disk, an interrupt, a failed sync) and calls that meet: nothing is lost or doubled."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import threading
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.directory_image import copy_folder
from vecdb.collection import checkpoint as checkpoint_module
from vecdb.collection import commit_queue
from vecdb.collection.catalog import Catalog
from vecdb.storage.directory_lock import SharedReaders, without_readers
from vecdb.storage.journal import Journal
from vecdb.storage.key_value import RocksKeyValue
from vecdb.storage.row_file import RowFile

DIMENSION = 4
ROWS = np.random.default_rng(11).standard_normal((1_400, DIMENSION), dtype=np.float32)
HANGS_SECONDS = 20


def contents(docs: vecdb.Collection) -> dict[Any, Any]:
    return {record.id: record.payload for record in docs.scan()}


def sound(docs: vecdb.Collection, expected: dict[Any, Any]) -> None:
    """All ways of reading agree on these rows."""
    assert contents(docs) == expected
    assert {record.id: record.payload for record in docs.get(list(expected))} == expected
    assert sorted(docs.search(ROWS[0], k=2_000).ids) == sorted(expected)
    assert docs.verify().problems == ()


def failing_once(call: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    left = [error]

    def fail(*arguments: Any, **options: Any) -> Any:
        if left:
            raise left.pop()
        return call(*arguments, **options)

    return fail


def within_time(call: Callable[[], object]) -> None:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(HANGS_SECONDS)
    assert not thread.is_alive(), "a call hangs"


def test_a_change_whose_flush_failed_is_not_carried_out_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_queue, "_UNSYNCED_BYTES", 0)
    with vecdb.connect(str(tmp_path / "db"), durability="async") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=[1], vectors=ROWS[:1], payloads=[{"version": 1}])
        full = vecdb.StorageFull(path="kv", detail="no space")
        with monkeypatch.context() as patch:
            patch.setattr(RocksKeyValue, "flush", failing_once(RocksKeyValue.flush, full))
            with pytest.raises(vecdb.StorageFull):
                docs.upsert(ids=[1], vectors=ROWS[1:2], payloads=[{"version": 2}])
        docs.optimize(wait=True)  # the replaced row is free now
        docs.upsert(ids=[2], vectors=ROWS[2:3], payloads=[{"version": 3}])
        docs.optimize(wait=True)
        sound(docs, {1: {"version": 2}, 2: {"version": 3}})


def test_an_index_built_again_never_replaces_the_file_of_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, image = tmp_path / "db", tmp_path / "image"
    expected = {number: {"n": number} for number in range(1_100)}
    with vecdb.connect(str(path)) as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=list(expected), vectors=ROWS[:1_100], payloads=list(expected.values()))
        docs.optimize(wait=True)
    for file in path.glob("collections/*/index/*.graph"):
        data = bytearray(file.read_bytes())
        data[200] ^= 1
        file.write_bytes(data)
    with vecdb.connect(str(path)) as db:
        docs = db["docs"]
        more = {number: {"n": number} for number in range(1_100, 1_200)}
        docs.upsert(ids=list(more), vectors=ROWS[1_100:1_200], payloads=list(more.values()))
        with monkeypatch.context() as patch:
            # A kill between the new index file and the manifest.
            patch.setattr(
                checkpoint_module,
                "store_manifest",
                failing_once(print, vecdb.StorageFull(path="MANIFEST", detail="killed")),
            )
            with pytest.raises(vecdb.StorageFull):
                docs.optimize(wait=True)
        copy_folder(path, image)
    with vecdb.connect(str(image)) as db:
        db["docs"].optimize(wait=True)
        sound(db["docs"], {**expected, **more})


def test_a_checkpoint_never_names_rows_that_found_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, image = tmp_path / "db", tmp_path / "image"
    with vecdb.connect(str(path)) as db:
        docs = db.create_collection("docs", dimension=2_048, index=vecdb.Flat())
        wide = np.ones((1, 2_048), np.float32)
        docs.upsert(ids=[0], vectors=wide)
        with monkeypatch.context() as patch:
            full = OSError(errno.ENOSPC, "no space")

            def refuse(*_: object) -> None:
                raise full

            patch.setattr(RowFile, "_create", refuse)
            rows = np.repeat(wide, 2_500, axis=0)  # more than the rows of a chunk
            with pytest.raises(vecdb.StorageFull):
                docs.upsert(ids=list(range(2_500)), vectors=rows)
            docs.optimize(wait=True)
        copy_folder(path, image)
    with vecdb.connect(str(image)) as db:
        assert db["docs"].count() in (1, 2_500)
        assert db["docs"].verify().ok


def test_names_of_row_files_left_by_a_kill_are_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = RowFile(tmp_path, "v", 16)
    first.ensure(1)
    first.close()
    synced: list[Path] = []
    monkeypatch.setattr("vecdb.storage.row_file.sync_folder", synced.append)
    second = RowFile(tmp_path, "v", 16)
    second.write(np.zeros(1, np.uint32), np.zeros((1, 16), np.uint8))
    second.sync()
    assert synced == [tmp_path]
    second.close()


def test_rows_that_were_not_synced_stay_so_when_descriptors_run_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RowFile(tmp_path, "v", 4 << 20)
    file.ensure(12)
    file.write(np.arange(12, dtype=np.uint32), np.zeros((12, 4 << 20), np.uint8))
    before = len(os.listdir("/proc/self/fd"))
    duplicate = os.dup
    made: list[int] = []

    def limited(descriptor: int) -> int:
        if made:
            raise OSError(errno.EMFILE, "too many open files")
        made.append(duplicate(descriptor))
        return made[0]

    with monkeypatch.context() as patch:
        patch.setattr(os, "dup", limited)
        with pytest.raises(vecdb.StorageFailed):
            file.sync()
    assert len(os.listdir("/proc/self/fd")) == before
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    file.sync()
    assert len(synced) == 3
    file.close()


def test_a_sync_beside_another_waits_for_what_that_one_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RowFile(tmp_path, "v", 16)
    file.ensure(1)
    file.write(np.zeros(1, np.uint32), np.zeros((1, 16), np.uint8))
    inside, leave = threading.Event(), threading.Event()

    def slow(_: int) -> None:
        inside.set()
        leave.wait(HANGS_SECONDS)

    monkeypatch.setattr(os, "fdatasync", slow)
    one = threading.Thread(target=file.sync)
    one.start()
    assert inside.wait(HANGS_SECONDS)
    two = threading.Thread(target=file.sync)
    two.start()
    two.join(0.1)
    assert two.is_alive(), "said to be durable while the first sync is still under way"
    leave.set()
    one.join()
    two.join()
    file.close()


@pytest.mark.parametrize("where", [Journal, RocksKeyValue])
def test_a_close_that_fails_still_gives_everything_back(
    where: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "db")
    db = vecdb.connect(path)
    db.create_collection("docs", dimension=DIMENSION).upsert(ids=[1], vectors=ROWS[:1])
    close = where.close  # type: ignore[attr-defined]

    def closed_and_failed(self: Any) -> None:
        close(self)
        raise vecdb.StorageFailed(path=path, detail="sync failed")

    with monkeypatch.context() as patch:
        patch.setattr(where, "close", closed_and_failed)
        with pytest.raises(vecdb.StorageFailed):
            db.close()
    with vecdb.connect(path) as again:
        sound(again["docs"], {1: {}})


def test_a_close_that_was_interrupted_can_be_called_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "db")
    db = vecdb.connect(path)
    db.create_collection("docs", dimension=DIMENSION).upsert(ids=[1], vectors=ROWS[:1])
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", failing_once(threading.Thread.join, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            db.close()
    with pytest.raises(vecdb.Closed):
        db.collections()
    db.close()
    with vecdb.connect(path) as again:
        sound(again["docs"], {1: {}})


def test_progress_may_wait_for_other_threads_that_write() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=list(range(1_400)), vectors=ROWS)
        reports: list[tuple[int, int]] = []

        def report(done: int, total: int) -> None:
            reports.append((done, total))
            if len(reports) == 1:
                within_time(lambda: docs.upsert(ids=["beside"], vectors=ROWS[:1]))

        within_time(lambda: docs.optimize(wait=True, progress=report))
        assert reports
        assert docs.count() == 1_401


def test_waiting_for_an_optimization_that_a_close_cut_off_says_so(tmp_path: Path) -> None:
    db = vecdb.connect(str(tmp_path / "db"))
    docs = db.create_collection("docs", dimension=DIMENSION)
    session: Any = docs._session
    maintenance = session._maintenance
    maintenance._stopping = True  # as close() sets it first, before the background has seen the request
    maintenance._wake.set()
    maintenance._thread.join()
    with pytest.raises(vecdb.Closed):
        docs.optimize(wait=True)
    db.close()


def test_a_collection_dropped_while_it_is_asked_for_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with vecdb.connect(":memory:") as db:
        catalog: Any = db._catalog
        db.create_collection("docs", dimension=DIMENSION)
        number_of = catalog.number_of

        def then_drop(name: str) -> int:
            number: int = number_of(name)
            monkeypatch.setattr(catalog, "number_of", number_of)
            db.drop_collection("docs")
            return number

        monkeypatch.setattr(catalog, "number_of", then_drop)
        with pytest.raises(vecdb.CollectionNotFound, match="docs"):
            db["docs"]


def test_a_dropped_collection_is_forgotten() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        state = weakref.ref(docs._state)
        docs.drop()
        del docs
        for _ in range(100):
            gc.collect()
            if state() is None:
                break
            threading.Event().wait(0.05)  # until the background has looked at it
        assert state() is None


def test_refused_writes_use_no_rows_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        journal: Any = db._session.commits.journal

        def full(*_: object) -> int:
            raise vecdb.StorageFull(path="journal", detail="no space")

        with monkeypatch.context() as patch:
            patch.setattr(journal, "append", full)
            for _ in range(10):
                with pytest.raises(vecdb.StorageFull):
                    docs.upsert(ids=list(range(100)), vectors=ROWS[:100])
        docs.upsert(ids=list(range(100)), vectors=ROWS[:100])
        assert docs._state.written_rows == 100


def test_a_create_that_was_cut_short_is_not_made_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "db")
    with vecdb.connect(path) as db:
        with monkeypatch.context() as patch:
            patch.setattr(Catalog, "apply", failing_once(Catalog.apply, KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                db.create_collection("docs", dimension=DIMENSION)
        with pytest.raises(vecdb.CollectionExists):
            db.create_collection("docs", dimension=DIMENSION)
        assert db.stats().collections == 1
        db.drop_collection("docs")
    with vecdb.connect(path) as db:
        assert db.collections() == []


def test_a_drop_that_was_cut_short_leaves_nothing_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=[1, 2], vectors=ROWS[:2])
        store: Any = db._catalog.key_value
        with monkeypatch.context() as patch:
            patch.setattr(
                store, "delete_prefix", failing_once(store.delete_prefix, vecdb.StorageFull(path="kv", detail="full"))
            )
            with pytest.raises(vecdb.StorageFull):
                db.drop_collection("docs")
        db.create_collection("other", dimension=DIMENSION)
        assert db.collections() == ["other"]
        assert list(store.scan(b"")) == []


def test_a_fork_while_files_are_removed_does_not_keep_readers_out(tmp_path: Path) -> None:
    with without_readers(tmp_path) as alone:
        assert alone
        name = str(tmp_path / "READERS")
        (own,) = (int(each) for each in os.listdir("/proc/self/fd") if points_to(f"/proc/self/fd/{each}", name))
        copy = os.dup(own)  # as a child that was forked now has it
    try:
        probe = os.open(name, os.O_RDONLY)
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(probe)
        SharedReaders(tmp_path).close()
    finally:
        os.close(copy)


def points_to(link: str, name: str) -> bool:
    try:
        return os.readlink(link) == name
    except OSError:
        return False


def test_damage_is_told_again_and_again_without_growing() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs._state.damage = vecdb.Corrupted(path="rows", detail="a flipped bit")
        depths = []
        for _ in range(5):
            with pytest.raises(vecdb.Corrupted) as raised:
                docs.count()
            depths.append(len(traceback.extract_tb(raised.value.__traceback__)))
        assert len(set(depths)) == 1, depths
