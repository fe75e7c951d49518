"""Exact search against numpy in float64, bit for bit where numbers are small integers, at every level of kernels."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.native.stored_rows import StoredRows, all_rows, mask_of, stored
from vecdb.native import kernels
from vecdb.native.index import RowMask, ThreadPool, search, search_many
from vecdb.native.kernels import Kind, Metric

POOL = ThreadPool(2)

every_row_type = pytest.mark.parametrize("row_type", kernels.KINDS)
every_metric = pytest.mark.parametrize("metric", kernels.METRICS)


@pytest.mark.slow
@pytest.mark.parametrize("level", [level for level in kernels.levels() if level != kernels.active()])
def test_another_level(level: str) -> None:
    """The heart of this file once more, in a process of its own: the level is chosen once."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "float64 or bit_equal"]
    environment = {**os.environ, "VECDB_ISA": level}
    process = subprocess.run([*command, __file__], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout[-3000:]


@every_row_type
@every_metric
def test_the_nearest_rows_are_those_of_float64(row_type: Kind, metric: Metric) -> None:
    for dimension in [*range(1, 41), 47, 48, 49, 63, 64, 65, 69, 70, 384]:
        rng = np.random.default_rng(dimension)
        rows = stored(normal(rng, 150, dimension), row_type, metric)
        queries = normal(rng, 5, dimension)
        live = mask_of(np.flatnonzero(rng.random(150) < 0.7))
        for k in (1, 10, 149):
            assert_nearest(rows, queries, live, k, f"dimension {dimension}, k {k}, seed {dimension}")


@pytest.mark.parametrize("row_type", ["float32", "float16", "bfloat16"])
@every_metric
@pytest.mark.parametrize("seed", range(2))
def test_small_integers_are_ranked_exactly_ties_by_row(row_type: Kind, metric: Metric, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for count, dimension in ((1, 3), (3, 1), (300, 2), (1_500, 9), (700, 384)):
        X = rng.integers(-3, 4, (count, dimension)).astype(np.float32)
        X[count // 2 :: 3] = X[0]
        rows = stored(X, row_type, metric)
        queries = rng.integers(-3, 4, (37, dimension)).astype(np.float32)
        for live in (mask_of(all_rows(count)), mask_of(np.flatnonzero(rng.random(count) < 0.4))):
            for k in (1, 17, count + 5):
                received, distances, counts = search_many(None, rows.store, queries, live, live, k, k, False, POOL)
                for i, query in enumerate(queries):
                    expected = rows.distances(query)[0][live.rows()]
                    order = np.lexsort((live.rows(), expected))[:k]
                    message = f"seed {seed}, {count} x {dimension}, k {k}, query {i}"
                    np.testing.assert_array_equal(received[i, : counts[i]], live.rows()[order], message)
                    np.testing.assert_array_equal(distances[i, : counts[i]], expected[order], message)


@every_row_type
@every_metric
@pytest.mark.parametrize("seed", range(2))
def test_a_batch_is_bit_equal_to_its_queries_one_by_one(row_type: Kind, metric: Metric, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for dimension in (1, 7, 64, 100, 384):
        X = normal(rng, 700, dimension) * rng.choice([0.01, 1, 100], (700, 1)).astype(np.float32)
        X[300:400] = X[:100]
        rows = stored(X, row_type, metric)
        live = mask_of(np.flatnonzero(rng.random(700) < 0.8))
        queries = np.concatenate([normal(rng, 130, dimension), X[:20]])
        for count in (1, 3, 4, 150):
            for pool in (ThreadPool(1), POOL):
                assert_batch_is_single(rows, queries[:count], live, 10, pool, f"seed {seed}, {dimension}, {count}")


@every_row_type
@every_metric
@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e-22, 1e-19, 1e10, 1e18, 1e19, 1e25, 1e30, "mixed"])
def test_no_row_is_lost_whatever_its_size(row_type: Kind, metric: Metric, scale: float | str) -> None:
    rng = np.random.default_rng(7)
    factors = 10.0 ** rng.uniform(-30, 30, (500, 1)) if scale == "mixed" else np.full((500, 1), scale)
    X = (rng.standard_normal((500, 24)) * factors).astype(np.float32)
    rows = stored(X, row_type, metric)
    live = mask_of(np.arange(0, 500, 2))
    queries = X[::20].copy()
    queries = queries[(queries.astype(np.float64) ** 2).sum(axis=1) < 1e38]
    for k in (10, 400):
        _, distances, counts = search_many(None, rows.store, X[:8].copy(), live, RowMask(), k, k, False, POOL)
        assert (counts == min(k, 250)).all()
        assert not np.isnan(distances).any()
        if len(queries):
            assert_batch_is_single(rows, queries, live, k, POOL, f"scale {scale}")
    if row_type == "float32" and scale in (1e-19, 1e10, 1e18):
        assert_nearest(rows, queries, live, 10, f"scale {scale}")


@every_metric
def test_distances_beyond_float_are_infinite_and_ranked_by_row(metric: Metric) -> None:
    X = np.zeros((6, 4), np.float32)
    X[:, 0] = [-1e30, 3, -1e30, 1, -1e30, 2]
    rows = stored(X, metric=metric)
    everything = mask_of(all_rows(6))
    query = np.array([1e15, 0, 0, 0], np.float32)
    received, distances, _ = search(None, rows.store, query, everything, RowMask(), 6, 6, False, False)
    finite = [1, 3, 5] if metric == "l2" else [1, 5, 3]
    assert received.tolist() == ([*finite, 0, 2, 4] if metric == "dot" else [1, 3, 5, 0, 2, 4])
    assert np.isinf(distances[3:]).all()


@every_row_type
@every_metric
def test_few_rows_and_none(row_type: Kind, metric: Metric) -> None:
    rng = np.random.default_rng(3)
    rows = stored(normal(rng, 1, 5), row_type, metric)
    queries = normal(rng, 6, 5)
    for live, count in ((mask_of([0]), 1), (RowMask(), 0)):
        received, distances, counts = search_many(None, rows.store, queries, live, RowMask(), 3, 3, False, POOL)
        assert received.shape == distances.shape == (6, 3)
        assert counts.tolist() == [count] * 6
        single, single_distances, scanned = search(None, rows.store, queries[0], live, RowMask(), 3, 3, False, False)
        assert single.tolist() == [0] * count
        assert len(single_distances) == count
        assert not scanned
        none = search_many(None, rows.store, queries[:0], live, RowMask(), 3, 3, False, POOL)
        assert [len(part) for part in none] == [0, 0, 0]
        assert len(search(None, rows.store, queries[0], live, RowMask(), 0, 0, False, False)[0]) == 0


def test_a_mask_of_far_rows_is_scanned_in_their_pages() -> None:
    rng = np.random.default_rng(11)
    rows = stored(normal(rng, 70_000, 3), page_shift=12)
    live = mask_of([0, 1, 4_095, 4_096, 32_767, 32_768, 65_535, 65_536, 69_999])
    assert_nearest(rows, normal(rng, 6, 3), live, 5, "seed 11")


def test_a_query_is_normalised_when_asked() -> None:
    rng = np.random.default_rng(5)
    X = normal(rng, 50, 16)
    rows = stored(X / np.linalg.norm(X, axis=1, keepdims=True), metric="dot")
    everything = mask_of(all_rows(50))
    for factor in (1e-10, 1, 1e10):
        received, distances, _ = search(
            None, rows.store, X[3] * np.float32(factor), everything, RowMask(), 5, 5, False, True
        )
        assert received[0] == 3
        assert distances[0] == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_a_query_without_a_finite_norm_is_refused(value: float) -> None:
    rows = stored(np.ones((2, 3), np.float32))
    live = mask_of([0, 1])
    with pytest.raises(ValueError, match="careful path"):
        search(None, rows.store, np.array([0, value, 0], np.float32), live, RowMask(), 1, 1, False, False)
    with pytest.raises(ValueError, match="careful path"):
        search(None, rows.store, np.zeros(3, np.float32), live, RowMask(), 1, 1, False, True)


def test_a_query_of_another_dimension_is_refused() -> None:
    rows = stored(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match="expected 3 numbers, received 4"):
        search(None, rows.store, np.ones(4, np.float32), mask_of([0]), RowMask(), 1, 1, False, False)
    with pytest.raises(ValueError, match="expected 3 numbers a query, received 4"):
        search_many(None, rows.store, np.ones((5, 4), np.float32), mask_of([0]), RowMask(), 1, 1, False, POOL)


def test_a_query_of_another_kind_is_refused() -> None:
    rows = stored(np.ones((2, 3), np.float32))
    queries: list[Any] = [
        np.ones(3),
        np.ones((1, 3), np.float32),
        np.ones(6, np.float32)[::2],
        np.ones(3, ">f4"),
        [1.0] * 3,
    ]
    for query in queries:
        with pytest.raises(TypeError, match="query"):
            search(None, rows.store, query, mask_of([0]), RowMask(), 1, 1, False, False)


def test_a_query_may_be_read_only_and_lie_at_any_address() -> None:
    rng = np.random.default_rng(3)
    rows, live = stored(normal(rng, 50, 13)), mask_of(list(range(50)))
    query = normal(rng, 13)
    expected, expected_distances, _ = search(None, rows.store, query, live, RowMask(), 9, 9, False, True)
    for offset in range(1, 8):
        moved = np.frombuffer(b"x" * offset + query.tobytes(), np.float32, offset=offset)
        assert not moved.flags.writeable
        found, distances, _ = search(None, rows.store, moved, live, RowMask(), 9, 9, False, True)
        assert (found == expected).all()
        assert (distances == expected_distances).all()


def assert_nearest(rows: StoredRows, queries: NDArray[np.float32], live: RowMask, k: int, message: str) -> None:
    """One by one and as a batch: every distance is right and no nearer row was left out."""
    batch = search_many(None, rows.store, queries, live, RowMask(), k, k, False, POOL)
    candidates = live.rows()
    for i, query in enumerate(queries):
        expected, slack = rows.distances(query)
        received, distances, scanned = search(None, rows.store, query, live, RowMask(), k, k, False, False)
        assert not scanned, message
        assert len(received) == len(set(received.tolist())) == min(k, len(live)), message
        assert np.isin(received, candidates).all(), message
        assert (np.abs(distances - expected[received]) <= slack[received]).all(), message
        keys = list(zip(distances.tolist(), received.tolist(), strict=True))
        assert keys == sorted(keys), message
        missed = np.setdiff1d(candidates, received)
        if len(missed):
            assert (expected[missed] + slack[missed] >= distances[-1]).all(), message
        np.testing.assert_array_equal(batch[0][i, : batch[2][i]], received, message)
        np.testing.assert_array_equal(batch[1][i, : batch[2][i]], distances, message)


def assert_batch_is_single(
    rows: StoredRows, queries: NDArray[np.float32], live: RowMask, k: int, pool: ThreadPool, message: str
) -> None:
    received, distances, counts = search_many(None, rows.store, queries, live, RowMask(), k, k, False, pool)
    for i, query in enumerate(queries):
        one, one_distances, _ = search(None, rows.store, query, live, RowMask(), k, k, False, False)
        np.testing.assert_array_equal(received[i, : counts[i]], one, f"{message}, query {i}")
        np.testing.assert_array_equal(
            distances[i, : counts[i]].view(np.uint32), one_distances.view(np.uint32), f"{message}, query {i}"
        )


def normal(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.standard_normal(shape).astype(np.float32)
