"""Rows that went out to a file and came back are the rows that were there."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

import vecdb
from tests.reference_collection import typed

FORMS = (".jsonl", ".npy", ".parquet")
SEED = int(os.environ.get("VECDB_TEST_SEED", "20261120"))
IDS: list[vecdb.Id] = [0, 2**63 - 1, "0", "ünï \n\0", "x" * 1024, UUID(int=0), UUID(int=2**128 - 1)]
PAYLOAD = {"text": 'a "quote", ü, 数, \u2028 and \0', "n": [1, -(2**63), 2**64 - 1, 1.5, True, None], "deep": {"": {}}}
VECTORS: dict[str, dict[str, vecdb.Vector]] = {
    "l2": {"": vecdb.Vector(3, metric="l2")},
    "dot": {"": vecdb.Vector(1, metric="dot", index=vecdb.Flat())},
    "cosine": {"": vecdb.Vector(50)},
    "named": {"only": vecdb.Vector(4, metric="l2")},
    "two": {"text": vecdb.Vector(4, metric="l2"), "image": vecdb.Vector(2, metric="dot")},
}
# What float32 can be asked to hold: the edges, both zeros, subnormals, and what decimal digits round badly.
EDGES = np.array([0.0, -0.0, 1e-45, -1.1754942e-38, 3.4028235e38, 16777217, 0.1, 1 / 3, 9.999999e-5], np.float32)


@pytest.fixture
def db() -> Iterator[vecdb.Database]:
    with vecdb.connect(":memory:") as db:
        yield db


def _ignore(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def contents(docs: vecdb.Collection) -> dict[Any, Any]:
    return {
        typed(record.id): (record.payload, {name: row.tobytes() for name, row in (record.vectors or {}).items()})
        for record in docs.scan(with_vectors=True)
    }


def matrix(random: np.random.Generator, rows: int, dimension: int) -> npt.NDArray[np.float32]:
    """Any finite float32 bits, and the edges."""
    bits = random.integers(0, 2**32, (rows, dimension), dtype=np.uint32).view(np.float32)
    bits = np.where(np.isfinite(bits), bits, random.choice(EDGES, bits.shape))
    return np.where(random.random(bits.shape) < 0.1, random.choice(EDGES, bits.shape), bits).astype(np.float32)


def filled(db: vecdb.Database, vectors: dict[str, vecdb.Vector], rows: int, name: str = "docs") -> vecdb.Collection:
    random = np.random.default_rng(SEED)
    docs = db.create_collection(name, vectors=vectors)
    ids = [*IDS, *range(1, rows)][:rows]
    arrays = {
        name: matrix(random, rows, vector.dimension)
        if vector.metric != "cosine"
        else random.standard_normal((rows, vector.dimension), dtype=np.float32)
        for name, vector in vectors.items()
    }
    docs.upsert(ids, arrays, [PAYLOAD if row % 2 else {} for row in range(rows)])
    return docs


@pytest.mark.parametrize("rows", [0, 1, 2345])
@pytest.mark.parametrize("vectors", ["l2", "dot", "named", "two"])
@pytest.mark.parametrize("form", FORMS)
def test_rows_come_back_to_the_bit(db: vecdb.Database, tmp_path: Path, form: str, vectors: str, rows: int) -> None:
    if form == ".npy" and len(VECTORS[vectors]) > 1:
        return
    docs = filled(db, VECTORS[vectors], rows)
    assert docs.export(tmp_path / f"rows{form}") == rows
    other = db.create_collection("other", vectors=VECTORS[vectors])
    written = other.import_(str(tmp_path / f"rows{form}"))
    assert (written.count, written.sequence) == (rows, other.stats().sequence)
    assert contents(other) == contents(docs), f"seed {SEED}"


@pytest.mark.parametrize("form", FORMS)
def test_unit_vectors_stay_as_they_are(db: vecdb.Database, tmp_path: Path, form: str) -> None:
    docs = filled(db, VECTORS["cosine"], 2000)
    docs.export(tmp_path / f"rows{form}")
    other = db.create_collection("other", vectors=VECTORS["cosine"])
    other.import_(tmp_path / f"rows{form}")
    assert contents(other) == contents(docs), f"seed {SEED}"


@pytest.mark.parametrize("form", FORMS)
def test_import_replaces_rows_and_keeps_others(db: vecdb.Database, tmp_path: Path, form: str) -> None:
    docs = filled(db, VECTORS["l2"], 20)
    docs.export(tmp_path / f"rows{form}")
    before = contents(docs)
    docs.upsert([0, 5, "new"], np.ones((3, 3)), [{"changed": True}] * 3)
    assert docs.import_(tmp_path / f"rows{form}").count == 20
    assert len(docs) == 21
    docs.delete(["new"])
    assert contents(docs) == before


@pytest.mark.parametrize("form", FORMS)
def test_progress_counts_rows(db: vecdb.Database, tmp_path: Path, form: str) -> None:
    docs = filled(db, VECTORS["l2"], 2345)
    calls: list[tuple[int, int]] = []

    def report(done: int, total: int) -> None:
        calls.append((done, total))

    docs.export(tmp_path / f"rows{form}", progress=report)
    assert calls == [(1000, 2345), (2000, 2345), (2345, 2345)]
    calls.clear()
    docs.import_(tmp_path / f"rows{form}", batch=900, progress=report)
    assert calls == [(900, 2345), (1800, 2345), (2345, 2345)]


@pytest.mark.parametrize("form", FORMS)
def test_an_export_that_stops_leaves_the_old_file(db: vecdb.Database, tmp_path: Path, form: str) -> None:
    docs = filled(db, VECTORS["l2"], 2345)
    docs.export(tmp_path / f"rows{form}")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    docs.delete([0])

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        docs.export(tmp_path / f"rows{form}", progress=stop)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    docs.export(tmp_path / f"rows{form}")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before)
    assert docs.import_(tmp_path / f"rows{form}").count == 2344


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_leaves_the_old_file(
    db: vecdb.Database, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = filled(db, VECTORS["l2"], 50)
    docs.export(tmp_path / f"rows{form}")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    docs.delete([0])

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(vecdb.StorageFull, match=f"rows{form}"):
        docs.export(tmp_path / f"rows{form}")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_one_snapshot(db: vecdb.Database, tmp_path: Path, form: str) -> None:
    """Every write moves all rows to the next round; a file never holds two rounds, nor more or fewer rows."""
    docs = db.create_collection("docs", dimension=2, metric="l2")
    ids = list(range(1500))

    def write(number: int) -> None:
        docs.upsert(ids, np.full((len(ids), 2), number, np.float32), [{"round": number}] * len(ids))
        docs.delete(["extra"])
        docs.upsert(["extra"], np.full((1, 2), number), [{"round": number}])

    write(0)
    done = threading.Event()

    def keep_writing() -> None:
        number = 0
        while not done.is_set():
            write(number := number + 1)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for attempt in range(6):
            rows = docs.export(tmp_path / f"rows{form}")
            other = db.create_collection(f"other{attempt}", dimension=2, metric="l2")
            assert other.import_(tmp_path / f"rows{form}").count == rows == len(other)
            found = [record for record in other.scan(with_vectors=True) if record.id != "extra"]
            assert {record.id for record in found} == set(ids)
            rounds = {record.payload["round"] for record in found}
            assert len(rounds) == 1
            assert all((record.vectors or {})[""].tolist() == [*rounds, *rounds] for record in found)
    finally:
        done.set()
        writer.join()


def test_each_batch_is_all_or_nothing(db: vecdb.Database, tmp_path: Path) -> None:
    docs = db.create_collection("docs", dimension=2, fields={"year": "integer"})
    lines = [f'{{"id": {row}, "payload": {{"year": 2000}}, "vector": [1, 2]}}\n' for row in range(100)]
    lines[57] = lines[57].replace("2000", '"old"')
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(lines))
    with pytest.raises(vecdb.InvalidPayload) as raised:
        docs.import_(path, batch=10)
    assert (raised.value.row, raised.value.field) == (57, "year")
    assert str(path) in str(raised.value)
    assert sorted(record.id for record in docs.scan()) == list(range(50))


@pytest.mark.parametrize(
    ("ids", "vectors", "payloads", "expected", "facts"),
    [
        ([*range(1500), 3], 1501, None, vecdb.DuplicateId, {"first_row": 3, "second_row": 1500}),
        ([*range(1500), -3], 1501, None, vecdb.InvalidId, {"row": 1500}),
        (range(1500), 1499, None, vecdb.InvalidValue, {}),
        (range(1500), 1500, [{}] * 1501, vecdb.InvalidValue, {}),
        ("text", 4, None, vecdb.InvalidType, {}),
        (iter([1]), 1, None, vecdb.InvalidType, {}),
    ],
)
def test_upsert_in_batches_refuses_before_the_first(
    db: vecdb.Database, ids: Any, vectors: int, payloads: Any, expected: type[vecdb.Error], facts: dict[str, int]
) -> None:
    docs = db.create_collection("docs", dimension=2)
    with pytest.raises(expected) as raised:
        docs.upsert(ids, np.ones((vectors, 2)), payloads, progress=_ignore)
    assert {name: getattr(raised.value, name) for name in facts} == facts
    assert len(docs) == 0


@pytest.mark.parametrize("as_lists", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 1000, 2001])
def test_upsert_in_batches_writes_the_same_rows(db: vecdb.Database, rows: int, as_lists: bool) -> None:
    X: Any = np.random.default_rng(SEED).standard_normal((rows, 4), dtype=np.float32)
    payloads = [{"row": row} for row in range(rows)]
    whole, batched = (db.create_collection(name, dimension=4, metric="l2") for name in ("whole", "batched"))
    for first in range(0, rows, 500):
        whole.upsert(list(range(first, min(first + 500, rows))), X[first : first + 500], payloads[first : first + 500])
    calls: list[tuple[int, int]] = []
    given = X.tolist() if as_lists and rows else X
    result = batched.upsert(
        np.arange(rows), {"": given}, payloads, progress=lambda done, total: calls.append((done, total))
    )
    assert (result.count, result.sequence) == (rows, batched.stats().sequence)
    assert contents(batched) == contents(whole)
    assert calls == [(min(done, rows), rows) for done in range(1000, rows + 1000, 1000)] or calls == [(0, 0)]


def test_upsert_in_batches_counts_rows_from_the_first(db: vecdb.Database) -> None:
    docs = db.create_collection("docs", dimension=2)
    X = np.ones((3000, 2), np.float32)
    X[2500, 1] = np.nan
    with pytest.raises(vecdb.InvalidVector) as raised:
        docs.upsert(np.arange(3000), X, progress=_ignore)
    assert raised.value.row == 2500
    assert len(docs) == 2000


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rows.csv", vecdb.InvalidValue),
        ("rows", vecdb.InvalidValue),
        ("not/there/rows.jsonl", vecdb.InvalidValue),
        ("null\0.jsonl", vecdb.InvalidValue),
        ("folder.npy", vecdb.InvalidValue),
        (b"rows.jsonl", vecdb.InvalidType),
        (5, vecdb.InvalidType),
        (None, vecdb.InvalidType),
    ],
)
def test_paths_that_cannot_be(db: vecdb.Database, tmp_path: Path, path: Any, expected: type[vecdb.Error]) -> None:
    docs = filled(db, VECTORS["l2"], 3)
    (tmp_path / "folder.npy").mkdir()
    where = str(tmp_path / path) if isinstance(path, str) else path
    for call in (docs.export, docs.import_):
        with pytest.raises(expected):
            call(where)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.npy"]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_not_there(db: vecdb.Database, tmp_path: Path, form: str) -> None:
    docs = filled(db, VECTORS["l2"], 3)
    with pytest.raises(vecdb.InvalidValue, match="that is there"):
        docs.import_(tmp_path / f"rows{form}")


@pytest.mark.parametrize(
    ("batch", "expected"),
    [(0, vecdb.InvalidValue), (100_001, vecdb.InvalidValue), (True, vecdb.InvalidType), (1.0, vecdb.InvalidType)],
)
def test_batches_that_cannot_be(db: vecdb.Database, tmp_path: Path, batch: Any, expected: type[vecdb.Error]) -> None:
    docs = filled(db, VECTORS["l2"], 3)
    docs.export(tmp_path / "rows.jsonl")
    with pytest.raises(expected):
        docs.import_(tmp_path / "rows.jsonl", batch=batch)


def test_a_closed_database_neither_exports_nor_imports(tmp_path: Path) -> None:
    db = vecdb.connect(":memory:")
    docs = filled(db, VECTORS["l2"], 3)
    docs.export(tmp_path / "rows.jsonl")
    db.close()
    for call in (docs.export, docs.import_):
        with pytest.raises(vecdb.Closed):
            call(tmp_path / "rows.jsonl")
