"""Searches, filters and reads that are refused, at every door by the same error with the same facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import numpy as np

from tests.parity.rows import vectors
from tests.parity.script import On, Step, own
from vecdb import (
    DimensionMismatch,
    FilterError,
    InvalidId,
    InvalidType,
    InvalidValue,
    InvalidVector,
    LimitExceeded,
    VectorNotFound,
    field,
    has_id,
)

docs, flat, named = On("docs"), On("flat"), On("named")

_Q: Final = vectors(1)[0]
_TWO: Final = vectors(2)
_NAN: Final = float("nan")


def _search(refusal: type[Exception], **options: Any) -> list[Step]:
    """One query, several, and a stream of them."""
    steps = [docs.search(_Q, **options), docs.search(_TWO, **options)]
    if "timeout" not in options and not isinstance(options.get("where"), list):
        steps.append(docs.search_stream(_TWO, **options))
    return [step.refused(refusal) for step in steps]


def _query(refusal: type[Exception], query: Any) -> list[Step]:
    """A query by itself, and in a stream."""
    return [docs.search(query).refused(refusal), docs.search_stream([_Q, query, _Q]).refused(refusal)]


SEARCHES: Final[list[Step]] = [
    *_search(InvalidType, k="ten"),
    *_search(InvalidType, k=1.5),
    *_search(InvalidType, k=True),
    *_search(InvalidType, k=None),
    *_search(InvalidValue, k=0),
    *_search(InvalidValue, k=-3),
    *_search(InvalidValue, k=-(2**70)),
    *_search(LimitExceeded, k=10_001),
    *_search(LimitExceeded, k=np.int64(10_001)),
    *_search(LimitExceeded, k=2**70),
    *_search(InvalidType, ef="x"),
    *_search(InvalidType, ef=1.0),
    *_search(InvalidValue, ef=0),
    *_search(LimitExceeded, ef=4097),
    *_search(InvalidValue, ef=10, recall=0.9),
    *_search(InvalidValue, ef=10, exact=True),
    *_search(InvalidValue, recall=0.9, exact=True),
    *_search(InvalidType, recall="x"),
    *_search(InvalidValue, recall=1.01),
    *_search(InvalidValue, recall=-0.1),
    *_search(InvalidValue, recall=_NAN),
    *_search(InvalidType, exact=1),
    *_search(InvalidType, exact="yes"),
    *_search(InvalidType, exact=None),
    *_search(InvalidType, select="lang"),
    *_search(InvalidType, select=[3]),
    *_search(InvalidType, select={"lang"}),
    *_search(InvalidType, min_score="x"),
    *_search(InvalidValue, min_score=_NAN),
    *_search(InvalidType, min_score=True),
    *_search(InvalidType, timeout="x"),
    *_search(InvalidValue, timeout=0),
    *_search(InvalidValue, timeout=-1),
    *_search(InvalidValue, timeout=3601),
    *_search(InvalidValue, timeout=_NAN),
    *_search(VectorNotFound, using="a"),
    *_search(VectorNotFound, using=3),
    *_search(VectorNotFound, using=["a"]),
    *_search(TypeError, top_k=3),
    *_search(TypeError, filter={}),
    docs.search().refused(TypeError),
    docs.search(_Q, 3, "year == 1").refused(TypeError),
    docs.search_stream(_TWO, timeout=3).refused(TypeError),
    docs.search_stream(_TWO, in_flight=0).refused(InvalidValue),
    docs.search_stream(_TWO, in_flight=1.5).refused(InvalidType),
    docs.search_stream(_TWO, in_flight=10_001).refused(LimitExceeded),
    docs.search_stream(7).refused(TypeError),
    docs.search_stream(_TWO, where=["year == 1", None]).refused(FilterError),
    named.search(_Q).refused(VectorNotFound),
    named.search(_Q, using="").refused(VectorNotFound),
    named.search(_Q, using="nobody").refused(VectorNotFound),
    named.search(_Q, using="a").refused(DimensionMismatch),
    named.search_stream(_TWO, using="b").refused(DimensionMismatch),
]

QUERIES: Final[list[Step]] = [
    *_query(InvalidVector, [1, 2, 3, _NAN]),
    *_query(InvalidVector, [1, 2, 3, float("inf")]),
    *_query(InvalidVector, [0, 0, 0, 0]),
    *_query(InvalidVector, np.zeros(4, np.float16)),
    *_query(DimensionMismatch, [1, 2, 3]),
    *_query(DimensionMismatch, np.ones(5)),
    *_query(DimensionMismatch, []),
    *_query(InvalidVector, "text"),
    *_query(InvalidVector, None),
    *_query(InvalidVector, 3.5),
    *_query(InvalidVector, {"": _Q}),
    *_query(InvalidVector, ["a", "b", "c", "d"]),
    *_query(InvalidVector, [1, 2, 3, 4j]),
    *_query(InvalidVector, [1, 2, 3, 1e39]),
    *_query(InvalidVector, [1, 2, 3, 2**24 + 1]),
    *_query(InvalidVector, [[1, 2], 3, 4, 5]),
    *_query(InvalidVector, _TWO[None]),
    docs.search([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, _NAN]]).refused(InvalidVector),
    docs.search([[1, 2, 3, 4], [0, 0, 0, 0], [1, 2, 3, _NAN]]).refused(InvalidVector),
    docs.search([[1, 2, 3, 4], [1, 2, 3, float("-inf")]]).refused(InvalidVector),
    docs.search([[1, 2, 3, 4], [1, 2, 3, 1e39]]).refused(InvalidVector),
    docs.search([[1, 2, 3, _NAN]]).refused(InvalidVector),
    docs.search(np.array([[1, 2, 3, 4], [0, 0, 0, 0]], np.float16)).refused(InvalidVector),
    docs.search(vectors(2, 3)).refused(DimensionMismatch),
    docs.search(np.empty((0, 3), np.float32)).refused(DimensionMismatch),
    docs.search([]).refused(DimensionMismatch),
    docs.search([[]]).refused(DimensionMismatch),
    flat.search([1, 2, _NAN]).refused(InvalidVector),
    flat.search([[1, 2, 3], [1, 2, _NAN]]).refused(InvalidVector),
    docs.search(np.ones((10_001, 4), np.float32)).refused(LimitExceeded),
    docs.search(np.ones((1_001, 4), np.float32), 10_000).refused(LimitExceeded),
    docs.search(_TWO, where=["year == 1"]).refused(InvalidValue),
    docs.search(_TWO, where=[]).refused(InvalidValue),
    docs.search(_TWO, where=[None] * 3).refused(InvalidValue),
    docs.search(_TWO, where=[None, "year ="]).refused(FilterError),
    docs.search(_TWO, where=[None, field("year") > "x"]).refused(FilterError),
    docs.search(_Q, where=[None]).refused(FilterError),
]

_FILTERS: Final[list[Any]] = [
    "",
    "   ",
    "year",
    "year ==",
    "year == 2020 and",
    "(year == 2020",
    "year == 2020)",
    "year === 2020",
    "year = 2020",
    "year == 'unclosed",
    "year in 2020",
    "year between 1",
    "lang prefix 3",
    "lang all_of 'a'",
    "lang == $nobody",
    "has_id(1.5)",
    "published > datetime('yesterday')",
    "lang == 'en' or (year < 2000 and and)",
    ("lang == $lang", {}),
    ("lang == $lang", {"lang": None}),
    ("lang == $lang", {"lang": "en", "other": 1}),
    ("lang == $lang", "en"),
    ("lang == 'en'",),
    7,
    True,
    b"lang == 'en'",
    {},
    {"lang": {}},
    {"lang": {"=~": "x"}},
    {"lang": None},
    {"lang": ["en"]},
    {"lang": {"==": None}},
    {"$nor": []},
    {"$and": []},
    {"$and": {"lang": "en"}},
    {"$or": [{"lang": "en"}, {"year": {"<": "x"}}]},
    {"$or": [{"lang": "en"}, {"$not": {"year": {"in": 3}}}]},
    {"$has_id": 3},
    {"$has_id": [1, -1]},
    {"year": {"between": [1]}},
    {"year": {"between": [1, "x"]}},
    {"year": {"exists": 1}},
    {"published": {"<": {"$datetime": "soon"}}},
    {3: 4},
    {"a..b": 1},
    {"a[0]": 1},
    field("year") > "x",
    field("year").between("a", "b"),
    field("lang") > 3,
    field("lang") >= datetime(2024, 1, 1),
    field("seen") > 1,
    field("seen").between(0, 1),
    field("price") < "x",
    field("published") > 5,
    field("published") > "soon",
    field("year").prefix("2"),
    field("seen").prefix("t"),
    (field("lang") == "en") & ((field("year") == 1) | (field("year") > "x")),
    ~(~(field("author.name") < 3) & (field("lang") == "en")),
]

FILTERS: Final[list[Step]] = [
    step.refused(FilterError)
    for where in _FILTERS
    for step in (docs.count(where), docs.search(_Q, where=where), docs.scan(where), docs.search(_TWO, where=where))
]

READS: Final[list[Step]] = [
    docs.get(5).refused(InvalidType),
    docs.get("abc").refused(InvalidType),
    docs.get(None).refused(InvalidType),
    docs.get([1, -1]).refused(InvalidId),
    docs.get([1, 1.5]).refused(InvalidId),
    docs.get(["a", ""]).refused(InvalidId),
    docs.get(np.array([[1]])).refused(InvalidType),
    docs.get(own(lambda: iter([1]))).refused(InvalidType),
    docs.get(range(100_001)).refused(LimitExceeded),
    docs.get([1], vectors=True).refused(TypeError),
    docs.get([1], True).refused(TypeError),
    docs.get().refused(TypeError),
    docs.count(filter="x").refused(TypeError),
    docs.count("year == 1", 3).refused(TypeError),
    docs.scan(batch=0).refused(InvalidValue),
    docs.scan(batch=-1).refused(InvalidValue),
    docs.scan(batch="x").refused(InvalidType),
    docs.scan(batch=True).refused(InvalidType),
    docs.scan(batch=10_001).refused(LimitExceeded),
    docs.scan(order_by=3).refused(InvalidType),
    docs.scan(order_by="").refused(InvalidValue),
    docs.scan(order_by="-").refused(InvalidValue),
    docs.scan(order_by="a..b").refused(InvalidValue),
    docs.scan(order_by="\ud800").refused(InvalidValue),
    docs.scan(order_by=["a"]).refused(InvalidType),
    docs.scan("year ==", order_by="").refused(FilterError),
    docs.scan(None, "year").refused(TypeError),
    docs.scan(limit=3).refused(TypeError),
    docs.scan(has_id([1]) & (field("year") > "x")).refused(FilterError),
    docs.recall(0).refused(InvalidValue),
    docs.recall("x").refused(InvalidType),
    docs.recall(10_001).refused(LimitExceeded),
    docs.recall(10, 0).refused(InvalidValue),
    docs.recall(10, 10_001).refused(LimitExceeded),
    docs.recall(10, ef=0).refused(InvalidValue),
    docs.recall(10, ef=5000).refused(LimitExceeded),
    docs.recall(10, seed=-1).refused(InvalidValue),
    docs.recall(10, seed=2**63).refused(LimitExceeded),
    docs.recall(10, seed="x").refused(InvalidType),
    docs.recall(using="nobody").refused(VectorNotFound),
    docs.recall(using=3).refused(VectorNotFound),
    docs.recall(exact=True).refused(TypeError),
    named.recall().refused(VectorNotFound),
    docs.verify(1).refused(TypeError),
    docs.stats(1).refused(TypeError),
    docs.optimize(waiting=True).refused(TypeError),
]
