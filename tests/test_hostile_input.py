"""Input that is wrong, odd or at the edge: the right answer or a clear error, and then nothing was written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import pytest

import vecdb
from tests.ten_rows import DIMENSION, ONES, QUERY, Docs, contents, refused, ten_rows
from vecdb import field, limits


def rows_with(value: float, row: int = 1, dtype: Any = np.float32) -> Any:
    rows = np.ones((3, DIMENSION), dtype)
    rows[row, 2] = value
    return rows


def zero_row() -> Any:
    rows = np.ones((3, DIMENSION), np.float32)
    rows[2] = 0
    return rows


@pytest.fixture(scope="module", params=["cosine", "l2", "dot"])
def docs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docs]:
    """Every test leaves them as they are."""
    with ten_rows(tmp_path_factory.mktemp("hostile") / "db", request.param) as docs:
        yield docs


BAD_VECTORS: dict[str, tuple[Any, type[BaseException]]] = {
    "NaN": (rows_with(math.nan), vecdb.InvalidVector),
    "infinity": (rows_with(math.inf), vecdb.InvalidVector),
    "minus infinity": (rows_with(-math.inf), vecdb.InvalidVector),
    "NaN in float64": (rows_with(math.nan, dtype=np.float64), vecdb.InvalidVector),
    "NaN in float16": (rows_with(math.nan, dtype=np.float16), vecdb.InvalidVector),
    "NaN in lists": ([[1.0] * 4, [1.0, math.nan, 1.0, 1.0], [1.0] * 4], vecdb.InvalidVector),
    "float64 beyond float32": (rows_with(1e39, dtype=np.float64), vecdb.InvalidVector),
    "integers beyond float32": (rows_with(2**24 + 1, dtype=np.int64), vecdb.InvalidVector),
    "too narrow": (np.ones((3, 3), np.float32), vecdb.DimensionMismatch),
    "too wide": (np.ones((3, 5), np.float32), vecdb.DimensionMismatch),
    "no columns": (np.ones((3, 0), np.float32), vecdb.DimensionMismatch),
    "one dimension": (np.ones(12, np.float32), vecdb.InvalidArgument),
    "three dimensions": (np.ones((3, 2, 2), np.float32), vecdb.InvalidArgument),
    "a number": (1.0, vecdb.InvalidArgument),
    "None": (None, (vecdb.InvalidArgument)),
    "text": ("abc", vecdb.InvalidArgument),
    "texts": ([["a"] * 4] * 3, vecdb.InvalidArgument),
    "ragged lists": ([[1.0] * 4, [1.0] * 3, [1.0] * 4], vecdb.InvalidArgument),
    "objects": (np.array([[object()] * 4] * 3), vecdb.InvalidArgument),
    "numbers as objects": (np.ones((3, 4), object), vecdb.InvalidArgument),
    "complex": (np.ones((3, 4), np.complex64), vecdb.InvalidArgument),
    "booleans": (np.ones((3, 4), bool), vecdb.InvalidArgument),
    "dates": (np.zeros((3, 4), "datetime64[s]"), vecdb.InvalidArgument),
    "bytes": (b"\0" * 48, vecdb.InvalidArgument),
    "an unknown name": ({"other": np.ones((3, 4), np.float32)}, vecdb.Error),
    "too few rows": (np.ones((2, 4), np.float32), vecdb.InvalidArgument),
    "too many rows": (np.ones((4, 4), np.float32), vecdb.InvalidArgument),
    "an array inside an object array": (np.array([[None] * 4] * 3), vecdb.InvalidArgument),
}


@pytest.mark.parametrize("case", BAD_VECTORS)
def test_bad_vectors_are_refused(docs: Docs, case: str) -> None:
    vectors, expected = BAD_VECTORS[case]
    refused(docs, lambda docs: docs.upsert(ids=[1, 100, 101], vectors=vectors), expected)


def test_an_invalid_vector_is_named_by_row(docs: Docs) -> None:
    for value, reason in ((math.nan, "NaN"), (math.inf, "infinity")):
        attempt = partial(Docs.upsert, ids=[100, 1, 101], vectors=rows_with(value))
        error = refused(docs, attempt, vecdb.InvalidVector)
        assert (error.row, error.collection) == (1, "docs")
        assert reason.lower() in error.reason.lower()
    error = refused(
        docs, lambda docs: docs.upsert(ids=[1], vectors=np.ones((1, 7), np.float32)), vecdb.DimensionMismatch
    )
    assert (error.expected, error.received) == (DIMENSION, 7)


def test_a_zero_vector_is_refused_only_where_it_has_no_direction(docs: Docs) -> None:
    cosine = docs.schema.vectors[""].metric == "cosine"
    if cosine:
        error = refused(docs, lambda docs: docs.upsert(ids=[1, 2, 100], vectors=zero_row()), vecdb.InvalidVector)
        assert error.row == 2
        refused(docs, lambda docs: docs.search(np.zeros(DIMENSION, np.float32)), vecdb.InvalidVector)
    else:
        assert len(docs.search(np.zeros(DIMENSION, np.float32), k=3)) == 3
        docs.upsert(ids=[100], vectors=np.zeros((1, DIMENSION), np.float32))
        (record,) = docs.get([100], with_vectors=True)
        assert record.vectors is not None
        assert not record.vectors[""].any()
        docs.delete(ids=[100])


GOOD_VECTORS: dict[str, Callable[[Any], Any]] = {
    "float32": lambda rows: rows,
    "float64": lambda rows: rows.astype(np.float64),
    "float16": lambda rows: rows.astype(np.float16),
    "longdouble": lambda rows: rows.astype(np.longdouble),
    "int8": lambda rows: rows.astype(np.int8),
    "uint64": lambda rows: np.abs(rows).astype(np.uint64),
    "big-endian": lambda rows: rows.astype(">f4"),
    "Fortran order": np.asfortranarray,
    "strided rows": lambda rows: np.repeat(rows, 2, axis=0)[::2],
    "strided columns": lambda rows: np.repeat(rows, 3, axis=1)[:, ::3],
    "reversed": lambda rows: rows[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda rows: np.frombuffer(rows.tobytes(), np.float32).reshape(rows.shape),
    "unaligned": lambda rows: np.frombuffer(b"x" + rows.tobytes(), np.uint8)[1:].view(np.float32).reshape(rows.shape),
    "broadcast": lambda rows: np.broadcast_to(rows[:1], rows.shape),
    "lists": lambda rows: rows.tolist(),
    "list of arrays": list,
    "tuple of lists": lambda rows: tuple(rows.tolist()),
    "a subclass": lambda rows: rows.view(np.ma.MaskedArray),
    "a matrix": lambda rows: rows.view(np.matrix),
}


@pytest.mark.parametrize("case", GOOD_VECTORS)
def test_layouts_and_types_that_lose_nothing_are_stored_as_they_are(docs: Docs, case: str) -> None:
    rows = np.arange(1, 4 * DIMENSION + 1, dtype=np.float32).reshape(4, DIMENSION)
    given = GOOD_VECTORS[case](rows)
    meant = np.array(given, dtype=np.float32)
    try:
        docs.upsert(ids=[100, 101, 102, 103], vectors=given)
        records = docs.get([100, 101, 102, 103], with_vectors=True)
        stored = np.stack([(record.vectors or {})[""] for record in records])
        if docs.schema.vectors[""].metric == "cosine":
            meant = meant / np.linalg.norm(meant, axis=1, keepdims=True)
            stored = stored / np.linalg.norm(stored, axis=1, keepdims=True)
            assert np.allclose(stored, meant, rtol=0, atol=1e-6)
        else:
            assert np.array_equal(stored, meant)
        for row in range(4):
            hits = docs.search(np.asarray(given)[row], k=14, exact=True)
            assert len(hits) == 14
            if case != "a matrix":  # its rows are matrices again: a batch of one query
                assert docs.search(given[row], k=14).ids == hits.ids
    finally:
        docs.delete(ids=[100, 101, 102, 103])


def test_the_given_arrays_are_not_changed_and_not_kept(docs: Docs) -> None:
    rows = np.arange(1, 9, dtype=np.float32).reshape(2, 4)
    before, payload = rows.copy(), {"lang": "en", "list": [1]}
    docs.upsert(ids=[100, 101], vectors=rows, payloads=[payload, None])
    assert np.array_equal(rows, before)
    stored = docs.get([100], with_vectors=True)[0]
    rows[:] = 0
    payload["list"] = []
    again = docs.get([100], with_vectors=True)[0]
    assert again.payload == {"lang": "en", "list": [1]} == stored.payload
    assert np.array_equal((again.vectors or {})[""], (stored.vectors or {})[""])
    query = QUERY * 3
    docs.search(query, k=3)
    docs.search(query[None], k=3)
    assert np.array_equal(query, QUERY * 3)
    docs.delete(ids=[100, 101])


BAD_IDS: dict[str, tuple[Any, type[BaseException]]] = {
    "duplicate": ([100, 101, 100], vecdb.DuplicateId),
    "duplicate text": (["a", "b", "a"], vecdb.DuplicateId),
    "duplicate through numpy": ([100, 101, np.int64(100)], vecdb.DuplicateId),
    "duplicate UUID": ([UUID(int=1), 5, UUID(int=1)], vecdb.DuplicateId),
    "negative": ([100, -1, 101], vecdb.InvalidId),
    "too large": ([100, 2**63, 101], vecdb.InvalidId),
    "huge": ([100, 10**400, 101], vecdb.InvalidId),
    "boolean": ([100, True, 101], vecdb.InvalidId),
    "float": ([100, 1.0, 101], vecdb.InvalidId),
    "float array": (np.array([1.0, 2.0, 3.0]), vecdb.InvalidArgument),
    "None": ([100, None, 101], vecdb.InvalidId),
    "bytes": ([100, b"a", 101], vecdb.InvalidId),
    "empty text": ([100, "", 101], vecdb.InvalidId),
    "long text": ([100, "x" * (limits.ID_BYTES + 1), 101], vecdb.InvalidId),
    "lone surrogate": ([100, "\ud800", 101], vecdb.InvalidId),
    "a text instead of a list": ("abc", vecdb.InvalidType),
    "a number instead of a list": (5, vecdb.InvalidType),
    "nothing": (None, vecdb.InvalidType),
    "too few": ([100, 101], vecdb.InvalidArgument),
    "too many": ([100, 101, 102, 103], vecdb.InvalidArgument),
    "two dimensions": (np.arange(3).reshape(3, 1), vecdb.InvalidType),
    "a generator": ((n for n in range(3)), vecdb.InvalidType),
}


@pytest.mark.parametrize("case", BAD_IDS)
def test_bad_ids_are_refused(docs: Docs, case: str) -> None:
    ids, expected = BAD_IDS[case]
    refused(docs, lambda docs: docs.upsert(ids=ids, vectors=np.ones((3, DIMENSION), np.float32)), expected)


def test_a_duplicate_id_names_both_rows(docs: Docs) -> None:
    error = refused(
        docs,
        lambda docs: docs.upsert(ids=[5, "5", 7, "5"], vectors=np.ones((4, DIMENSION), np.float32)),
        vecdb.DuplicateId,
    )
    assert (error.id, error.first_row, error.second_row) == ("5", 1, 3)


BAD_PAYLOADS: dict[str, Any] = {
    "too few": [{}],
    "a dict instead of a list": {"a": 1},
    "text": "ab",
    "not a dict": [{}, 5],
    "a set": [{}, {"a": {1}}],
    "NaN": [{}, {"a": math.nan}],
    "infinity inside": [{}, {"a": {"b": [math.inf]}}],
    "keys that are numbers": [{}, {1: 2}],
    "huge integer": [{}, {"a": 2**64}],
    "lone surrogate": [{}, {"a": "\ud800"}],
    "lone surrogate key": [{}, {"\ud800": 1}],
    "bytes": [{}, {"a": b"x"}],
    "object": [{}, {"a": object()}],
    "array": [{}, {"a": np.arange(3)}],
    "wrong type of a field": [{}, {"year": "2000"}],
    "boolean for an integer": [{}, {"year": True}],
    "list with a wrong element": [{}, {"lang": ["en", 5]}],
    "too large": [{}, {"a": "x" * (limits.PAYLOAD_BYTES + 1)}],
}


def endless() -> dict[str, Any]:
    inside: dict[str, Any] = {}
    inside["inside"] = inside
    return inside


@pytest.mark.parametrize("case", [*BAD_PAYLOADS, "contains itself"])
def test_bad_payloads_are_refused(docs: Docs, case: str) -> None:
    payloads = [{}, endless()] if case == "contains itself" else BAD_PAYLOADS[case]
    refused(docs, lambda docs: docs.upsert(ids=[1, 100], vectors=ONES, payloads=payloads), vecdb.InvalidArgument)
    if isinstance(payloads, list) and len(payloads) == 2 and isinstance(payloads[1], dict):
        refused(docs, lambda docs: docs.update(ids=[1, 100], set=payloads[1]), vecdb.InvalidArgument)


def test_empty_batches_do_nothing(docs: Docs) -> None:
    before = contents(docs)
    for vectors in (np.empty((0, DIMENSION), np.float32), np.empty((0, DIMENSION))):
        assert docs.upsert(ids=[], vectors=vectors).count == 0
        assert docs.upsert(ids=[], vectors=vectors, payloads=[]).count == 0
    assert docs.upsert(ids=np.empty(0, np.int64), vectors=np.empty((0, DIMENSION), np.float32)).count == 0
    assert (docs.delete(ids=[]).count, docs.update(ids=[], set={"a": 1}).count) == (0, 0)
    assert docs.get([]) == []
    assert len(docs.search(np.empty((0, DIMENSION), np.float32))) == 0
    assert contents(docs)[0] == before[0]
    assert contents(docs)[3:] == before[3:]


def test_missing_ids_are_counted_and_skipped(docs: Docs) -> None:
    before = contents(docs)
    deleted = docs.delete(ids=[500, "0", UUID(int=0)])
    assert (deleted.count, deleted.missing) == (0, 3)
    updated = docs.update(ids=[500, "1"], set={"a": 1})
    assert (updated.count, updated.missing) == (0, 2)
    assert docs.delete(where=field("year") > 5000).count == 0
    assert [record.id for record in docs.get([3, 500, 1, "3"])] == [3, 1]
    assert contents(docs)[3:] == before[3:]


def test_named_vectors_must_all_be_there_and_agree() -> None:
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", vectors={"a": vecdb.Vector(4, metric="l2"), "b": vecdb.Vector(2)})
        pairs = np.ones((2, 2), np.float32)
        docs.upsert(ids=[1, 2], vectors={"a": ONES, "b": pairs})
        before = [(record.id, record.payload) for record in docs.scan()]
        wrong: list[Any] = [
            {"a": ONES},
            {"a": ONES, "b": pairs, "c": pairs},
            {"a": ONES, "b": pairs[:1]},
            {"a": ONES, "b": np.ones((2, 3), np.float32)},
            {"a": ONES, "b": np.zeros((2, 2), np.float32)},
            {},
            ONES,
        ]
        for vectors in wrong:
            with pytest.raises((vecdb.InvalidArgument, vecdb.VectorNotFound)):
                docs.upsert(ids=[1, 3], vectors=vectors)
            assert [(record.id, record.payload) for record in docs.scan()] == before
        with pytest.raises(vecdb.Error):
            docs.search(QUERY)  # which of the two?
        assert sorted(docs.search(QUERY, using="a").ids) == [1, 2]
