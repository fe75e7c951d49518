"""The exact neighbours, against everything computed in float64 (and in fractions, where ties matter)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from vecdb.bench.datasets import truth
from vecdb.bench.datasets.dataset import METRICS, Metric
from vecdb.bench.datasets.truth import dataset_with_truth, exact_neighbors
from vecdb.bench.mistake import Mistake

Array = npt.NDArray[np.float32]


def all_distances(metric: Metric, train: Array, test: Array) -> npt.NDArray[np.float64]:
    """(nq, n) in long double, so that the oracle is more precise than what it checks."""
    rows, queries = train.astype(np.longdouble), test.astype(np.longdouble)
    if metric == "euclidean":
        squares = ((queries[:, np.newaxis] - rows[np.newaxis]) ** 2).sum(axis=2)
        return np.asarray(np.sqrt(squares), np.float64)
    products = queries @ rows.T
    if metric == "dot":
        return np.asarray(-products, np.float64)
    lengths = np.sqrt((queries**2).sum(axis=1))[:, np.newaxis] * np.sqrt((rows**2).sum(axis=1))
    return np.asarray(1 - products / lengths, np.float64)


def assert_exact(metric: Metric, train: Array, test: Array, k: int, seed: int) -> None:
    neighbors, distances = exact_neighbors(train, test, metric, k)
    every = all_distances(metric, train, test)
    expected = np.sort(every, axis=1)[:, :k]
    received = np.take_along_axis(every, neighbors.astype(np.int64), axis=1)
    assert neighbors.dtype == np.int32
    assert distances.dtype == np.float32
    scale = np.abs(expected).max()
    # Not one row further away than the true one of its place: by what float64 can tell, far below float32.
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-13 * scale, err_msg=f"seed {seed}")
    np.testing.assert_allclose(distances, expected, rtol=1e-6, atol=1e-7 * scale, err_msg=f"seed {seed}")
    assert all(len(set(places)) == k for places in neighbors.tolist()), f"seed {seed}: a row twice"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("rows", "queries", "dimension", "k"), [(700, 40, 20, 10), (300, 9, 3, 100), (50, 3, 5, 50)])
def test_neighbours_are_exact(metric: Metric, rows: int, queries: int, dimension: int, k: int) -> None:
    seed = rows + dimension
    generator = np.random.default_rng(seed)
    train = generator.standard_normal((rows, dimension)).astype(np.float32)
    test = generator.standard_normal((queries, dimension)).astype(np.float32)
    assert_exact(metric, train, test, k, seed)


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_do_not_change_the_answer(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth, "QUERY_BLOCK", 7)
    monkeypatch.setattr(truth, "ROW_BLOCK", 33)
    monkeypatch.setattr(truth, "PRECISE_BYTES", 1_000)
    generator = np.random.default_rng(5)
    train = generator.standard_normal((400, 12)).astype(np.float32)
    test = generator.standard_normal((23, 12)).astype(np.float32)
    assert_exact(metric, train, test, 15, 5)


@pytest.mark.parametrize("metric", METRICS)
def test_rows_that_float32_cannot_tell_apart_are_put_in_order(metric: Metric) -> None:
    """Hundreds of rows within 1e-6 of each other: float32 products put them anywhere."""
    seed = 3
    generator = np.random.default_rng(seed)
    centre = generator.standard_normal(64)
    train = (centre + 1e-6 * generator.standard_normal((500, 64))).astype(np.float32)
    test = (centre + generator.standard_normal((8, 64))).astype(np.float32)
    assert_exact(metric, train, test, 10, seed)


def test_rows_far_from_the_origin_are_put_in_order() -> None:
    seed = 4
    generator = np.random.default_rng(seed)
    train = (1_000 + generator.standard_normal((600, 16))).astype(np.float32)
    test = (1_000 + generator.standard_normal((8, 16))).astype(np.float32)
    assert_exact("euclidean", train, test, 20, seed)


def test_lengths_that_are_only_about_one_are_divided_out() -> None:
    seed = 6
    generator = np.random.default_rng(seed)
    train = generator.standard_normal((2_000, 32))
    train = (train / np.linalg.norm(train, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    test = train[:30] + np.float32(0.05) * generator.standard_normal((30, 32)).astype(np.float32)
    assert_exact("angular", train, test, 20, seed)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_distances_are_in_order_of_row_number(metric: Metric) -> None:
    """Small integers: many rows are equally far to the last bit, more than there are spare candidates."""
    seed = 8
    generator = np.random.default_rng(seed)
    train = generator.integers(1, 3, (400, 3)).astype(np.float32)  # 8 different rows
    test = generator.integers(1, 4, (6, 3)).astype(np.float32)
    neighbors, _ = exact_neighbors(train, test, metric, 120)
    for query, places in zip(test.tolist(), neighbors.tolist(), strict=True):
        exact = [exact_key(metric, query, row) for row in train.tolist()]
        expected = sorted(range(len(train)), key=lambda row: (exact[row], row))[:120]
        assert [exact[row] for row in places] == [exact[row] for row in expected], f"seed {seed}"
        if metric != "angular":  # cosines of (1, 1, 1) and (2, 2, 2) are equal, their roundings need not be
            assert places == expected, f"seed {seed}"


def exact_key(metric: Metric, query: list[float], row: list[float]) -> Fraction:
    """Rises with the distance, without any rounding."""
    product = Fraction(sum(a * b for a, b in zip(query, row, strict=True)))
    if metric == "dot":
        return -product
    if metric == "euclidean":
        return Fraction(sum((a - b) ** 2 for a, b in zip(query, row, strict=True)))
    return -(product**2) / Fraction(sum(b * b for b in row))  # all components are positive


def test_copies_of_a_row_are_in_order_of_row_number() -> None:
    train = np.repeat(np.random.default_rng(9).standard_normal((1, 24)).astype(np.float32), 300, axis=0)
    for metric in METRICS:
        neighbors, _ = exact_neighbors(train, train[:2] + 1, metric, 100)
        assert neighbors.tolist() == [list(range(100))] * 2, metric


def test_rows_and_queries_without_length_have_neighbours() -> None:
    train = np.zeros((200, 4), np.float32)
    train[150] = 1
    neighbors, distances = exact_neighbors(train, np.array([[0] * 4, [1] * 4], np.float32), "angular", 3)
    assert neighbors.tolist() == [[0, 1, 2], [150, 0, 1]]
    np.testing.assert_allclose(distances, [[1, 1, 1], [0, 1, 1]], atol=1e-7)


def test_there_are_no_more_neighbours_than_rows() -> None:
    train = np.arange(6, dtype=np.float32).reshape(3, 2)
    neighbors, _ = exact_neighbors(train, train, "euclidean", 10)
    assert neighbors.tolist() == [[0, 1, 2], [1, 0, 2], [2, 1, 0]]
    assert exact_neighbors(train, train[:0], "euclidean", 10)[0].shape == (0, 3)


def test_progress_ends_with_all_queries() -> None:
    calls: list[tuple[int, int]] = []
    train = np.random.default_rng(1).standard_normal((300, 4)).astype(np.float32)
    exact_neighbors(train, train, "dot", 2, lambda done, total: calls.append((done, total)))
    assert calls == [(128, 300), (256, 300), (300, 300)]


def test_a_data_set_has_a_hundred_places_and_float32() -> None:
    rows = np.random.default_rng(2).integers(0, 255, (130, 6)).astype(np.uint8)
    dataset = dataset_with_truth("bytes", "euclidean", rows, rows[:4])
    assert dataset.neighbors.shape == dataset.distances.shape == (4, 100)
    assert dataset.train.dtype == dataset.test.dtype == np.float32
    assert dataset.neighbors[:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((4, 3), np.nan), "row 0 has a value"),
        (np.array([[1, 2, 3], [1, -np.inf, 3]]), "row 1 has a value"),
        (np.array([[1e300, 2, 3]]), "row 0 has a value"),
        (np.array([[-2e15, 2, 3]]), "row 0 has a value"),
        (np.zeros(3), "expected vectors"),
        (np.zeros((0, 3)), "expected vectors"),
        (np.array([["a", "b", "c"]]), "expected numbers"),
        (np.zeros((2, 4)), "train has . dimensions, test . dimensions"),
    ],
)
def test_what_cannot_be_measured_is_a_mistake(bad: npt.NDArray[np.float64], message: str) -> None:
    good = np.ones((5, 3), np.float32)
    with pytest.raises(Mistake, match=message):
        dataset_with_truth("bad", "dot", bad, good)
    with pytest.raises(Mistake, match=message):
        dataset_with_truth("bad", "dot", good, bad)
