"""The hits of a search against numpy in float64: order, scores, distances, payloads, and what later writes change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest

import vecdb
from vecdb.collection.hits import StoredHits

SEED = 5
ROWS, DIMENSION, K = 200, 6, 20
METRICS: list[Literal["l2", "dot", "cosine"]] = ["l2", "dot", "cosine"]
X = np.random.default_rng(SEED).standard_normal((ROWS, DIMENSION), dtype=np.float32)
QUERY = np.random.default_rng(SEED + 1).standard_normal(DIMENSION, dtype=np.float32)


@pytest.fixture(params=METRICS)
def docs(request: Any) -> Iterator[vecdb.Collection]:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric=request.param)
        docs.upsert(np.arange(ROWS), X, [{"row": row, "other": {"deep": row}} for row in range(ROWS)])
        yield docs


def distances(metric: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The metric's own distance of each row."""
    rows, query = X.astype(np.float64), QUERY.astype(np.float64)
    if metric == "l2":
        return np.asarray(((rows - query) ** 2).sum(axis=1))
    if metric == "dot":
        return np.asarray(-(rows @ query))
    return np.asarray(1 - rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query))


def test_hits_are_the_nearest_rows(docs: vecdb.Collection) -> None:
    metric = docs.schema.vectors[""].metric
    hits = docs.search(QUERY, k=K, exact=True)
    expected = distances(metric)
    nearest = np.argsort(expected)[:K]
    assert hits.ids == nearest.tolist(), f"seed {SEED}"
    np.testing.assert_allclose(hits.distances, expected[nearest], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        hits.scores, 1 - expected[nearest] if metric == "cosine" else -expected[nearest], atol=1e-5
    )
    assert hits.scores.dtype == hits.distances.dtype == np.float32
    assert (np.diff(hits.scores) <= 0).all()
    assert hits.payloads == [{"row": row, "other": {"deep": row}} for row in nearest.tolist()]
    assert hits.plan.metric == metric


def test_hits_are_a_sequence(docs: vecdb.Collection) -> None:
    hits = docs.search(QUERY, k=K)
    each = list(hits)
    assert len(each) == len(hits) == K
    assert [hit.id for hit in each] == hits.ids
    assert [hit.score for hit in each] == hits.scores.tolist()
    assert (hits[0], hits[-1], hits[2:5], hits[::-5]) == (each[0], each[-1], each[2:5], each[::-5])
    assert each[3] in hits
    assert all(isinstance(hit.score, float) and hit.vectors is None for hit in each)
    for place in (K, -K - 1):
        with pytest.raises(IndexError, match=f"hit {place} of {K}"):
            hits[place]
    for wrong in ("id", 1.0, None, (1, 2)):
        with pytest.raises(TypeError):
            hits[wrong]
    assert repr(hits).startswith(f"Hits({K}: {hits.ids[0]!r}: ")


def test_no_hits() -> None:
    with vecdb.connect(":memory:") as db:
        hits = db.create_collection("docs", dimension=2).search([1, 2])
        assert (len(hits), hits.ids, list(hits), hits.payloads) == (0, [], [], [])
        assert hits.scores.shape == hits.distances.shape == (0,)
        assert repr(hits) == "Hits(0)"


def test_select_keeps_the_named_fields(docs: vecdb.Collection) -> None:
    for select, expected in (
        (["row"], {"row": 0}),
        ([], {}),
        (["nothing"], {}),
        (["other", "row"], {"row": 0, "other": {"deep": 0}}),
    ):
        hits = docs.search(X[0], k=1, where={"row": 0}, select=select)
        assert [hit.payload for hit in hits] == [expected]


def test_vectors_come_with_the_hits(docs: vecdb.Collection) -> None:
    stored = {record.id: (record.vectors or {})[""] for record in docs.scan(with_vectors=True)}
    hits = docs.search(QUERY, k=K, with_vectors=True)
    assert hits.vectors is not None
    assert (hits.vectors[""] == [stored[each] for each in hits.ids]).all()
    for hit in hits:
        assert hit.vectors is not None
        assert (hit.vectors[""] == stored[hit.id]).all()
    assert docs.search(QUERY, k=K).vectors is None


def test_hits_stay_as_the_search_saw_them(docs: vecdb.Collection) -> None:
    """Rows that were found are not reused while their ids and payloads are still to be read."""
    before = docs.search(QUERY, k=K, exact=True)
    ids, payloads = before.ids, before.payloads
    lazy = docs.search(QUERY, k=K, exact=True)
    for attempt in range(5):
        docs.delete(docs.search(QUERY, k=3 * K, exact=True).ids)
        docs.optimize(wait=True)
        docs.upsert([f"new {attempt} {row}" for row in range(3 * K)], np.ones((3 * K, DIMENSION)))
    assert (lazy.ids, lazy.payloads) == (ids, payloads)


def test_payload_texts_are_the_payloads(docs: vecdb.Collection) -> None:
    for select in (None, ["row"], [], ["other", "nothing"]):
        fresh = docs.search(QUERY, k=K, exact=True, select=select)
        assert isinstance(fresh, StoredHits)
        texts = fresh.payload_texts()
        assert [json.loads(text) for text in texts] == fresh.payloads
        assert [json.loads(text) for text in fresh.payload_texts()] == fresh.payloads, "and after they were read"


def test_payloads_that_were_read_are_kept_as_they_were(docs: vecdb.Collection) -> None:
    """The rows may be used again then, and are not read a second time."""
    hits = docs.search(QUERY, k=K, exact=True)
    assert isinstance(hits, StoredHits)
    ids, payloads = hits.ids, hits.payloads
    docs.update(ids, set={"row": "another"})
    assert ([json.loads(text) for text in hits.payload_texts()], hits.payloads) == (payloads, payloads)
    assert list(hits.id_batch()) == ids
