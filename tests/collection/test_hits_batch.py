"""The hits of several queries against one search for each: arrays, Hits, filters, and what later writes change."""

from __future__ import annotations

import gc
import json
import os
import random
import weakref
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
import pytest

import vecdb
from vecdb.collection.hits_batch import StoredHitsBatch

SEED = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**32)))
ROWS, DIMENSION, K = 200, 6, 20
X = np.random.default_rng(5).standard_normal((ROWS, DIMENSION), dtype=np.float32)

KINDS: dict[str, list[Any]] = {
    "integers": list(range(ROWS)),
    "texts": [f"té {row}" for row in range(ROWS)],
    "uuids": [UUID(int=row) for row in range(ROWS)],
    "long texts": [f"{row} " + "x" * 60 for row in range(ROWS)],
    "mixed": [(row, f"{row}", UUID(int=row), f"{row} " + "y" * 200)[row % 4] for row in range(ROWS)],
}


@pytest.fixture(params=["l2", "dot", "cosine"])
def docs(request: Any) -> Iterator[vecdb.Collection]:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric=request.param)
        docs.upsert(np.arange(ROWS), X, [{"row": row, "other": {"deep": row}} for row in range(ROWS)])
        yield docs


def check(batch: vecdb.HitsBatch, alone: list[vecdb.Hits], where: str) -> None:
    """A batch is what searches for each of its queries found."""
    counts = [len(hits) for hits in alone]
    width = max(counts, default=0)
    assert batch.counts.tolist() == counts, where
    assert batch.ids == [hits.ids for hits in alone], where
    assert batch.scores.shape == batch.distances.shape == batch.id_array.shape == (len(alone), width)
    is_integer = all(isinstance(each, int) for hits in alone for each in hits.ids)
    assert batch.id_array.dtype == (np.int64 if is_integer else object), where
    for place, (hits, other) in enumerate(zip(batch, alone, strict=True)):
        count = len(other)
        assert batch.id_array[place].tolist() == other.ids + [-1 if is_integer else None] * (width - count), where
        assert (batch.scores[place, count:] == -np.inf).all(), where
        assert (batch.distances[place, count:] == np.inf).all(), where
        np.testing.assert_allclose(batch.scores[place, :count], other.scores, rtol=1e-5, atol=1e-6, err_msg=where)
        np.testing.assert_array_equal(batch.scores[place, :count], hits.scores)
        np.testing.assert_array_equal(batch.distances[place, :count], hits.distances)
        assert (hits.ids, hits.payloads, hits.plan) == (other.ids, other.payloads, other.plan), where
        assert (hits.vectors is None) == (other.vectors is None)
        for name, array in (other.vectors or {}).items():
            assert hits.vectors is not None
            np.testing.assert_array_equal(hits.vectors[name], array)


def test_a_batch_is_what_its_queries_find_alone(docs: vecdb.Collection) -> None:
    numbers = random.Random(SEED)
    queries = np.random.default_rng(SEED).standard_normal((9, DIMENSION), dtype=np.float32)
    conditions: list[Any] = [None, {"row": -1}, {"row": {"<": 5}}, "row >= 190", {"row": 7}, {"row": {"<": 150}}]
    for _ in range(60):
        asked = queries[: numbers.randint(0, len(queries))]
        wheres = [numbers.choice(conditions) for _ in asked]
        where = numbers.choice([None, numbers.choice(conditions), wheres])
        options: dict[str, Any] = {
            "k": numbers.choice([1, 3, K, ROWS + 10]),
            "exact": True,
            "min_score": numbers.choice([None, None, -1.0, 0.3, 2, 1e9]),
            "select": numbers.choice([None, ["row"], [], ["nothing"]]),
            "with_vectors": numbers.random() < 0.3,
        }
        batch = docs.search(asked, where=where, **options)
        own = wheres if isinstance(where, list) else [where] * len(asked)
        alone = [docs.search(query, where=each, **options) for query, each in zip(asked, own, strict=True)]
        check(batch, alone, f"seed {SEED}, where={where}, {options}")


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_every_kind(kind: str) -> None:
    ids = KINDS[kind]
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2")
        docs.upsert(ids, X, [{"row": row} for row in range(ROWS)])
        wheres: list[Any] = [None, {"row": {"<": 3}}, {"row": -1}]
        batch = docs.search(X[:3], k=4, where=wheres)
        assert [hits.ids for hits in batch] == batch.ids, "read for all by the iteration"
        check(batch, [docs.search(X[row], k=4, where=wheres[row]) for row in range(3)], kind)
        assert [row[0] for row in docs.search(X, k=1).ids] == ids


def test_ids_are_integers_where_all_that_were_found_are() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric="l2")
        docs.upsert(KINDS["mixed"], X)
        for rows, expected in (([0, 4], np.dtype(np.int64)), ([0, 1], np.dtype(object))):
            found = docs.search(X[rows], k=1).id_array
            assert found.dtype == expected
            assert found.tolist() == [[KINDS["mixed"][row]] for row in rows]


def test_no_rows_and_no_queries() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=2)
        for where in (None, "a == 1", [None, "a == 1"]):
            batch = docs.search([[1, 2], [3, 4]], where=where, with_vectors=True)
            assert (batch.ids, batch.counts.tolist(), repr(batch)) == (
                [[], []],
                [0, 0],
                "HitsBatch(2 queries of 0 hits)",
            )
            assert batch.id_array.shape == batch.scores.shape == (2, 0)
            assert batch[1].vectors is not None
            assert batch[1].vectors[""].shape == (0, 2)
        docs.upsert([1], [[1, 2]])
        for where in (None, "a == 1", []):
            batch = docs.search(np.empty((0, 2), np.float32), where=where)
            assert (len(batch), batch.ids, list(batch), batch.id_array.shape) == (0, [], [], (0, 0))
        with pytest.raises(vecdb.InvalidValue, match="one filter, or 1"):
            docs.search([[1, 2]], where=[None, None])


def test_one_filter_for_all_is_answered_as_one(docs: vecdb.Collection) -> None:
    """Equal filters share a plan; different ones do not."""
    equal = docs.search(X[:3], k=2, where=[{"row": {"<": 50}}, "row < 50", vecdb.field("row") < 50])
    assert isinstance(equal, StoredHitsBatch)
    assert len(equal.plans) == 1
    several = docs.search(X[:4], k=2, where=[None, "row < 9", None, "row < 5"])
    assert isinstance(several, StoredHitsBatch)
    assert several.plan_of.tolist() == [0, 1, 0, 2]
    assert [hits.plan.rows_matched for hits in several] == [ROWS, 9, ROWS, 5]


def test_walks_are_counted_by_query(docs: vecdb.Collection) -> None:
    """By how many search a tail the writers go slower."""
    column = docs._state.columns[""]
    before = column.walks
    docs.search(X[:3])
    docs.search(X[:3], where=[None, "row < 9", None])
    docs.search(X[:3], exact=True)
    assert column.walks - before == 3 + 2


def test_payload_texts_are_the_payloads_of_all(docs: vecdb.Collection) -> None:
    wheres: list[Any] = [None, {"row": -1}, {"row": {"<": 5}}]
    for select in (None, ["row"], [], ["other", "nothing"]):
        batch = docs.search(X[:3], k=K, where=wheres, select=select)
        assert isinstance(batch, StoredHitsBatch)
        expected = [payload for hits in batch for payload in hits.payloads]
        assert [json.loads(text) for text in batch.payload_texts()] == expected
        assert list(batch.id_batch()) == [each for own in batch.ids for each in own]
    with pytest.raises(vecdb.LimitExceeded):
        docs.search(X[:3], k=K).payload_texts(100)


def test_a_batch_stays_as_the_search_saw_it(docs: vecdb.Collection) -> None:
    """Rows that were found are not reused while it is held, nor while Hits of it have payloads to be read."""
    seen = docs.search(X[:3], k=K, exact=True)
    ids, payloads = seen.ids, [hits.payloads for hits in seen]
    lazy, parted = docs.search(X[:3], k=K, exact=True), list(docs.search(X[:3], k=K, exact=True))
    read = docs.search(X[:3], k=K, exact=True)
    assert read[1].payloads == payloads[1]
    for attempt in range(3):
        docs.delete(list({each for own in ids for each in own if docs.get([each])}))
        docs.optimize(wait=True)
        docs.upsert([f"new {attempt} {row}" for row in range(ROWS)], np.ones((ROWS, DIMENSION)))
    assert (lazy.ids, [hits.payloads for hits in lazy]) == (ids, payloads)
    assert [(hits.ids, hits.payloads) for hits in parted] == list(zip(ids, payloads, strict=True))
    assert (read.ids, [hits.payloads for hits in read]) == (ids, payloads)


def test_a_batch_that_is_forgotten_lets_go_of_its_rows(docs: vecdb.Collection) -> None:
    """At once: a cycle would hold the snapshot until the collector comes."""
    batch = docs.search(X[:3], k=K)
    held = weakref.ref(batch[0]._snapshot)
    assert len([hits.payloads for hits in batch]) == 3
    docs.upsert([ROWS], X[:1])
    gc.disable()
    try:
        assert held() is not None
        del batch
        assert held() is None
    finally:
        gc.enable()
