"""Creating, using and dropping the same collections from many threads, with the background at work."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import vecdb
from vecdb import field

THREADS = 6
DIMENSION = 8
ROWS = np.random.default_rng(1).standard_normal((1_200, DIMENSION), dtype=np.float32)


def together(tasks: list[Callable[[], object]]) -> list[object]:
    """What each task returned, all begun at one moment; its traceback where it raised."""
    gate = threading.Barrier(len(tasks))
    results: list[object] = [None] * len(tasks)

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = tasks[place]()
        except vecdb.Error as error:
            results[place] = type(error)
        except BaseException:
            results[place] = traceback.format_exc()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_of_many_creators_and_droppers_one_wins(where: str, tmp_path: Path) -> None:
    path = ":memory:" if where == "memory" else str(tmp_path / "db")
    with vecdb.connect(path, durability="async") as db:
        for turn in range(20):
            created = together([lambda: db.create_collection("docs", dimension=DIMENSION).name] * THREADS)
            assert created.count("docs") == 1, created
            assert created.count(vecdb.CollectionExists) == THREADS - 1, created
            assert db.collections() == ["docs"]
            db["docs"].upsert(ids=[turn], vectors=ROWS[:1])
            assert [record.id for record in db["docs"].scan()] == [turn]
            dropped = together([lambda: db.drop_collection("docs")] * THREADS)
            assert dropped.count(None) == 1, dropped
            assert dropped.count(vecdb.CollectionNotFound) == THREADS - 1, dropped
            assert db.collections() == []
    if where == "disk":
        with vecdb.connect(path) as db:
            assert db.collections() == []


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_asking_for_a_collection_that_comes_and_goes(where: str, tmp_path: Path) -> None:
    path = ":memory:" if where == "memory" else str(tmp_path / "db")
    with vecdb.connect(path, durability="async") as db:
        stop = threading.Event()

        def come_and_go() -> int:
            for turn in range(150):
                db.create_collection("docs", dimension=DIMENSION).upsert(ids=[turn], vectors=ROWS[:1])
                db.drop_collection("docs")
            stop.set()
            return 150

        def ask(_: int) -> None:
            try:
                docs = db["docs"]
                assert docs.count() <= 1
                assert len(docs.search(ROWS[0], k=3).payloads) <= 1
            except vecdb.CollectionNotFound:
                pass
            assert db.collections() in ([], ["docs"])
            assert db.stats().collections <= 1

        *asked, turns = together([*[partial(repeated, ask, stop)] * 3, come_and_go])
        assert turns == 150, turns
        assert all(isinstance(each, int) for each in asked), asked


def test_dropped_collections_leave_no_files_open(tmp_path: Path) -> None:
    with vecdb.connect(str(tmp_path / "db"), durability="async") as db:
        counts = []
        for turn in range(60):
            db.create_collection("docs", dimension=DIMENSION).upsert(ids=[turn], vectors=ROWS[:1])
            db.drop_collection("docs")
            counts.append(len(os.listdir("/proc/self/fd")))
        assert counts[-1] <= counts[9] + 5, counts


def calls_on(docs: vecdb.Collection) -> list[Callable[[int], object]]:
    """Every verb, by turn."""
    return [
        lambda n: docs.search(ROWS[n], k=5).payloads,
        lambda n: docs.search(ROWS[:50], k=5, exact=n % 2 == 0),
        lambda n: docs.upsert(ids=[f"new {n}"], vectors=ROWS[:1]),
        lambda n: docs.update(ids=[n], set={"n": 0}),
        lambda n: docs.count(where=field("n") < n),
        lambda n: [record.id for record in docs.scan(batch=10 + n % 10)],
        lambda n: docs.get([n], with_vectors=True),
        lambda _: docs.optimize(wait=True),
    ]


def repeated(call: Callable[[int], object], stop: threading.Event) -> int:
    turns = 0
    while not stop.is_set():
        call(turns % 1_000)
        turns += 1
    call(turns % 1_000)  # on a busy machine the one before may have begun before whatever the others did
    return turns


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_calls_beside_a_drop_work_or_say_so(where: str, tmp_path: Path) -> None:
    path = ":memory:" if where == "memory" else str(tmp_path / "db")
    seed = random.SystemRandom().randrange(2**32)
    choose = random.Random(seed)
    with vecdb.connect(path) as db:
        kept = db.create_collection("kept", dimension=DIMENSION, fields={"n": "integer"})
        for turn in range(6):
            docs = db.create_collection("docs", dimension=DIMENSION, fields={"n": "integer"})
            docs.upsert(ids=list(range(1_200)), vectors=ROWS, payloads=[{"n": n} for n in range(1_200)])
            stop = threading.Event()

            def drop(docs: vecdb.Collection, stop: threading.Event) -> str:
                time.sleep(choose.uniform(0, 0.3))
                db.drop_collection("docs")
                with pytest.raises(vecdb.CollectionNotFound):
                    docs.upsert(ids=["late"], vectors=ROWS[:1])
                time.sleep(0.1)
                stop.set()
                return "dropped"

            tasks: list[Callable[[], object]] = [partial(repeated, call, stop) for call in calls_on(docs)]
            tasks.append(partial(repeated, lambda n: kept.upsert(ids=[n], vectors=ROWS[:1]), stop))
            *outcomes, kept_turns, dropped = together([*tasks, partial(drop, docs, stop)])
            assert dropped == "dropped", (seed, dropped)
            assert isinstance(kept_turns, int), (seed, kept_turns)
            for place, outcome in enumerate(outcomes):
                assert outcome is vecdb.CollectionNotFound, (seed, turn, place, outcome)
        count = kept.count()
    if where == "disk":
        with vecdb.connect(path) as db:
            assert db.collections() == ["kept"]
            assert db["kept"].count() == count
            assert db["kept"].verify().ok
            assert len(list((tmp_path / "db" / "collections").iterdir())) == 1, "files of dropped collections stay"


def test_collections_made_during_checkpoints_keep_their_rows(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with vecdb.connect(path, durability="async") as db:
        first = db.create_collection("first", dimension=DIMENSION)
        first.upsert(ids=[0], vectors=ROWS[:1])
        stop = threading.Event()

        def optimize() -> int:
            turns = 0
            while not stop.is_set():
                first.upsert(ids=[0], vectors=ROWS[:1])
                first.optimize(wait=True)
                turns += 1
            return turns

        def create(thread: int) -> int:
            for number in range(25):
                docs = db.create_collection(f"{thread}-{number}", dimension=DIMENSION)
                docs.upsert(ids=[1, 2], vectors=ROWS[:2], payloads=[{"thread": thread}, {"number": number}])
            if thread == 0:
                time.sleep(0.2)
                stop.set()
            return 25

        *created, optimized = together([*(partial(create, thread) for thread in range(3)), optimize])
        assert created == [25] * 3, created
        assert isinstance(optimized, int), optimized
    with vecdb.connect(path) as db:
        assert len(db.collections()) == 76
        for thread in range(3):
            for number in range(25):
                docs = db[f"{thread}-{number}"]
                assert {record.id: record.payload for record in docs.scan()} == {
                    1: {"thread": thread},
                    2: {"number": number},
                }
                assert len(docs.search(ROWS[0], k=5, exact=True)) == 2
