"""Many threads on one collection: no error, no row that never lived, no write that its writer cannot read."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from vecdb import field, has_id

DIMENSION = 16
SECONDS = 5.0
IDS = 2_000  # of each writer
STABLE = range(10**6, 10**6 + 200)  # rows that nobody deletes
K = 20


class Race:
    """Threads that run until time is up or one of them fails."""

    def __init__(self, seconds: float) -> None:
        self.errors: list[str] = []
        self.counts: dict[str, int] = {}
        self._deadline = time.monotonic() + seconds
        self._threads: list[threading.Thread] = []
        self._begun: list[tuple[str, Callable[[random.Random], None]]] = []

    def add(self, name: str, turn: Callable[[random.Random], None]) -> None:
        self._begun.append((name, turn))

    def run(self) -> None:
        seed = random.SystemRandom().randrange(2**32)
        for name, turn in self._begun:
            self._threads.append(threading.Thread(target=self._repeat, args=(name, turn, f"{seed} {name}")))
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(60)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        assert not stuck, f"seed {seed}: {len(stuck)} threads hang"
        assert not self.errors, f"seed {seed}\n" + "\n".join(self.errors)
        assert all(self.counts.get(name) for name, _ in self._begun), self.counts

    def _repeat(self, name: str, turn: Callable[[random.Random], None], seed: str) -> None:
        choose = random.Random(seed)
        try:
            while time.monotonic() < self._deadline and not self.errors:
                turn(choose)
                self.counts[name] = self.counts.get(name, 0) + 1
        except BaseException:
            self.errors.append(f"{name}: {traceback.format_exc()}")


def vector_of(row_id: int, version: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng([row_id, version]).standard_normal(DIMENSION, dtype=np.float32)


class Writer:
    """Writes its own ids, each time with the next version, and reads back every batch at once."""

    def __init__(self, docs: vecdb.Collection, number: int, born: dict[int, int], gone: set[int]) -> None:
        self._docs = docs
        self._ids = range(number * 100_000, number * 100_000 + IDS)
        self._born = born
        self._gone = gone
        self._version = 0
        self.searches = self.misses = 0

    def turn(self, choose: random.Random) -> None:
        self._version += 1
        count = choose.randint(1, 40)
        ids = [row_id for row_id in choose.sample(self._ids, count) if row_id not in self._gone] or [self._ids[0]]
        vectors = np.stack([vector_of(row_id, self._version) for row_id in ids])
        for row_id in ids:  # may be found from now on
            self._born[row_id] = self._version
        payloads = [{"version": self._version, "id": row_id} for row_id in ids]
        self._docs.upsert(ids=ids, vectors=vectors, payloads=payloads)
        place = choose.randrange(len(ids))
        query, gone = vectors[place], ids[place] in self._gone
        for hits in (
            self._docs.search(query, k=3, exact=True),
            self._docs.search(query, k=3, where=field("version") == self._version, exact=True),
            self._docs.search(query, k=3, ef=500),
        ):
            assert gone or hits.ids[0] == ids[place], f"{ids[place]}: {hits}, {hits.plan}"
        # A walk of a few steps may miss a row that the graph has taken in meanwhile, but seldom.
        self.searches += 1
        self.misses += not gone and self._docs.search(query, k=3).ids[0] != ids[place]
        records = self._docs.get(ids)
        assert {record.id: record.payload["version"] for record in records if record.id not in self._gone} == {
            row_id: self._version for row_id in ids if row_id not in self._gone
        }


@pytest.mark.slow
@pytest.mark.parametrize("where", ["memory", "disk"])
def test_readers_and_writers_at_once(where: str, tmp_path: Path) -> None:
    with vecdb.connect(":memory:" if where == "memory" else str(tmp_path / "db")) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2", fields={"version": "integer"})
        stable = np.stack([vector_of(row_id, 0) for row_id in STABLE])
        docs.upsert(ids=list(STABLE), vectors=stable, payloads=[{"version": 0, "id": row_id} for row_id in STABLE])
        born: dict[int, int] = dict.fromkeys(STABLE, 0)
        gone: set[int] = set()
        asked: set[int] = set()

        def delete(choose: random.Random) -> None:
            ids = [row_id for row_id in list(born) if row_id < STABLE[0] and row_id % 7 == 0 and row_id not in asked]
            ids = choose.sample(ids, min(len(ids), 10))
            if not ids:
                time.sleep(0.01)
                return
            gone.update(ids)  # their writers touch them no more; one write may be under way
            asked.update(ids)
            time.sleep(0.2)
            docs.delete(ids=ids)
            assert docs.get(ids) == []
            assert not set(ids) & set(docs.search(vector_of(ids[0], born[ids[0]]), k=K, exact=True).ids)

        def search(choose: random.Random) -> None:
            query = vector_of(choose.randrange(10**6), 99)
            how: dict[str, Any] = choose.choice([{}, {"exact": True}, {"ef": 100}])
            limited = choose.random() < 0.3
            hits = docs.search(query, k=K, where=field("version") >= 0 if limited else None, **how)
            assert len(hits) == K == len(set(hits.ids))
            for hit in hits:
                assert isinstance(hit.id, int)
                assert hit.id in born
                assert hit.payload["id"] == hit.id
                assert hit.payload["version"] <= born[hit.id]

        def search_many(choose: random.Random) -> None:
            rows = [choose.randrange(len(STABLE)) for _ in range(8)]
            for row, hits in zip(rows, docs.search(stable[rows], k=K), strict=True):
                assert len(hits) == K
                assert hits.ids[0] == STABLE[row], "a row that nobody touches was not found by its own vector"

        def scan(choose: random.Random) -> None:
            seen = [record.id for record in docs.scan(batch=choose.choice([10, 1000]))]
            assert len(seen) == len(set(seen)), "a row came twice"
            assert set(STABLE) <= set(seen)
            assert docs.count() >= len(STABLE)

        def optimize(choose: random.Random) -> None:
            time.sleep(choose.uniform(0, 1))
            docs.optimize(wait=True)

        race = Race(SECONDS)
        writers = [Writer(docs, number + 1, born, gone) for number in range(2)]
        for number, writer in enumerate(writers):
            race.add(f"writer {number}", writer.turn)
        race.add("deleter", delete)
        for number in range(3):
            race.add(f"searcher {number}", search)
        race.add("batch searcher", search_many)
        race.add("scanner", scan)
        race.add("optimizer", optimize)
        race.run()
        for writer in writers:
            assert writer.misses <= 0.05 * writer.searches + 3, (writer.misses, writer.searches)
        assert docs.verify().ok
        expected = {row_id for row_id in born if row_id not in asked}
        left = {int(str(record.id)) for record in docs.scan()}
        assert expected <= left <= expected | asked


def test_writers_of_one_id_leave_one_whole_row() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2")

        def write(choose: random.Random) -> None:
            version = choose.randrange(10**6)
            ids = choose.sample(range(10), 5)
            vectors = np.full((5, DIMENSION), version, np.float32)
            docs.upsert(ids=ids, vectors=vectors, payloads=[{"version": version}] * 5)
            docs.update(ids=choose.sample(range(10), 3), set={"other": version})
            if choose.random() < 0.2:
                docs.delete(ids=choose.sample(range(10), 3))

        def read(choose: random.Random) -> None:
            records = docs.get(list(range(10)))
            assert len({record.id for record in records}) == len(records) <= 10
            hits = docs.search(np.zeros(DIMENSION, np.float32), k=10, exact=True)
            assert len(set(hits.ids)) == len(hits.ids) <= 10

        race = Race(1.5)
        for number in range(4):
            race.add(f"writer {number}", write)
        race.add("reader", read)
        race.run()
        for record in docs.get(list(range(10)), with_vectors=True):
            assert record.vectors is not None
            assert (record.vectors[""] == record.payload["version"]).all(), "a payload and a vector of different writes"
        assert docs.count() == len(list(docs.scan())) == len(docs.search(np.zeros(DIMENSION), k=100, exact=True))


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_a_batch_is_seen_whole_or_not_at_all(where: str, tmp_path: Path) -> None:
    with vecdb.connect(":memory:" if where == "memory" else str(tmp_path / "db")) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2")
        ids = list(range(50))

        def write(choose: random.Random) -> None:
            version = choose.randrange(1, 1000)
            docs.upsert(ids=ids, vectors=np.full((50, DIMENSION), version, np.float32))

        def search(choose: random.Random) -> None:
            hits = docs.search(np.zeros(DIMENSION, np.float32), k=100, exact=choose.random() < 0.5)
            assert sorted(hits.ids) == ids, len(hits)
            assert len(set(hits.scores.tolist())) == 1, "rows of two writes in one answer"

        write(random.Random(1))
        race = Race(2)
        race.add("writer", write)
        for number in range(3):
            race.add(f"searcher {number}", search)
        race.run()


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_an_id_that_is_there_is_always_found(where: str, tmp_path: Path) -> None:
    with vecdb.connect(":memory:" if where == "memory" else str(tmp_path / "db")) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2", fields={"n": "integer"})
        ids = [*range(20), "a", "b"]

        def write(choose: random.Random) -> None:
            docs.upsert(
                ids=ids, vectors=np.full((22, DIMENSION), choose.random(), np.float32), payloads=[{"n": 1}] * 22
            )

        def read(choose: random.Random) -> None:
            wanted = choose.sample(ids, 5)
            assert [record.id for record in docs.get(wanted)] == wanted
            assert docs.count(where=has_id(wanted)) == 5
            hits = docs.search(np.zeros(DIMENSION, np.float32), k=10, where=has_id(wanted))
            assert sorted(map(str, hits.ids)) == sorted(map(str, wanted))
            assert docs.count(where=field("n") == 1) == 22

        write(random.Random(1))
        race = Race(2)
        for number in range(2):
            race.add(f"writer {number}", write)
            race.add(f"reader {number}", read)
        race.run()


@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize("index", [vecdb.Hnsw(), vecdb.Flat()])
def test_what_a_reader_holds_stays_as_it_was(where: str, index: vecdb.Hnsw | vecdb.Flat, tmp_path: Path) -> None:
    with vecdb.connect(":memory:" if where == "memory" else str(tmp_path / "db")) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2", index=index)
        vectors = np.random.default_rng(1).standard_normal((2_000, DIMENSION), dtype=np.float32)
        docs.upsert(ids=list(range(2_000)), vectors=vectors, payloads=[{"n": n} for n in range(2_000)])
        docs.optimize(wait=True)
        hits, scan = docs.search(vectors[0], k=1_000, exact=True), docs.scan(batch=50)
        first = next(scan)
        # The last state that shows the old rows is not the one that the readers hold.
        docs.upsert(ids=["one more"], vectors=vectors[:1])
        for turn in range(3):
            docs.delete(ids=list(range(2_000)))
            docs.optimize(wait=True)
            docs.upsert(
                ids=[f"{turn} {n}" for n in range(2_000)], vectors=vectors, payloads=[{"new": n} for n in range(2_000)]
            )
            docs.optimize(wait=True)
        records = [first, *scan]
        assert {record.id: record.payload for record in records} == {n: {"n": n} for n in range(2_000)}
        assert [hit.payload for hit in hits] == [{"n": row_id} for row_id in hits.ids]
        assert len(set(hits.ids)) == 1_000
        assert docs.count() == 6_001
        assert docs.verify().ok


@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize("open_seconds", [0.05, 0.1, 0.2, 0.3, 0.5])
def test_close_beside_running_calls(where: str, open_seconds: float, tmp_path: Path) -> None:
    path = ":memory:" if where == "memory" else str(tmp_path / "db")
    db = vecdb.connect(path)
    docs = db.create_collection("docs", dimension=DIMENSION, metric="l2", fields={"n": "integer"})
    vectors = np.random.default_rng(1).standard_normal((3_000, DIMENSION), dtype=np.float32)
    docs.upsert(ids=list(range(3_000)), vectors=vectors, payloads=[{"n": n} for n in range(3_000)])
    acknowledged: list[int] = []
    outcomes: list[str] = []

    def upsert(turn: int) -> None:
        docs.upsert(ids=[10_000 + turn], vectors=vectors[:1])
        acknowledged.append(10_000 + turn)

    calls: list[Callable[[int], object]] = [
        upsert,
        lambda turn: docs.search(vectors[turn % 3_000], k=10),
        lambda turn: docs.search(vectors[turn % 10 : 100], k=10, exact=True),
        lambda turn: [record.id for record in docs.scan(batch=100 + turn % 10)],
        lambda turn: docs.count(where=field("n") > turn),
        lambda _: docs.optimize(wait=True),
        lambda turn: docs.get([turn, 2, 3], with_vectors=True),
        lambda turn: docs.update(ids=[turn % 3_000], set={"n": turn}),
    ]

    def repeat(call: Callable[[int], object]) -> None:
        turn = 4
        try:
            while True:
                call(turn)
                turn += 1
        except vecdb.Closed:
            outcomes.append("closed")
        except BaseException:
            outcomes.append(traceback.format_exc())

    threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    time.sleep(open_seconds)
    db.close()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads), "a call outlived close() by 20 s"
    assert outcomes == ["closed"] * len(calls), "\n".join(outcomes)
    db.close()
    if where == "disk":
        with vecdb.connect(path) as again:
            assert len(again["docs"].get(acknowledged)) == len(acknowledged)
            assert again["docs"].verify().ok


def test_a_forked_child_is_told_and_its_parent_unharmed(tmp_path: Path) -> None:
    with vecdb.connect(str(tmp_path / "db")) as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2")
        rows = np.ones((3, DIMENSION), np.float32)
        docs.upsert(ids=[1, 2, 3], vectors=rows)
        calls: list[Callable[[], object]] = [
            lambda: docs.search(rows[0], k=1),
            lambda: docs.search(rows, k=1),
            lambda: docs.upsert(ids=[4], vectors=rows[:1]),
            lambda: docs.delete(ids=[1]),
            lambda: docs.update(ids=[1], set={"a": 1}),
            lambda: docs.get([1]),
            lambda: docs.count(),
            lambda: list(docs.scan()),
            lambda: docs.optimize(wait=True),
            lambda: db.create_collection("more", dimension=2),
            lambda: db.drop_collection("docs"),
            lambda: db["docs"],
            lambda: vecdb.connect(str(tmp_path / "db")),
        ]
        answers = in_child(lambda: [error_of(call) for call in calls] + [error_of(db.close)])
        assert answers[:-2] == ["Forked"] * (len(calls) - 1), answers
        assert answers[-2:] in (["Locked", "none"], ["Locked", "Forked"]), answers
        docs.upsert(ids=[4], vectors=rows[:1])
        assert sorted(docs.search(rows[0], k=10).ids) == [1, 2, 3, 4]
        with pytest.raises(vecdb.Locked):
            vecdb.connect(str(tmp_path / "db"))
    with vecdb.connect(str(tmp_path / "db")) as db:
        assert db["docs"].count() == 4


def in_child(call: Callable[[], list[str]]) -> list[str]:
    """What `call` returns in a forked child, which must end within 20 s."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(20)
            os.write(writing, "\n".join(call()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as answers:
        text = answers.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {status} after {text!r}"
    return text.split("\n")


def error_of(call: Callable[[], object]) -> str:
    try:
        call()
    except BaseException as error:
        return type(error).__name__
    return "none"
