"""Which way a search takes: ef from what is wished, plans that count rows, and what is kept of it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from vecdb.collection.recall_curve import RecallCurve
from vecdb.collection.ways import Way, Ways, through_filter
from vecdb.index.vector_index import View
from vecdb.native.index import RowMask

CURVE = RecallCurve(((10, 0.5), (40, 0.9), (100, 0.95), (160, 0.99)), 5000)
LIVE, TAIL = RowMask.of(np.arange(20, dtype=np.uint32)), RowMask.of(np.arange(17, 20, dtype=np.uint32))
VIEW = View(LIVE, TAIL, False)


@pytest.fixture
def db() -> Iterator[vecdb.Database]:
    with vecdb.connect(":memory:") as db:
        yield db


def ways(db: vecdb.Database, index: vecdb.Hnsw | vecdb.Flat, view: View = VIEW, curve: RecallCurve = CURVE) -> Ways:
    docs = db.create_collection("docs", dimension=2, metric="dot", index=index)
    return Ways(docs._state.columns[""], view, curve)


@pytest.mark.parametrize(
    ("wish", "ef"),
    [
        ((10, 40, None, False), 40),
        ((10, np.int64(40), None, False), 40),
        ((50, 40, None, False), 50),
        ((np.int64(50), 40, None, False), 50),
        ((10, None, 0.9, False), 40),
        ((10, None, None, False), 100),
        ((10, None, 0.99, False), 160),
        ((10, None, 1, False), 320),
        ((np.int64(10_000), None, 0.5, False), 10_000),
    ],
)
def test_a_walk_keeps_what_is_asked_for_and_at_least_k(db: vecdb.Database, wish: Any, ef: int) -> None:
    way = ways(db, vecdb.Hnsw())[wish]
    assert way.ef in (ef, ef + 1)  # a logarithm and back may round up
    assert type(way.ef) is int
    assert (way.view, way.exact) == (VIEW, False)
    assert way.plan == vecdb.Plan(
        strategy="graph", rows_scanned=3, rows_matched=20, estimated=False, metric="dot", ef=way.ef, slow_reason=None
    )


def test_ef_has_an_upper_bound(db: vecdb.Database) -> None:
    assert ways(db, vecdb.Hnsw())[10_000, None, 1.0, False].ef == vecdb.limits.EF_AUTOMATIC_MAXIMUM


def test_without_a_walk_every_row_is_scored(db: vecdb.Database) -> None:
    whole = vecdb.Plan(strategy="scan", rows_scanned=20, rows_matched=20, estimated=False, metric="dot")
    assert ways(db, vecdb.Hnsw())[10, None, None, True] == Way(VIEW, True, 0, whole)
    db["docs"].drop()
    flat = ways(db, vecdb.Flat())
    assert flat[10, None, None, False] == flat[10, 40, None, False] == Way(VIEW, False, 0, whole)


def test_a_filter_leaves_its_own_rows(db: vecdb.Database) -> None:
    column = db.create_collection("docs", dimension=2)._state.columns[""]
    way = through_filter(column, TAIL)
    assert (way.view.live, len(way.view.tail), way.view.masked, way.exact, way.ef) == (TAIL, 0, False, True, 0)
    assert (way.plan.strategy, way.plan.rows_scanned, way.plan.rows_matched, way.plan.ef) == ("scan", 3, 3, None)
    assert way.plan.slow_reason is not None


def test_a_way_is_found_once_and_few_are_kept(db: vecdb.Database) -> None:
    kept = ways(db, vecdb.Hnsw())
    assert kept[10, 40, None, False] is kept[10, 40, None, False]
    for k in range(1, 1000):
        assert kept[k, None, None, False].plan.ef == kept[k, None, None, False].ef >= k
        assert len(kept) <= 64


def test_plans_follow_writes_and_what_is_measured(db: vecdb.Database) -> None:
    docs = db.create_collection("docs", dimension=2)
    for rows in range(1, 6):
        docs.upsert([rows], [[rows, 1]])
        for _ in range(2):
            hits = docs.search([1, 0], k=3)
            assert (hits.plan.rows_matched, len(hits)) == (rows, min(rows, 3))
    docs._state.curves[""] = RecallCurve(((10, 0.5), (400, 0.95)), 5)
    assert docs.search([1, 0], k=3).plan.ef in (400, 401)
    docs._state.curves[""] = RecallCurve(((10, 0.5), (500, 0.95)), 5)
    assert docs.search([1, 0], k=3).plan.ef in (500, 501)


def test_what_is_kept_holds_no_snapshot(db: vecdb.Database) -> None:
    """Else rows that are replaced would not be used again until the next search."""
    docs = db.create_collection("docs", dimension=2)
    docs.upsert([1, 2], np.eye(2))
    hits = docs.search([1, 0])
    snapshot = weakref.ref(docs._state.snapshot)
    docs.delete([1])
    assert snapshot() is not None, "the hits are still to be read"
    assert hits.payloads == [{}, {}]
    assert snapshot() is None
