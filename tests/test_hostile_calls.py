"""Calls with arguments that make no sense, or that are as large as they may be; and collections without rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.ten_rows import DIMENSION, ONES, QUERY, Attempt, Docs, refused, ten_rows
from vecdb import field, limits


@pytest.fixture(scope="module", params=["cosine", "l2", "dot"])
def docs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docs]:
    """Every test leaves them as they are."""
    with ten_rows(tmp_path_factory.mktemp("hostile") / "db", request.param) as docs:
        yield docs


def rows_with(value: float, dtype: Any = np.float32) -> Any:
    rows = np.ones((3, DIMENSION), dtype)
    rows[1, 2] = value
    return rows


BAD_CALLS: dict[str, tuple[Attempt, type[BaseException]]] = {
    "k zero": (lambda docs: docs.search(QUERY, k=0), vecdb.InvalidValue),
    "k negative": (lambda docs: docs.search(QUERY, k=-1), vecdb.InvalidValue),
    "k boolean": (lambda docs: docs.search(QUERY, k=True), vecdb.InvalidType),
    "k float": (lambda docs: docs.search(QUERY, k=2.0), vecdb.InvalidType),
    "k text": (lambda docs: docs.search(QUERY, k="10"), vecdb.InvalidType),
    "k None": (lambda docs: docs.search(QUERY, k=None), vecdb.InvalidType),
    "k too large": (lambda docs: docs.search(QUERY, k=limits.K_MAXIMUM + 1), vecdb.LimitExceeded),
    "k beyond 64 bits": (lambda docs: docs.search(QUERY, k=2**70), vecdb.LimitExceeded),
    "ef zero": (lambda docs: docs.search(QUERY, ef=0), vecdb.InvalidValue),
    "ef boolean": (lambda docs: docs.search(QUERY, ef=True), vecdb.InvalidType),
    "ef too large": (lambda docs: docs.search(QUERY, ef=2**31), vecdb.LimitExceeded),
    "recall above one": (lambda docs: docs.search(QUERY, recall=1.5), vecdb.InvalidValue),
    "recall NaN": (lambda docs: docs.search(QUERY, recall=math.nan), vecdb.InvalidValue),
    "recall text": (lambda docs: docs.search(QUERY, recall="high"), vecdb.InvalidType),
    "two ways at once": (lambda docs: docs.search(QUERY, ef=10, exact=True), vecdb.InvalidArgument),
    "exact text": (lambda docs: docs.search(QUERY, exact="yes"), vecdb.InvalidType),
    "timeout zero": (lambda docs: docs.search(QUERY, timeout=0), vecdb.InvalidValue),
    "timeout negative": (lambda docs: docs.search(QUERY, timeout=-1.0), vecdb.InvalidValue),
    "timeout NaN": (lambda docs: docs.search(QUERY, timeout=math.nan), vecdb.InvalidValue),
    "timeout text": (lambda docs: docs.search(QUERY, timeout="1"), vecdb.InvalidType),
    "min_score text": (lambda docs: docs.search(QUERY, min_score="0"), vecdb.InvalidType),
    "min_score NaN": (lambda docs: docs.search(QUERY, min_score=math.nan), vecdb.InvalidValue),
    "select text": (lambda docs: docs.search(QUERY, select="lang"), vecdb.InvalidType),
    "select numbers": (lambda docs: docs.search(QUERY, select=[1]), vecdb.InvalidArgument),
    "unknown vector": (lambda docs: docs.search(QUERY, using="other"), vecdb.VectorNotFound),
    "using a number": (lambda docs: docs.search(QUERY, using=5), vecdb.Error),
    "query too wide": (lambda docs: docs.search(np.ones(5, np.float32)), vecdb.DimensionMismatch),
    "query empty": (lambda docs: docs.search([]), vecdb.InvalidArgument),
    "query of three dimensions": (lambda docs: docs.search(np.ones((1, 1, 4), np.float32)), vecdb.InvalidArgument),
    "query None": (lambda docs: docs.search(None), vecdb.InvalidArgument),
    "query text": (lambda docs: docs.search("red shoes"), vecdb.InvalidArgument),
    "query NaN": (lambda docs: docs.search(QUERY * math.nan), vecdb.InvalidVector),
    "query infinite": (lambda docs: docs.search(rows_with(math.inf)[1]), vecdb.InvalidVector),
    "queries with a NaN": (lambda docs: docs.search(rows_with(math.nan)), vecdb.InvalidVector),
    "queries float64 too large": (lambda docs: docs.search(rows_with(1e300, dtype=np.float64)), vecdb.InvalidVector),
    "too many queries": (
        lambda docs: docs.search(np.ones((limits.QUERIES_MAXIMUM + 1, DIMENSION), np.float32), k=1),
        vecdb.LimitExceeded,
    ),
    "too many results": (
        lambda docs: docs.search(np.ones((2_000, DIMENSION), np.float32), k=limits.K_MAXIMUM),
        vecdb.LimitExceeded,
    ),
    "filters of another number": (
        lambda docs: docs.search(ONES, where=[field("year") > 1, None, None]),
        vecdb.InvalidArgument,
    ),
    "where a number": (lambda docs: docs.search(QUERY, where=5), vecdb.InvalidArgument),
    "where broken text": (lambda docs: docs.count(where="year >"), vecdb.FilterError),
    "where wrong type": (lambda docs: docs.count(where=field("year") < "x"), vecdb.FilterError),
    "where too deep": (lambda docs: docs.count(where="(" * 2_000 + "year == 1" + ")" * 2_000), vecdb.FilterError),
    "delete without anything": (lambda docs: docs.delete(), vecdb.InvalidArgument),
    "delete twice said": (lambda docs: docs.delete(ids=[1], where=field("year") > 0), vecdb.InvalidArgument),
    "delete with broken filter": (lambda docs: docs.delete(where={"year": {"??": 1}}), vecdb.FilterError),
    "delete by bad id": (lambda docs: docs.delete(ids=[1, -5]), vecdb.InvalidId),
    "delete by text": (lambda docs: docs.delete(ids="12"), vecdb.InvalidType),
    "get by bad id": (lambda docs: docs.get([1, 2.5]), vecdb.InvalidId),
    "get by one id": (lambda docs: docs.get(1), vecdb.InvalidType),
    "get too many": (lambda docs: docs.get(np.arange(limits.IDS_MAXIMUM + 1)), vecdb.LimitExceeded),
    "update set a list": (lambda docs: docs.update(ids=[1], set=["a"]), vecdb.InvalidArgument),
    "update unset text": (lambda docs: docs.update(ids=[1], unset="year"), vecdb.InvalidType),
    "update bad field": (lambda docs: docs.update(ids=[1], set={"year": "x"}), vecdb.InvalidPayload),
    "update duplicate": (lambda docs: docs.update(ids=[1, 1], set={"a": 1}), vecdb.DuplicateId),
    "scan batch zero": (lambda docs: list(docs.scan(batch=0)), vecdb.InvalidValue),
    "scan batch boolean": (lambda docs: list(docs.scan(batch=True)), vecdb.InvalidType),
    "scan batch too large": (lambda docs: list(docs.scan(batch=10**9)), vecdb.LimitExceeded),
    "recall sample zero": (lambda docs: docs.recall(sample=0), vecdb.InvalidValue),
    "recall k too large": (lambda docs: docs.recall(k=10**9), vecdb.InvalidArgument),
    "recall ef zero": (lambda docs: docs.recall(ef=0), vecdb.InvalidArgument),
    "recall ef negative": (lambda docs: docs.recall(ef=-5), vecdb.InvalidArgument),
    "recall ef text": (lambda docs: docs.recall(ef="x"), vecdb.InvalidType),
    "recall ef too large": (lambda docs: docs.recall(ef=2**40), vecdb.InvalidArgument),
    "recall seed text": (lambda docs: docs.recall(seed="x"), vecdb.InvalidType),
    "recall seed negative": (lambda docs: docs.recall(seed=-1), vecdb.InvalidValue),
    "recall of another vector": (lambda docs: docs.recall(using="other"), vecdb.VectorNotFound),
    "order by a number": (lambda docs: list(docs.scan(order_by=5)), vecdb.InvalidType),
    "order by nothing": (lambda docs: list(docs.scan(order_by="")), vecdb.InvalidValue),
    "order by minus": (lambda docs: list(docs.scan(order_by="-")), vecdb.InvalidValue),
    "update unset a number": (lambda docs: docs.update(ids=[1], unset=5), vecdb.InvalidType),
    "update unset numbers": (lambda docs: docs.update(ids=[1], unset=[5]), vecdb.InvalidType),
    "update set a key that is no text": (lambda docs: docs.update(ids=[1], set={5: 5}), vecdb.InvalidArgument),
    "update set NaN": (lambda docs: docs.update(ids=[1], set={"a": math.nan}), vecdb.InvalidPayload),
    "update set beyond all bounds": (
        lambda docs: docs.update(ids=[1], set={"a": "x" * limits.PAYLOAD_BYTES}),
        vecdb.InvalidPayload,
    ),
    "update text ids": (lambda docs: docs.update(ids="12", set={"a": 1}), vecdb.InvalidType),
    "progress of a bad batch": (
        lambda docs: docs.upsert(ids=[100, 100], vectors=ONES, progress=lambda *_: None),
        vecdb.DuplicateId,
    ),
    "progress of too few rows": (
        lambda docs: docs.upsert(ids=[100, 101, 102], vectors=ONES, progress=lambda *_: None),
        vecdb.InvalidArgument,
    ),
    "import from nowhere": (lambda docs: docs.import_("/nowhere/rows.jsonl"), vecdb.Error),
    "import an unknown form": (lambda docs: docs.import_(__file__), vecdb.InvalidArgument),
    "export to an unknown form": (lambda docs: docs.export("/nowhere/rows.xlsx"), vecdb.InvalidArgument),
    "export to nowhere": (lambda docs: docs.export("/nowhere/rows.jsonl"), vecdb.Error),
    "upsert unknown word": (lambda docs: docs.upsert(ids=[100], vectors=ONES[:1], tenants=["a"]), TypeError),
    "search unknown word": (lambda docs: docs.search(QUERY, limit=5), TypeError),
    "delete unknown word": (lambda docs: docs.delete(ids=[1], filter={}), TypeError),
    "update unknown word": (lambda docs: docs.update(ids=[1], values={}), TypeError),
    "scan unknown word": (lambda docs: docs.scan(limit=3), TypeError),
    "get unknown word": (lambda docs: docs.get([1], vectors=True), TypeError),
    "too many rows": (
        lambda docs: docs.upsert(
            ids=np.arange(limits.BATCH_ROWS + 1), vectors=np.ones((limits.BATCH_ROWS + 1, DIMENSION), np.float32)
        ),
        vecdb.LimitExceeded,
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls_are_refused(docs: Docs, case: str) -> None:
    attempt, expected = BAD_CALLS[case]
    error = refused(docs, attempt, expected)
    if expected is TypeError:
        assert not isinstance(error, vecdb.Error), "Python's own TypeError"


def test_large_k_and_ef_return_every_row(docs: Docs) -> None:
    four: Any = np.int64(4)
    for how in ({}, {"exact": True}, {"ef": limits.EF_MAXIMUM}, {"recall": 1.0}):
        hits = docs.search(QUERY, k=limits.K_MAXIMUM, **how)
        assert sorted(hits.ids) == list(range(10))
        assert docs.search(QUERY, k=limits.K_MAXIMUM, where=field("year") > 2005, **how).ids
        assert sorted(docs.search(QUERY, k=four, **how).ids) == sorted(docs.search(QUERY, k=4, **how).ids)


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
@pytest.mark.parametrize("index", [vecdb.Hnsw(), vecdb.Flat()])
def test_a_collection_without_rows_answers_everything(metric: Any, index: Any) -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric=metric, index=index, fields={"year": "integer"})
        for _ in range(2):
            for how in ({}, {"exact": True}, {"ef": 50}, {"recall": 0.99}):
                hits = docs.search(QUERY, k=10, **how)
                assert (list(hits.ids), len(hits), list(hits)) == ([], 0, [])
                assert np.asarray(hits.scores).shape == (0,)
                assert np.asarray(hits.scores).dtype == np.float32
                assert list(docs.search(QUERY, where=field("year") > 1, **how).ids) == []
                assert [list(hits.ids) for hits in docs.search(ONES, k=5, **how)] == [[], []]
            assert (docs.count(), docs.count(where=field("year") > 1), list(docs.scan()), docs.get([1])) == (
                0,
                0,
                [],
                [],
            )
            assert docs.delete(where=field("year") > 1).count == 0
            assert docs.verify().ok
            docs.optimize(wait=True)
            assert docs.stats().rows == 0
            # And once more after there were some.
            docs.upsert(ids=[1, 2], vectors=ONES)
            docs.delete(ids=[1, 2])


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
def test_extreme_numbers_give_finite_answers_in_order(metric: Any) -> None:
    rows = np.array([[1e30, 1, 0, 0], [1e-30, 1e-30, 0, 0], [3e38, 3e38, 3e38, 3e38], [1e-45, 0, 0, 0], [1, 2, 3, 4]])
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", dimension=DIMENSION, metric=metric)
        docs.upsert(ids=list(range(5)), vectors=rows.astype(np.float32))
        for query in rows.astype(np.float32):
            for exact in (True, False):
                hits = docs.search(query, k=5, exact=exact)
                assert sorted(hits.ids) == list(range(5))
                assert not np.isnan(hits.scores).any()
                assert (np.asarray(hits.scores)[:-1] >= np.asarray(hits.scores)[1:]).all()
                if metric == "cosine":
                    assert np.abs(hits.scores).max() <= 1 + 1e-5


BAD_COLLECTIONS: dict[str, tuple[dict[str, Any], type[BaseException]]] = {
    "no vectors": ({}, vecdb.InvalidArgument),
    "both": ({"dimension": 4, "vectors": {"a": vecdb.Vector(4)}}, vecdb.InvalidArgument),
    "dimension zero": ({"dimension": 0}, vecdb.InvalidArgument),
    "dimension boolean": ({"dimension": True}, vecdb.InvalidArgument),
    "dimension float": ({"dimension": 4.0}, vecdb.InvalidArgument),
    "dimension too large": ({"dimension": limits.DIMENSION_MAXIMUM + 1}, vecdb.InvalidArgument),
    "unknown metric": ({"dimension": 4, "metric": "manhattan"}, vecdb.InvalidArgument),
    "index by name": ({"dimension": 4, "index": "hnsw"}, vecdb.InvalidArgument),
    "unknown field type": ({"dimension": 4, "fields": {"a": "geo"}}, vecdb.InvalidArgument),
    "field name": ({"dimension": 4, "fields": {"a..b": "keyword"}}, vecdb.InvalidArgument),
    "vector name": ({"vectors": {"a/b": vecdb.Vector(4)}}, vecdb.InvalidArgument),
    "vectors a list": ({"vectors": [vecdb.Vector(4)]}, vecdb.InvalidArgument),
    "unknown word": ({"dimension": 4, "tenancy": None}, TypeError),
}


@pytest.mark.parametrize("case", BAD_COLLECTIONS)
def test_bad_collections_are_refused(case: str) -> None:
    arguments, expected = BAD_COLLECTIONS[case]
    with vecdb.connect(":memory:") as db:
        with pytest.raises(expected):
            db.create_collection("docs", **arguments)
        assert db.collections() == []


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "é", "a\0", "x" * 129, 5, None, b"docs", ".", "a\n"])
def test_bad_names_are_refused(name: Any) -> None:
    with vecdb.connect(":memory:") as db:
        with pytest.raises(vecdb.InvalidName):
            db.create_collection(name, dimension=4)
        with pytest.raises((vecdb.InvalidName, vecdb.CollectionNotFound)):
            db[name]
        with pytest.raises((vecdb.InvalidName, vecdb.CollectionNotFound)):
            db.drop_collection(name)
        assert db.collections() == []
