"""Batches over the network: views of one answer, several answers together, and answers that contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.client.rows import DIMENSION, mixed_ids, vectors
from tests.client.served import connected, remote, scripted
from vecdb.client.collection import RemoteCollection
from vecdb.client.received_hits_batch import ReceivedHitsBatch
from vecdb.proto.v1 import search_pb2, types_pb2

ROWS = 300
Both = tuple[RemoteCollection, vecdb.Collection]


@pytest.fixture(scope="module", params=["integers", "mixed"])
def both(request: Any) -> Iterator[Both]:
    """A collection through both doors, with messages so small that 90 queries are answered by several."""
    with connected(message_bytes=1 << 16) as (db, database):
        docs = db.create_collection("docs", dimension=DIMENSION)
        ids: Any = range(ROWS) if request.param == "integers" else mixed_ids(ROWS)
        docs.upsert(ids, vectors(ROWS), [{"n": n} for n in range(ROWS)])
        yield docs, database["docs"]


def same(batch: vecdb.HitsBatch, other: vecdb.HitsBatch) -> None:
    """Two batches are the same in all that they give."""
    assert batch.ids == other.ids
    for name in ("id_array", "scores", "distances", "counts"):
        array, expected = getattr(batch, name), getattr(other, name)
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(array, expected)
        assert not array.flags.writeable
    assert repr(batch) == repr(other)
    for hits, others in zip(batch, other, strict=True):
        assert (hits.ids, hits.payloads, hits.plan) == (others.ids, others.payloads, others.plan)
        np.testing.assert_array_equal(hits.scores, others.scores)
        assert (hits.vectors is None) == (others.vectors is None)
        for name, array in (others.vectors or {}).items():
            assert hits.vectors is not None
            np.testing.assert_array_equal(hits.vectors[name], array)


@pytest.mark.parametrize("queries", [0, 1, 3, 90])
@pytest.mark.parametrize(
    "options", [{}, {"k": ROWS + 5}, {"min_score": 0.6}, {"min_score": 2}, {"with_vectors": True}, {"where": "n < 4"}]
)
def test_batches_are_those_of_the_embedded_database(both: Both, queries: int, options: dict[str, Any]) -> None:
    docs, there = both
    asked = vectors(queries, seed=9)
    same(docs.search(asked, exact=True, **options), there.search(asked, exact=True, **options))


def test_filters_one_a_query_of_several_answers(both: Both) -> None:
    docs, there = both
    asked = vectors(90, seed=9)
    wheres: list[Any] = [None if n % 4 == 0 else {"n": {"<": n % 4 * 3}} if n % 4 < 3 else "n < 0" for n in range(90)]
    found = docs.search(asked, ROWS, where=wheres, exact=True)
    same(found, there.search(asked, ROWS, where=wheres, exact=True))
    assert isinstance(found, ReceivedHitsBatch)
    assert len(found._parts) > 1
    assert set(found.counts.tolist()) == {0, 3, 6, ROWS}


def test_arrays_of_one_answer_are_views_of_it() -> None:
    with connected() as (db, _):
        docs = db.create_collection("docs", dimension=DIMENSION)
        docs.upsert(range(ROWS), vectors(ROWS))
        found = docs.search(vectors(5))
        for array in (found.id_array, found.scores):
            owner: Any = array
            while isinstance(owner, np.ndarray):
                owner = owner.base
            assert isinstance(owner, bytes)
            assert owner == array.tobytes()


def of_texts(*texts: str) -> types_pb2.Ids:
    return types_pb2.Ids(texts=types_pb2.Texts(values=texts))


def of_mixed(*ids: int) -> types_pb2.Ids:
    return types_pb2.Ids(mixed=types_pb2.MixedIds(values=[types_pb2.Id(integer=each) for each in ids]))


def of_integers(*ids: int) -> types_pb2.Ids:
    return types_pb2.Ids(integers=np.array(ids, "<i8").tobytes())


def answer(counts: list[int], ids: types_pb2.Ids, **fields: Any) -> search_pb2.SearchResponse:
    plan = search_pb2.Plan(strategy="scan", metric=2)  # type: ignore[arg-type]
    scores = np.arange(min(sum(counts), 9), 0, -1).astype("<f4").tobytes()
    return search_pb2.SearchResponse(**{"counts": counts, "ids": ids, "scores": scores, "plans": [plan], **fields})


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (of_integers(7, 8, 9), [[7, 8], [9, -1]]),
        (of_mixed(7, 8, 9), [[7, 8], [9, -1]]),
        (of_texts("a", "b", "c"), [["a", "b"], ["c", None]]),
    ],
)
def test_integers_are_an_array_however_they_came(ids: types_pb2.Ids, expected: list[list[vecdb.Id]]) -> None:
    with scripted({"Search": lambda *_: answer([2, 1], ids)}) as address, remote(address) as db:
        found = db["docs"].search(np.eye(2))
        assert found.id_array.tolist() == expected
        assert found.scores.tolist() == [[3, 2], [1, -np.inf]]
        assert found.distances.tolist() == [[-3, -2], [-1, np.inf]]


def test_answers_with_ids_of_different_kinds_are_one_batch() -> None:
    """Also where an answer has no hits, and says of its ids nothing."""
    parts = [answer([2], of_integers(7, 8)), answer([0], types_pb2.Ids()), answer([1], of_texts("a"))]
    answers = iter([*parts, *parts[:2], answer([1], of_mixed(5))])
    limits = {"MESSAGE_BYTES": 100_000}
    with scripted({"Search": lambda *_: next(answers)}, limits=limits) as address, remote(address) as db:
        docs = db["docs"]
        filters: list[Any] = [f"a == '{number}{'x' * 60_000}'" for number in range(3)]  # two do not fit one message
        found = docs.search(np.ones((3, 2)), where=filters)
        assert found.ids == [[7, 8], [], ["a"]]
        assert found.id_array.tolist() == [[7, 8], [None, None], ["a", None]]
        found = docs.search(np.ones((3, 2)), where=filters)
        assert found.id_array.tolist() == [[7, 8], [-1, -1], [5, -1]]
        assert [hits.ids for hits in found] == found.ids == [[7, 8], [], [5]]


@pytest.mark.parametrize(
    "damaged",
    [
        answer([2], of_integers(7, 8)),
        answer([1, 1, 1], of_integers(7, 8, 9)),
        answer([4, 0], of_integers(6, 7, 8, 9)),
        answer([2**32 - 1, 1], of_integers(), scores=bytes(4)),
        answer([1, 1], of_integers(7)),
        answer([1, 1], of_integers(7, -1)),
        answer([1, 1], of_mixed(7, -(2**63))),
        answer([1, 1], types_pb2.Ids()),
        answer([1, 1], of_integers(7, 8), scores=bytes(7)),
        answer([1, 1], of_integers(7, 8), scores=bytes(12)),
        answer([1, 1], of_integers(7, 8), plans=[]),
        answer([1, 1], of_integers(7, 8), plan_of=[0, 1]),
        answer([1, 1], of_integers(7, 8), plan_of=[0]),
        answer([1, 1], of_integers(7, 8), plans=[search_pb2.Plan(metric=9)]),  # type: ignore[arg-type]
        answer([1, 1], of_integers(7, 8), payloads=b"[{}]"),
    ],
    ids=range(15),
)
def test_answers_that_contradict_themselves_are_the_servers_fault(damaged: search_pb2.SearchResponse) -> None:
    """Whatever is asked for first; k is 3."""

    def everything(docs: RemoteCollection) -> object:
        found = docs.search(np.eye(2), 3)
        return found.id_array, found.ids, found.scores, found.distances, [hits.payloads for hits in found]

    with scripted({"Search": lambda *_: damaged}) as address, remote(address) as db, pytest.raises(vecdb.ServerFailed):
        everything(db["docs"])
