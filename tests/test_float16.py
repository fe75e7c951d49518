"""Rows of float16 as a user sees them: what is stored is what numpy rounds to, and searches score that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pytest

import vecdb
from tests.directory_image import copy_quiet
from vecdb.database import restore
from vecdb.server import Server, ServerSettings
from vecdb.storage.manifest import load_manifest

SEED = 16
ROWS, DIMENSION, K = 1_400, 24, 10  # enough for a graph that is walked by codes
METRICS = ["cosine", "dot", "l2"]
INDEXES: list[vecdb.Hnsw | vecdb.Flat] = [vecdb.Hnsw(m=12, ef_construction=80), vecdb.Flat()]
EPSILON = 1e-5  # of a sum in float32, relative to its terms

Floats = npt.NDArray[np.float32]


def clustered(rows: int, sample: int) -> Floats:
    """Rows about 30 centres, which every sample shares."""
    centres = np.random.default_rng(SEED).standard_normal((30, DIMENSION))
    rng = np.random.default_rng([SEED, sample])
    X = centres[rng.integers(0, 30, rows)] + 0.4 * rng.standard_normal((rows, DIMENSION))
    return X.astype(np.float32)


X = clustered(ROWS, 1)
QUERIES = clustered(25, 2)


def check_rows(records: list[vecdb.Record], metric: str, given: Floats = X, name: str = "") -> Floats:
    """The rows that are stored, as float32: those that numpy rounds `given` to."""
    assert [record.id for record in records] == list(range(len(given)))
    found = np.stack([record.vectors[name] for record in records if record.vectors is not None])
    assert found.dtype == np.float32
    if metric != "cosine":
        assert np.array_equal(found, given.astype(np.float16).astype(np.float32)), f"seed {SEED}"
        return found
    wide = given.astype(np.float64)
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    halves = unit.astype(np.float16)
    # Where float32's own rounding goes first, a number half way between two halves may become either.
    assert (np.abs(found - halves) <= np.spacing(np.abs(halves))).all(), f"seed {SEED}"
    assert np.count_nonzero(found != halves) <= 1e-3 * halves.size, f"seed {SEED}"
    return found


def scores(stored: Floats, query: Floats, metric: str) -> npt.NDArray[np.float64]:
    """Of a query to every stored row, in float64: under cosine the row's length is taken as one."""
    wide, asked = stored.astype(np.float64), query.astype(np.float64)
    if metric == "l2":
        return np.asarray(-((wide - asked) ** 2).sum(axis=1))
    return np.asarray(wide @ (asked / np.linalg.norm(asked) if metric == "cosine" else asked))


def check_searches(docs: Any, stored: Floats, metric: str, recall: float = 0.95, using: str | None = None) -> None:
    found = 0
    batch = docs.search(QUERIES, k=K, exact=True, using=using)
    for query, together in zip(QUERIES, batch, strict=True):
        truth = scores(stored, query, metric)
        best = np.sort(truth)[::-1][:K]
        tolerance = EPSILON * (1 + float(np.abs(truth).max()))
        exact = docs.search(query, k=K, exact=True, using=using)
        for hits in (exact, together, docs.search(query, k=K, where={"even": True}, using=using)):
            np.testing.assert_allclose(hits.scores, truth[hits.ids], atol=tolerance, err_msg=f"seed {SEED}")
        np.testing.assert_allclose(exact.scores, best, atol=tolerance, err_msg=f"seed {SEED}")
        assert (exact.ids, exact.scores.tolist()) == (together.ids, together.scores.tolist())
        walked = docs.search(query, k=K, ef=100, using=using, with_vectors=True)
        np.testing.assert_allclose(walked.scores, truth[walked.ids], atol=tolerance, err_msg=f"seed {SEED}")
        assert walked.vectors[using or ""].dtype == np.float32
        assert np.array_equal(walked.vectors[using or ""], stored[walked.ids])
        found += int(np.count_nonzero(walked.scores >= best[-1] - tolerance))
    assert found >= recall * K * len(QUERIES), f"seed {SEED}: {found}"


def filled(db: Any, metric: Any, index: vecdb.Hnsw | vecdb.Flat, given: Any = X) -> Any:
    docs = db.create_collection("docs", DIMENSION, metric=metric, index=index, dtype="float16")
    docs.upsert(range(ROWS), given, [{"even": row % 2 == 0} for row in range(ROWS)])
    docs.optimize()
    return docs


@pytest.fixture(params=["memory", "folder", "server"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Opens a database, the same each time but for the one in memory."""
    if request.param != "server":
        yield lambda: vecdb.connect(":memory:" if request.param == "memory" else tmp_path / "db")
        return
    with Server(ServerSettings(data=str(tmp_path / "db"), port=0)) as server:
        yield lambda: vecdb.connect(f"grpc://127.0.0.1:{server.port}")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("index", INDEXES, ids=lambda index: type(index).__name__)
def test_rows_are_rounded_once_and_searched_as_they_are(
    door: Callable[[], Any], metric: str, index: vecdb.Hnsw | vecdb.Flat
) -> None:
    with door() as db:
        docs = filled(db, metric, index)
        assert docs.schema.vectors[""] == vecdb.Vector(DIMENSION, metric=metric, index=index, dtype="float16")  # type: ignore[arg-type]
        assert docs.stats().vectors[""].dtype == "float16"
        stored = check_rows(docs.get(range(ROWS), with_vectors=True), metric)
        assert np.array_equal(check_rows(list(docs.scan(with_vectors=True)), metric), stored)
        check_searches(docs, stored, metric)
        assert docs.recall(50).recall > 0.95
        assert docs.verify().problems == ()


@pytest.mark.parametrize("metric", METRICS)
def test_they_are_the_same_when_opened_again(metric: str, tmp_path: Path) -> None:
    """After close(), after a kill with everything in the journal, and out of a snapshot."""
    with vecdb.connect(tmp_path / "db") as db:
        docs = filled(db, metric, INDEXES[0])
        stored = check_rows(docs.get(range(ROWS), with_vectors=True), metric)
        docs.upsert([ROWS], X[:1])
        docs.delete([ROWS])
        copy_quiet(tmp_path / "db", tmp_path / "killed")
        db.snapshot(tmp_path / "one.snapshot")
    restore(tmp_path / "one.snapshot", tmp_path / "restored")
    for name in ("db", "killed", "restored"):
        with vecdb.connect(tmp_path / name) as db:
            assert db["docs"].schema.vectors[""].dtype == "float16"
            found = check_rows(list(db["docs"].scan(with_vectors=True)), metric)
            assert np.array_equal(found, stored), name
            check_searches(db["docs"], stored, metric)
            assert db["docs"].verify().problems == (), name


@pytest.mark.parametrize("form", [".jsonl", ".npy", ".parquet"])
def test_files_hold_the_rounded_rows_as_float32(form: str, tmp_path: Path) -> None:
    with vecdb.connect(":memory:") as db:
        docs = filled(db, "l2", INDEXES[1])
        docs.export(tmp_path / f"rows{form}")
        rounded = X.astype(np.float16).astype(np.float32)
        for name, dtype in (("halves", "float16"), ("floats", "float32")):
            copy = db.create_collection(name, DIMENSION, metric="l2", index=INDEXES[1], dtype=dtype)  # type: ignore[arg-type]
            copy.import_(tmp_path / f"rows{form}")
            found = {record.id: record.vectors[""] for record in copy.scan(with_vectors=True) if record.vectors}
            assert np.array_equal(np.stack([found[row] for row in range(ROWS)]), rounded)


def test_vectors_of_one_row_may_be_of_different_dtypes(tmp_path: Path) -> None:
    vectors = {
        "floats": vecdb.Vector(DIMENSION, metric="l2"),
        "halves": vecdb.Vector(DIMENSION, metric="l2", dtype="float16"),
        "unit": vecdb.Vector(DIMENSION, index=vecdb.Flat(), dtype="float16"),
    }
    payloads = [{"even": row % 2 == 0} for row in range(ROWS)]
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", vectors=vectors)
        docs.upsert(range(ROWS), {"halves": X.astype(np.float16), "floats": X, "unit": X}, payloads)
        docs.optimize()
    with vecdb.connect(tmp_path / "db") as db:
        docs = db["docs"]
        records = docs.get(range(ROWS), with_vectors=True)
        assert all(np.array_equal(record.vectors["floats"], row) for record, row in zip(records, X, strict=True))  # type: ignore[index]
        for name in ("halves", "unit"):
            metric = vectors[name].metric
            check_searches(docs, check_rows(records, metric, name=name), metric, using=name)
        check_searches(docs, X, "l2", using="floats")
        assert docs.verify().problems == ()


@pytest.mark.parametrize("metric", METRICS)
def test_given_as_float16_they_are_what_they_are_as_float32(metric: str) -> None:
    halves = X.astype(np.float16)
    with vecdb.connect(":memory:") as one, vecdb.connect(":memory:") as other:
        direct, widened = (filled(db, metric, INDEXES[1], given) for db, given in ((one, halves), (other, X)))
        widened.upsert(range(ROWS), halves.astype(np.float32))
        given = halves.astype(np.float32)
        found, expected = (
            check_rows(docs.get(range(ROWS), with_vectors=True), metric, given) for docs in (direct, widened)
        )
        assert np.array_equal(found, expected)


def test_what_does_not_fit_is_refused_before_anything_is_written(door: Callable[[], Any]) -> None:
    with door() as db:
        docs = db.create_collection("docs", 2, metric="dot", dtype="float16")
        docs.upsert([1], [[1, 2]])
        for bad in ([[0, 1], [65520, 0]], np.array([[0, 1], [np.inf, 0]], np.float16)):
            with pytest.raises(vecdb.InvalidVector) as refused:
                docs.upsert([1, 2], bad)
            assert (refused.value.row, refused.value.vector) == (1, "")
        assert docs.count() == 1
        assert docs.get([1], with_vectors=True)[0].vectors[""].tolist() == [1, 2]
        docs.upsert([1, 2], [[65519, -1], [1e-9, 0]])
        assert [record.vectors[""].tolist() for record in docs.get([1, 2], with_vectors=True)] == [[65504, -1], [0, 0]]


def test_they_take_half_the_disk(tmp_path: Path) -> None:
    taken = []
    for dtype in ("float32", "float16"):
        with vecdb.connect(tmp_path / dtype) as db:
            docs = db.create_collection("docs", 512, metric="l2", index=vecdb.Flat(), dtype=dtype)
            docs.upsert(range(2_000), np.ones((2_000, 512), np.float32))
            taken.append(docs.stats().vectors[""].disk_bytes)
    assert taken[0] - taken[1] == pytest.approx(2_000 * 512 * 2, rel=0.01)


def test_a_database_from_before_there_was_a_choice_has_float32(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        db.create_collection("docs", DIMENSION).upsert(range(5), X[:5])
        db.create_collection("halves", DIMENSION, dtype="float16").upsert(range(5), X[:5])
    schemas = [orjson.dumps(entry.schema) for entry in load_manifest(tmp_path / "db").collections]
    assert [b"dtype" in schema for schema in schemas] == [False, True]
    with vecdb.connect(tmp_path / "db") as db:
        assert db["docs"].schema.vectors[""].dtype == "float32"
