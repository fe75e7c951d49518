"""The verbs of a collection over the wire: what they give is what the database behind the server gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.rows import DIMENSION, FIELDS, mixed_ids, payloads, vectors
from tests.client.served import connected
from vecdb import field
from vecdb.client.collection import RemoteCollection

ROWS = 300
Both = tuple[RemoteCollection, vecdb.Collection]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    """One collection through both doors; the tests only read it."""
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION, fields=FIELDS)
        result = docs.upsert(mixed_ids(ROWS), vectors(ROWS), payloads(ROWS))
        assert (result.count, result.missing) == (ROWS, 0)
        yield docs, database["docs"]


@pytest.fixture
def own() -> Iterator[Both]:
    """A collection to change."""
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION, fields=FIELDS)
        docs.upsert(range(10), vectors(10), payloads(10))
        yield docs, database["docs"]


def same(hits: Any, others: Any) -> None:
    """Two Hits are the same in all that they give."""
    assert hits.ids == others.ids
    assert [type(each) for each in hits.ids] == [type(each) for each in others.ids]
    np.testing.assert_array_equal(hits.scores, others.scores)
    np.testing.assert_array_equal(hits.distances, others.distances)
    assert hits.payloads == others.payloads
    assert hits.plan == others.plan
    assert list(hits) == list(others)
    assert (hits.vectors is None) == (others.vectors is None)
    for name, array in (others.vectors or {}).items():
        np.testing.assert_array_equal(hits.vectors[name], array)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": 1},
        {"k": ROWS + 5},
        {"where": field("year") >= 2010},
        {"where": {"lang": "en"}},
        {"where": "lang == 'dé' and not year between 2003 and 2008"},
        {"where": ("year in $years", {"years": [2001, 2002]})},
        {"where": field("year") > 3000},
        {"exact": True},
        {"exact": np.True_},
        {"ef": 50},
        {"recall": 0.5},
        {"select": ["lang"]},
        {"select": []},
        {"with_vectors": True},
        {"min_score": 0.2},
        {"min_score": 2},
        {"timeout": 5, "using": ""},
    ],
)
def test_searches(both: Both, options: dict[str, Any]) -> None:
    docs, there = both
    queries = vectors(4, seed=9)
    same(docs.search(queries[0], **options), there.search(queries[0], **options))
    same(docs.search(queries[0].tolist(), **options), there.search(queries[0].tolist(), **options))
    found, expected = docs.search(queries, **options), there.search(queries, **options)
    assert isinstance(found, vecdb.HitsBatch)
    for hits, others in zip(found, expected, strict=True):
        same(hits, others)
    assert len(docs.search(queries[:0], **options)) == 0


def test_a_filter_for_each_query(both: Both) -> None:
    docs, there = both
    queries = vectors(3, seed=9)
    wheres: list[Any] = ["year < 2005", None, {"lang": "en"}]
    for hits, others in zip(docs.search(queries, where=wheres), there.search(queries, where=wheres), strict=True):
        same(hits, others)
    one = docs.search(queries[:1], where=wheres[:1])
    same(one[0], there.search(queries[0], where="year < 2005"))


def test_hits_are_views_of_the_answer(both: Both) -> None:
    hits = both[0].search(vectors(1)[0], with_vectors=True)
    assert isinstance(hits, vecdb.Hits)
    assert not hits.scores.flags.writeable
    assert not hits.scores.flags.owndata
    assert hits.vectors is not None
    assert not hits.vectors[""].flags.owndata


def test_half_precision_is_sent_as_it_is(both: Both) -> None:
    docs, there = both
    half = vectors(3, seed=5).astype(np.float16)
    same(docs.search(half[0]), there.search(half[0]))
    for hits, others in zip(docs.search(half), there.search(half), strict=True):
        same(hits, others)
    sent = docs._points.messages([1, 2, 3], half, None).whole()
    assert len(sent.vectors[0].matrix.data) == half.nbytes


def test_rows_come_back(both: Both) -> None:
    docs, there = both
    asked = [*mixed_ids(20)[::-1], "nobody", 10**15]
    assert docs.get(asked) == there.get(asked)
    for record, other in zip(docs.get(asked, with_vectors=True), there.get(asked, with_vectors=True), strict=True):
        assert record == other
        assert record.vectors is not None
        np.testing.assert_array_equal(record.vectors[""], (other.vectors or {})[""])
    assert docs.get(np.arange(0, 9, 3)) == there.get(np.arange(0, 9, 3))
    assert docs.get([]) == []


@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize(
    "options", [{}, {"where": "year > 2010"}, {"order_by": "-year"}, {"with_vectors": True}, {"where": "year > 9000"}]
)
def test_scans(both: Both, batch: int, options: dict[str, Any]) -> None:
    docs, there = both
    found, expected = list(docs.scan(batch=batch, **options)), list(there.scan(batch=batch, **options))
    assert found == expected
    for record, other in zip(found, expected, strict=True):
        assert (record.vectors is None) == (other.vectors is None)
        for name, array in (other.vectors or {}).items():
            np.testing.assert_array_equal((record.vectors or {})[name], array)


def test_a_scan_is_of_the_moment_of_the_call(own: Both) -> None:
    docs, _ = own
    found = docs.scan(batch=2)
    docs.upsert([100], vectors(1))
    docs.delete([3])
    assert [record.id for record in found] == list(range(10))


def test_a_scan_may_be_left(own: Both) -> None:
    docs, _ = own
    found = docs.scan(batch=1)
    next(found)
    del found
    assert docs.count() == 10


def test_counts_and_names(both: Both) -> None:
    docs, there = both
    assert (docs.count(), len(docs), bool(docs)) == (ROWS, ROWS, True)
    assert docs.count("year < 2004") == there.count("year < 2004")
    assert (docs.name, docs.schema) == (there.name, there.schema)
    assert repr(docs).startswith("<vecdb.RemoteCollection 'docs' at 'grpc://127.0.0.1:")


def test_writes(own: Both) -> None:
    docs, there = own
    assert docs.update([1, 2, "nobody"], {"lang": "fr"}, ["year"]).missing == 1
    assert there.get([1])[0].payload == {"lang": "fr"}
    deleted = docs.delete([1, "nobody"])
    assert (deleted.count, deleted.missing) == (1, 1)
    assert docs.delete(where={"lang": "fr"}).count == 1
    assert there.count() == 8
    result = docs.upsert(["a"], vectors(1), [{"x": [1, {"y": None}]}])
    assert result.sequence == there.upsert([], vectors(0)).sequence
    assert there.get(["a"])[0].payload == {"x": [1, {"y": None}]}
    assert docs.upsert([], vectors(0)).count == 0


def test_care(own: Both) -> None:
    docs, there = own
    docs.optimize()
    docs.optimize(wait=False)
    seen: list[tuple[int, int]] = []
    docs.optimize(progress=lambda done, total: seen.append((done, total)))
    assert all(done <= total for done, total in seen)
    assert docs.stats() == there.stats()
    assert docs.verify() == there.verify()
    assert docs.recall(5, 3, ef=20, seed=1) == there.recall(5, 3, ef=20, seed=1)


def test_named_vectors() -> None:
    with connected() as (db, database):
        schema: dict[str, Any] = {"a": vecdb.Vector(4, metric="l2", index=vecdb.Flat()), "b": vecdb.Vector(3)}
        docs = db.create_collection("two", vectors=schema)
        arrays = {"b": vectors(5)[:, :3].copy(), "a": vectors(5)[:, :4].copy()}
        docs.upsert(range(5), arrays)
        there = database["two"]
        same(
            docs.search(arrays["b"][0], using="b", with_vectors=True),
            there.search(arrays["b"][0], using="b", with_vectors=True),
        )
        assert docs.schema == there.schema
        assert docs.recall(3, 2, using="a") == there.recall(3, 2, using="a")
        for attempt in (
            lambda: docs.search(arrays["b"][0]),
            lambda: docs.search(arrays["b"][0], using="c"),
            lambda: docs.recall(using="c"),
        ):
            with pytest.raises(vecdb.VectorNotFound) as refused:
                attempt()
            assert refused.value.known == ("a", "b")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda docs: docs.search(np.ones(3)),
        lambda docs: docs.search(np.full(DIMENSION, np.nan)),
        lambda docs: docs.search(np.zeros(DIMENSION)),
        lambda docs: docs.search(np.ones((2, 2, 2))),
        lambda docs: docs.search(np.vstack([np.ones((3, DIMENSION)), np.full((1, DIMENSION), np.inf)])),
        lambda docs: docs.search(np.ones(DIMENSION), 0),
        lambda docs: docs.search(np.ones(DIMENSION), "ten"),
        lambda docs: docs.search(np.ones(DIMENSION), ef=5, exact=True),
        lambda docs: docs.search(np.ones(DIMENSION), timeout=0),
        lambda docs: docs.search(np.ones(DIMENSION), where="year <"),
        lambda docs: docs.search(np.ones(DIMENSION), where={"year": {"$huh": 1}}),
        lambda docs: docs.search(np.ones(DIMENSION), where=field("year") < "text"),
        lambda docs: docs.search(np.ones(DIMENSION), where=["year < 1"]),
        lambda docs: docs.search(np.ones((2, DIMENSION)), where=["year < 1"]),
        lambda docs: docs.search(np.ones(DIMENSION), select="lang"),
        lambda docs: docs.search(np.ones((2, DIMENSION)), 10_001),
        lambda docs: docs.upsert([1, 1], np.ones((2, DIMENSION))),
        lambda docs: docs.upsert([-1], np.ones((1, DIMENSION))),
        lambda docs: docs.upsert([1, 2], np.vstack([np.ones(DIMENSION), np.zeros(DIMENSION)])),
        lambda docs: docs.upsert([1], np.ones((1, DIMENSION)), [{"year": "late"}]),
        lambda docs: docs.upsert([1], np.ones((1, DIMENSION)), [{"x": {1, 2}}]),
        lambda docs: docs.upsert([1], np.ones((2, DIMENSION))),
        lambda docs: docs.upsert("ab", np.ones((2, DIMENSION))),
        lambda docs: docs.upsert([5, 6, 7, 7], np.ones((4, DIMENSION)), progress=lambda *_: None),
        lambda docs: docs.update([0], {"year": "late"}),
        lambda docs: docs.update([1], ["year"]),
        lambda docs: docs.update([1], None, "year"),
        lambda docs: docs.delete(),
        lambda docs: docs.delete([1], where="year < 1"),
        lambda docs: docs.delete([[]]),
        lambda docs: docs.get("abc"),
        lambda docs: docs.get([None]),
        lambda docs: docs.count(where=7),
        lambda docs: docs.scan(batch=0),
        lambda docs: docs.scan(order_by=7),
        lambda docs: docs.scan(order_by="a..b"),
        lambda docs: docs.recall(0),
        lambda docs: docs.search_stream([], in_flight=0),
        lambda docs: docs.search_stream([], 0),
        lambda docs: list(docs.search_stream([np.ones((2, DIMENSION))])),
        lambda docs: list(docs.search_stream([np.ones(DIMENSION), np.ones(2)])),
        lambda docs: list(docs.search_stream([np.ones(DIMENSION), np.zeros(DIMENSION)])),
    ],
)
def test_what_is_refused_is_refused_alike(both: Both, attempt: Any) -> None:
    """The same class with the same text and facts, and nothing changed."""
    errors = []
    for docs in both:
        with pytest.raises(vecdb.Error) as refused:
            attempt(docs)
        errors.append(refused.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]) == str(errors[1])
    assert vars(errors[0]).keys() == vars(errors[1]).keys()
    assert both[1].count() == ROWS


def test_unknown_keywords_are_type_errors(both: Both) -> None:
    with pytest.raises(TypeError):
        both[0].search(vectors(1)[0], top=3)  # type: ignore[call-overload]


def test_a_collection_that_was_dropped_and_made_again_is_another_one() -> None:
    with connected() as (db, database):
        docs = db.create_collection("docs", dimension=2)
        database.drop_collection("docs")
        database.create_collection("docs", dimension=2)
        for attempt in (docs.count, lambda: docs.search([1.0, 2.0]), lambda: docs.upsert([1], [[1.0, 2.0]]), docs.drop):
            with pytest.raises(vecdb.CollectionNotFound) as refused:
                attempt()
            assert refused.value.name == "docs"
        assert db["docs"].count() == 0
