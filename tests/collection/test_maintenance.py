"""Background work as a user sees it: bounded tails, errors that surface, journals that are cut, rows used again."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from vecdb import limits
from vecdb.collection import maintenance, upkeep
from vecdb.collection.maintenance import pause_seconds, tail_bytes
from vecdb.collection.state import CollectionState
from vecdb.collection.upkeep import Upkeep
from vecdb.database import restore
from vecdb.index.hnsw import HnswIndex
from vecdb.native.index import RowMask

DIMENSION = 16
ROW_BYTES = 4 * DIMENSION


def rows(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_writers_wait_at_the_bound_of_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = 4000 * ROW_BYTES
    monkeypatch.setattr(limits, "TAIL_BYTES", bound)
    with vecdb.connect(":memory:", threads=1) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, index=vecdb.Hnsw(m=8, ef_construction=40))
        most = 0
        for batch in range(40):
            docs.upsert(ids=np.arange(500) + 500 * batch, vectors=rows(500, batch))
            most = max(most, tail_bytes(docs._state))
        assert most <= bound + 500 * ROW_BYTES
        assert most > bound / 2, "the writer was never ahead: the test shows nothing"
        assert docs.count() == 20_000


@pytest.mark.parametrize(
    ("behind", "searched", "least", "most"),
    [
        (0, False, 0, 0),
        (0, True, 0, 0),
        (32 << 10, True, 0, 0),
        (64 << 10, True, 0.001, 0.02),
        (256 << 10, True, 0.1, 0.25),
        (512 << 10, False, 0, 0),
        (64 << 20, True, 0.1, 0.5),
        (255 << 20, False, 0, 0),
        (511 << 20, False, 0.04, 0.06),
        (511 << 20, True, 0.1, 0.5),
        (512 << 20, False, math.inf, math.inf),
        (512 << 20, True, math.inf, math.inf),
    ],
)
def test_how_long_a_writer_rests(behind: int, searched: bool, least: float, most: float) -> None:
    assert least <= pause_seconds(behind, searched) <= most


def test_writers_keep_the_tail_short_beside_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that takes in 500 rows at most each time, slowly: with searches the writer waits for it, else not."""
    monkeypatch.setattr(upkeep, "_ABSORB_ROWS", 500)
    slow = HnswIndex.insert

    def insert(index: HnswIndex, numbers: np.ndarray[Any, np.dtype[np.uint32]], live: RowMask | None = None) -> None:
        time.sleep(0.02)
        slow(index, numbers, live)

    monkeypatch.setattr(HnswIndex, "insert", insert)
    assert tail_after_writing(searched=True) < tail_after_writing(searched=False) / 2


def tail_after_writing(searched: bool) -> int:
    """Rows that wait after a second and a half of batches of 100 rows, beside a thread that searches or not."""
    X = np.random.default_rng(1).standard_normal((2000, 512)).astype(np.float32)
    stop = threading.Event()
    with vecdb.connect(":memory:", threads=1) as db:
        docs = db.create_collection("docs", dimension=512, index=vecdb.Hnsw(m=4, ef_construction=10))
        docs.upsert(ids=np.arange(2000), vectors=X)
        docs.optimize()

        def search() -> None:
            while searched and not stop.is_set():
                docs.search(X[0])

        thread = threading.Thread(target=search)
        thread.start()
        try:
            end = time.monotonic() + 1.5
            first = 5000
            while time.monotonic() < end:
                docs.upsert(ids=np.arange(first, first + 100), vectors=X[:100] + np.float32(first))
                first += 100
            return docs.stats().vectors[""].rows_tail
        finally:
            stop.set()
            thread.join()


def test_the_tail_is_absorbed_without_being_asked() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=np.arange(3000), vectors=rows(3000))
        until(lambda: docs.stats().vectors[""].rows_tail == 0)
        assert docs.stats().vectors[""].rows_indexed == 3000


def test_a_failed_checkpoint_surfaces_in_optimize_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=np.arange(100), vectors=rows(100))
        with monkeypatch.context() as patch:

            def full(*_: object, **__: object) -> int:
                raise vecdb.StorageFull(path="disk", detail="for the test")

            patch.setattr(maintenance, "checkpoint", full)
            with pytest.raises(vecdb.StorageFull):
                docs.optimize()
            assert db.stats().checkpoint_sequence == 0
            docs.upsert(ids=[100], vectors=rows(1, 7))
        docs.optimize()
        assert db.stats().checkpoint_sequence == db.stats().sequence > 0
        assert docs.count() == 101


def test_a_snapshot_waits_for_a_step_and_not_for_all_of_optimize(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def absorb(upkeep: Upkeep, state: CollectionState) -> bool:
        time.sleep(0.001)
        return not done.is_set()

    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=np.arange(100), vectors=rows(100))
        monkeypatch.setattr(Upkeep, "absorb", absorb)
        thread = threading.Thread(target=docs.optimize)
        thread.start()
        assert db.snapshot(tmp_path / "file").sequence == 2
        assert thread.is_alive()
        done.set()
        thread.join()
    restore(tmp_path / "file", tmp_path / "restored")
    with vecdb.connect(tmp_path / "restored") as db:
        assert db["docs"].count() == 100


def test_what_a_task_between_steps_raises_reaches_who_asked_for_it(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        for error in (vecdb.StorageFull(path="disk", detail="for the test"), RuntimeError("for the test")):

            def fail(error: Exception = error) -> None:
                raise error

            with pytest.raises(type(error), match="for the test"):
                db._session.between_steps(fail)
        docs.upsert(ids=np.arange(100), vectors=rows(100))
        docs.optimize()
    with pytest.raises(vecdb.Closed):
        db._session.between_steps(lambda: None)


def test_checkpoints_cut_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHECKPOINT_BYTES", 1 << 20)
    with vecdb.connect(tmp_path / "db", durability="async") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, index=vecdb.Flat())
        for batch in range(20):
            docs.upsert(ids=np.arange(5000) + 5000 * batch, vectors=rows(5000, batch))
        until(lambda: db.stats().journal_bytes < 2 << 20)
        on_disk = sum(path.stat().st_size for path in (tmp_path / "db" / "journal").iterdir())
        assert on_disk < 8 << 20, "100,000 rows are more than 8 MiB of journal"


@pytest.mark.parametrize("index", [vecdb.Flat(), vecdb.Hnsw(m=8, ef_construction=40)])
def test_replaced_rows_are_used_again(tmp_path: Path, index: vecdb.Flat | vecdb.Hnsw) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, index=index)
        for turn in range(12):
            docs.upsert(ids=np.arange(2000), vectors=rows(2000, turn), payloads=[{"turn": turn}] * 2000)
            docs.optimize()
        assert docs._state.written_rows <= 3 * 2000, "every turn took new rows"
        vectors = rows(2000, 11)
        assert [hits.ids[0] for hits in docs.search(vectors[:50], k=1, exact=True)] == list(range(50))
        assert all(record.payload == {"turn": 11} for record in docs.scan())
        assert docs.verify().ok


@pytest.mark.parametrize("index", [vecdb.Flat(), vecdb.Hnsw(m=4, ef_construction=10)])
def test_disk_comes_back_when_rows_are_deleted(tmp_path: Path, index: vecdb.Flat | vecdb.Hnsw) -> None:
    X = np.random.default_rng(3).standard_normal((6000, 256)).astype(np.float32)
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", dimension=256, index=index)
        docs.upsert(ids=np.arange(6000), vectors=X)
        docs.optimize()
        full = docs.stats().vectors[""].disk_bytes
        docs.delete(ids=np.arange(1000, 6000))
        docs.optimize()
        assert docs.stats().vectors[""].disk_bytes < 0.3 * full
        docs.upsert(ids=np.arange(3000, 8000), vectors=X[1000:])
        docs.optimize()
        assert docs.stats().vectors[""].disk_bytes <= full
        assert docs.verify().ok
        for first, ids in ((0, np.arange(1000)), (1000, np.arange(3000, 8000))):
            found = [hits.ids[0] for hits in docs.search(X[first : first + 20], k=1, exact=True)]
            assert found == ids[:20].tolist()
    with vecdb.connect(tmp_path / "db") as db:
        assert db["docs"].verify().ok


@pytest.mark.parametrize("index", [vecdb.Flat(), vecdb.Hnsw(m=8, ef_construction=40)])
def test_without_files_rows_are_used_again_as_soon_as_they_are_healed(index: vecdb.Flat | vecdb.Hnsw) -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, index=index)
        for turn in range(12):
            docs.upsert(ids=np.arange(2000), vectors=rows(2000, turn))
            docs.optimize()
        assert docs._state.written_rows <= 2 * 2000, "every turn took new rows"
        assert [hits.ids[0] for hits in docs.search(rows(2000, 11)[:50], k=1, exact=True)] == list(range(50))
        assert docs.verify().ok


def test_replacing_half_of_the_rows_is_a_reason_to_measure_again() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, index=vecdb.Hnsw(m=8, ef_construction=40))
        docs.upsert(ids=np.arange(2000), vectors=rows(2000))
        docs.optimize()
        first = docs._state.curves[""]
        docs.upsert(ids=np.arange(200), vectors=rows(200, 1))
        docs.optimize()
        assert docs._state.curves[""] is first, "a tenth was replaced: the old curve does"
        docs.upsert(ids=np.arange(1000), vectors=rows(1000, 2))
        docs.optimize()
        assert docs._state.curves[""] is not first
        assert docs._state.curves[""].rows == first.rows


@pytest.mark.parametrize("asked_for", [False, True])
def test_rows_that_lost_their_way_in_are_found_again(asked_for: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the dot product short rows are nobody's nearest: later rows push them out of every list."""
    monkeypatch.setattr(upkeep, "_AUDIT_SECONDS", 3600.0 if asked_for else 0.3)
    random = np.random.default_rng(9)
    X = random.standard_normal((2600, 8)).astype(np.float32) * random.lognormal(0, 1, (2600, 1)).astype(np.float32)
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=8, metric="dot", index=vecdb.Hnsw(m=4, ef_construction=20))
        docs.upsert(ids=np.arange(2400), vectors=X[:2400])
        docs.optimize()
        docs.upsert(ids=np.arange(2400, 2600), vectors=X[2400:])
        index = docs._state.columns[""].index
        assert isinstance(index, HnswIndex)
        if asked_for:
            docs.optimize()
        else:
            until(lambda: docs.stats().vectors[""].rows_tail == 0 and index.inserted_since_audit == 0)
        assert index.inserted_since_audit == 0
        assert index.graph.relink() == 0
        assert len(index.graph) == 2600


def test_progress_of_optimize_ends_with_everything() -> None:
    seen: list[tuple[int, int]] = []
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(ids=np.arange(5000), vectors=rows(5000))
        docs.optimize(progress=lambda done, total: seen.append((done, total)))
    assert seen
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_memory_that_writing_and_indexing_needed_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(upkeep, "give_back_memory", lambda: given_back.append(len(given_back)))
    X = np.random.default_rng(5).standard_normal((1500, 1500), dtype=np.float32)
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=1500, index=vecdb.Hnsw(m=4, ef_construction=10))
        docs.upsert(ids=range(1000), vectors=X[:1000])
        docs.optimize()
        assert len(given_back) == 1, "at the end of optimize()"
        docs.upsert(ids=range(1000, 1500), vectors=X[1000:])
        docs.upsert(ids=range(1500), vectors=X)
        docs.upsert(ids=range(1500), vectors=X)
        until(lambda: len(given_back) > 1)  # after more than 16 MiB of vectors went into the index
