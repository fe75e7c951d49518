"""Scripts of searching: every argument of search, search_stream and recall."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tests.parity.rows import FIELDS, IDS, PAYLOADS, facts, vectors
from tests.parity.script import On, Script, Step, own, unheard
from vecdb import Flat, Hnsw, InvalidVector, Timeout, Vector, field

db, docs = On("db"), On("docs")

_ROWS: Final = 60
_Q: Final = vectors(5, seed=8)
_ONE: Final = _Q[0]
_EMPTY: Final = _Q[:0]
_WHERES: Final[list[Any]] = [field("year") < 2008, None, {"lang": "en"}, "lang == 'en'", "year == 1"]


def _filled(**form: Any) -> list[Step]:
    make = db.create_collection("docs", 4, **form).kept("docs")
    return [make, docs.upsert(range(_ROWS), vectors(_ROWS), facts(_ROWS))]


def _large(count: int, dimension: int, **form: Any) -> list[Step]:
    """A collection whose graph is built."""
    return [
        db.create_collection("docs", dimension, **form).kept("docs"),
        docs.upsert(np.arange(count), vectors(count, dimension), facts(count)),
        docs.optimize(wait=True, progress=unheard()),
    ]


def _searches() -> list[Step]:
    """Every argument, for one query and for several."""
    options: list[dict[str, Any]] = [
        {},
        {"k": 1},
        {"k": _ROWS + 5},
        {"k": 10_000},
        {"k": np.int64(3)},
        {"exact": True},
        {"exact": np.True_},
        {"exact": False, "ef": None, "recall": None},
        {"ef": 1},
        {"ef": 4096},
        {"ef": np.int32(50)},
        {"recall": 0.5},
        {"recall": 1},
        {"recall": 0},
        {"recall": np.float32(0.9)},
        {"using": ""},
        {"using": None},
        {"select": None},
        {"select": []},
        {"select": ()},
        {"select": ["lang"]},
        {"select": ("year", "lang")},
        {"select": ["nobody"]},
        {"select": ["lang", "lang"]},
        {"with_vectors": True},
        {"with_vectors": True, "select": []},
        {"with_vectors": False},
        {"min_score": 0.2},
        {"min_score": -0.5, "with_vectors": True},
        {"min_score": 1e30},
        {"min_score": -float("inf")},
        {"min_score": np.float64(0.1)},
        {"min_score": 1},
        {"timeout": 5},
        {"timeout": 3600.0},
        {"timeout": np.float32(30)},
        {"where": field("year") >= 2010},
        {"where": {"lang": "en"}, "k": 3, "with_vectors": True, "select": ["year"], "min_score": -0.2},
        {"where": "lang == 'dé' and not year between 2003 and 2008"},
        {"where": ("year in $years", {"years": [2001, 2002]}), "exact": True},
        {"where": "year == 1"},
        {"where": None},
    ]
    return [docs.search(query, **each) for each in options for query in (_ONE, _Q[:3])]


SCRIPTS: Final[dict[str, Script]] = {
    "searches, cosine": [*_filled(), *_searches()],
    "searches, l2, flat": [*_filled(metric="l2", index=Flat()), *_searches()],
    "searches, dot": [*_filled(metric="dot", index=Hnsw(m=4, ef_construction=20)), *_searches()],
    "searches of a graph": [*_large(1500, 4, metric="l2"), *_searches(), docs.stats()],
    "queries of every form": [
        *_filled(),
        docs.search(_ONE, 3),
        docs.search(query=_ONE, k=3),
        docs.search(_ONE.tolist(), 3),
        docs.search(tuple(_ONE.tolist()), 3),
        docs.search(_ONE.astype(np.float64), 3),
        docs.search(_ONE.astype(np.float16), 3),
        docs.search(_ONE.astype(">f4"), 3),
        docs.search(np.arange(4), 3),
        docs.search(vectors(1, 8)[0][::2], 3),
        docs.search(_Q[:1], 3),
        docs.search(_Q, 3),
        docs.search(_Q.tolist(), 3),
        docs.search(list(_Q), 3),
        docs.search(_Q.astype(np.float16), 3),
        docs.search(_Q[::2], 3),
        docs.search(np.asfortranarray(_Q), 3),
        docs.search(_Q.astype(np.float64), 3),
        docs.search(_EMPTY, 3),
        docs.search(np.empty((0, 4), np.float16)),
        docs.search(_ONE * 1e-30, 3),
        docs.search(_ONE * 1e30, 3),
    ],
    "a filter for each query": [
        *_filled(),
        docs.search(_Q, 4, where=_WHERES),
        docs.search(_Q[:1], 4, where=_WHERES[:1]),
        docs.search(_Q[:1], 4, where=[None]),
        docs.search(_Q, 4, where=[None] * 5),
        docs.search(_Q, 4, where=["year == 2001"] * 5, with_vectors=True),
        docs.search(_Q, 4, where=_WHERES, select=[]),
        docs.search(_Q, 4, where="year == 2001"),
        docs.search(_EMPTY, 4, where=[]),
        docs.search(_EMPTY, 4, where="year == 2001"),
    ],
    "an empty collection": [
        db.create_collection("docs", 4).kept("docs"),
        docs.search(_ONE),
        docs.search(_ONE, with_vectors=True),
        docs.search(_ONE, where="a == 1", select=[]),
        docs.search(_Q),
        docs.search(_Q, with_vectors=True),
        docs.search_stream(_Q),
        docs.scan(),
        docs.get([1]),
        docs.count("a == 1"),
        docs.recall(),
        docs.verify(),
        docs.stats(),
        docs.optimize(),
    ],
    "hits with ids and payloads of every kind": [
        db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        docs.search(_ONE, len(IDS)),
        docs.search(_ONE, len(IDS), with_vectors=True),
        docs.search(_Q, len(IDS)),
        docs.search(_Q, 1),
        docs.search(_Q, len(IDS), min_score=0.2),
        docs.search(_ONE, len(IDS), select=["author", "$and", "", "é", "lang"]),
        docs.search(_Q, 2, select=["author.name"]),
        docs.search_stream(_Q, len(IDS)),
    ],
    "using named vectors": [
        db.create_collection(
            "docs", vectors={"a": Vector(3, metric="l2", index=Flat()), "b": Vector(2, metric="dot"), "": Vector(4)}
        ).kept("docs"),
        docs.upsert(range(_ROWS), {"a": vectors(_ROWS, 3), "b": vectors(_ROWS, 2), "": vectors(_ROWS)}, facts(_ROWS)),
        docs.search(_ONE),
        docs.search(_ONE, using=""),
        docs.search(vectors(1, 3)[0], using="a", with_vectors=True),
        docs.search(vectors(2, 3), using="a", with_vectors=True),
        docs.search(vectors(1, 2)[0], using="b", where="lang == 'en'"),
        docs.search(vectors(2, 2), using="b", min_score=0.3),
        docs.search_stream(vectors(3, 2), using="b"),
        docs.recall(sample=10, k=3, using="b"),
        docs.recall(10, 3, using="a"),
        docs.recall(10, 3),
    ],
    "one named vector": [
        db.create_collection("docs", vectors={"only": Vector(4, metric="dot")}).kept("docs"),
        docs.upsert(range(9), {"only": vectors(9)}),
        docs.search(_ONE),
        docs.search(_ONE, using="only", with_vectors=True),
        docs.search(_Q),
        docs.search_stream(_Q),
        docs.recall(5),
    ],
    "equal scores": [
        db.create_collection("docs", 2, metric="l2").kept("docs"),
        docs.upsert(range(30), [[1, 0]] * 15 + [[0, 1]] * 15),
        docs.search([1, 0], 10),
        docs.search([[1, 0], [0, 1]], 20),
        docs.search([0.5, 0.5], 30),
        docs.search([1, 0], 30, where=field("a").exists()),
    ],
    "scores of zero": [
        db.create_collection("docs", 2, metric="dot").kept("docs"),
        docs.upsert([1, 2, 3], [[0, 0], [1, 0], [-0.0, 0]]),
        docs.search([0, 1], 3),
        docs.search([0, -1], 3, min_score=0),
        docs.search([[0, 0], [0, 1]], 3),
    ],
    "streams": [
        *_filled(),
        docs.search_stream(_Q),
        docs.search_stream(queries=list(_Q), k=3),
        docs.search_stream(own(lambda: iter(_Q.tolist())), 3, where=field("year") >= 2010),
        docs.search_stream(own(lambda: (each for each in _Q)), 3, where={"lang": "en"}, select=["year"]),
        docs.search_stream(vectors(200, seed=3), 2, in_flight=1),
        docs.search_stream(vectors(200, seed=3), 2, in_flight=7, with_vectors=True),
        docs.search_stream(vectors(200, seed=3), 2, in_flight=10_000, ef=30),
        docs.search_stream(_Q, exact=True, min_score=0.3),
        docs.search_stream(_Q, recall=0.5, using="", select=[]),
        docs.search_stream(_Q.astype(np.float16), 4),
        docs.search_stream(_Q.astype(np.float64), 4),
        docs.search_stream([]),
        docs.search_stream([*_Q, [0, 0, 0, 0], *_Q]).refused(InvalidVector),
        docs.search_stream([*_Q, [1, 2, 3, float("nan")], *_Q], in_flight=2).refused(InvalidVector),
        docs.search_stream([*_Q, [1, 2, 3, "four"]]).refused(InvalidVector),
        docs.search_stream([_Q]).refused(InvalidVector),
    ],
    "recall": [
        *_large(1500, 16),
        docs.recall(),
        docs.recall(50, 5, ef=20, seed=7),
        docs.recall(sample=1, k=1, ef=1, using="", seed=2**63 - 1),
        docs.recall(10_000, 10_000, ef=4096),
        docs.search(vectors(1, 16)[0], recall=0.99),
        docs.search(vectors(20, 16), 50, ef=60),
    ],
    "time that is over": [
        db.create_collection("docs", 64, index=Flat()).kept("docs"),
        docs.upsert(np.arange(20_000), vectors(20_000, 64), facts(20_000)),
        docs.search(vectors(1, 64)[0], where="number > 3 and lang != 'en'", timeout=0.001).refused(Timeout),
        docs.search(vectors(2, 64), where="number > 4 and lang != 'en'", timeout=0.002).refused(Timeout),
        docs.count(),
    ],
}
