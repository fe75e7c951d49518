"""The contract of VectorIndex, which every structure keeps; the oracle is numpy in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.index.indexed_rows import IndexedRows, Kind, Metric, numbers_of, random_rows, view_of
from vecdb.index.vector_index import VectorIndex, View
from vecdb.schema import Dtype

SEED = 31
ROWS, DIMENSION, K, EF = 1200, 12, 10, 120
KINDS: list[Kind] = ["flat", "hnsw"]
METRICS: list[Metric] = ["l2", "dot"]
DTYPES: list[Dtype] = ["float32", "float16"]
ALL = np.arange(ROWS, dtype=np.uint32)
EVERY_SEVENTH = np.arange(0, ROWS, 7, dtype=np.uint32)
QUERIES = np.random.default_rng(SEED + 1).standard_normal((20, DIMENSION), dtype=np.float32)


def check(rows: IndexedRows, index: VectorIndex, view: View, *, recall: float, exact: bool = False) -> None:
    """Every query finds min(k, live) different live rows with their distances, and `recall` of the nearest."""
    live = view.live.rows()
    expected_count = min(K, len(live))
    many_rows, many_distances, counts = index.search_many(QUERIES, K, EF, view, exact=exact, timeout_seconds=0)
    assert many_rows.shape == many_distances.shape == (len(QUERIES), K)
    assert counts.tolist() == [expected_count] * len(QUERIES)
    found = 0
    for place, query in enumerate(QUERIES):
        one_rows, one_distances, _ = index.search(query, K, EF, view, exact=exact, normalise=False, timeout_seconds=0)
        truth = rows.distances(query)
        answers: list[tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]] = [
            (one_rows, one_distances),
            (many_rows[place, :expected_count], many_distances[place, :expected_count]),
        ]
        for chosen, distances in answers:
            assert len(set(chosen.tolist())) == len(chosen) == expected_count
            assert set(chosen.tolist()) <= set(live.tolist())
            assert (np.diff(distances) >= 0).all()
            np.testing.assert_allclose(distances, truth[chosen], rtol=1e-4, atol=1e-4, err_msg=f"seed {SEED}")
        nearest = live[np.argsort(truth[live])[:expected_count]]
        found += len(set(one_rows.tolist()) & set(nearest.tolist()))
    assert found >= recall * expected_count * len(QUERIES), f"seed {SEED}: {found}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_live_rows_are_found(kind: Kind, metric: Metric, dtype: Dtype) -> None:
    rows = random_rows(SEED, ROWS, DIMENSION, metric, dtype)
    index = rows.index(kind)
    index.insert(ALL)
    check(rows, index, view_of(ALL), recall=0.9)
    check(rows, index, view_of(ALL), recall=1, exact=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("live", [np.arange(0, ROWS, 3, dtype=np.uint32), ALL[:50], ALL[:3], ALL[:0]], ids=len)
def test_only_live_rows_are_answers(kind: Kind, live: npt.NDArray[np.uint32]) -> None:
    rows = random_rows(SEED, ROWS, DIMENSION, "l2")
    index = rows.index(kind)
    index.insert(ALL)
    check(rows, index, view_of(live, masked=True), recall=0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_the_tail_are_found_at_once(kind: Kind) -> None:
    rows = random_rows(SEED, ROWS, DIMENSION, "l2")
    index = rows.index(kind)
    check(rows, index, view_of(ALL[:100], ALL[:100] if index.absorbs else None), recall=1)
    index.insert(ALL[:800])
    check(rows, index, view_of(ALL, ALL[800:] if index.absorbs else None), recall=0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_what_was_inserted_and_not_removed(kind: Kind) -> None:
    rows = random_rows(SEED, ROWS, DIMENSION, "l2")
    index = rows.index(kind)
    members: set[int] = set()
    numbers = np.random.default_rng(SEED)
    for _ in range(6):
        some = numbers.choice(ALL, 200, replace=False)
        index.insert(some)
        index.insert(some[:5])  # passed over
        gone = numbers.choice(ALL, 100, replace=False)
        index.remove(gone)
        index.remove(gone[:5])
        members = (members | set(some.tolist())) - set(gone.tolist())
        expected = members if index.absorbs else set()
        assert set(index.members().rows().tolist()) == expected, f"seed {SEED}"
        live = np.array(sorted(members), np.uint32)
        check(rows, index, view_of(live), recall=0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_answers_the_same(kind: Kind, tmp_path: Path) -> None:
    rows = random_rows(SEED, ROWS, DIMENSION, "l2")
    index = rows.index(kind)
    index.insert(ALL)
    index.remove(EVERY_SEVENTH)
    live = np.setdiff1d(ALL, EVERY_SEVENTH)
    index.save(tmp_path / "graph.bin")
    again = rows.index(kind, tmp_path / "graph.bin" if index.absorbs else None)
    assert again.members().rows().tolist() == index.members().rows().tolist()
    for each, other in zip(
        index.search_many(QUERIES, K, EF, view_of(live), exact=False, timeout_seconds=0),
        again.search_many(QUERIES, K, EF, view_of(live), exact=False, timeout_seconds=0),
        strict=True,
    ):
        assert each.tolist() == other.tolist()
    again.insert(EVERY_SEVENTH)
    check(rows, again, view_of(ALL), recall=0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_counted(kind: Kind) -> None:
    index = random_rows(SEED, ROWS, DIMENSION, "l2").index(kind)
    index.insert(ALL)
    links = 2 * 8 * 4 * ROWS
    assert index.memory_bytes() == 0 if not index.absorbs else links <= index.memory_bytes() < 100 * links


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_query_that_is_not_finite_is_refused(kind: Kind, bad: float) -> None:
    index = random_rows(SEED, 20, 4, "dot").index(kind)
    index.insert(numbers_of(*range(20)))
    view = view_of(numbers_of(*range(20)))
    query = np.array([1, bad, 2, 3], np.float32)
    with pytest.raises(ValueError):
        index.search(query, 3, 10, view, exact=False, normalise=False, timeout_seconds=0)
    with pytest.raises(ValueError):
        index.search(np.zeros(4, np.float32), 3, 10, view, exact=False, normalise=True, timeout_seconds=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_is_brought_to_unit_length_when_asked(kind: Kind) -> None:
    index = random_rows(SEED, 200, 4, "dot").index(kind)
    index.insert(ALL[:200])
    query = np.array([3, 0, 4, 0], np.float32)
    long = index.search(query, 5, 50, view_of(ALL[:200]), exact=True, normalise=False, timeout_seconds=0)
    unit = index.search(query, 5, 50, view_of(ALL[:200]), exact=True, normalise=True, timeout_seconds=0)
    assert long[0].tolist() == unit[0].tolist()
    np.testing.assert_allclose(long[1], 5 * unit[1], rtol=1e-5)
