"""Distances are ann-benchmarks' own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecdb.bench.datasets.dataset import METRICS, Dataset, Metric, distances_to, rows_distances


def by_hand(metric: Metric, query: list[float], row: list[float]) -> float:
    product = math.fsum(a * b for a, b in zip(query, row, strict=True))
    if metric == "dot":
        return -product
    if metric == "euclidean":
        return math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(query, row, strict=True)))
    return 1 - product / (math.sqrt(math.fsum(a * a for a in query)) * math.sqrt(math.fsum(b * b for b in row)))


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_those_of_the_definition(metric: Metric) -> None:
    generator = np.random.default_rng(11)
    queries = generator.standard_normal((3, 7)).astype(np.float32)
    rows = generator.standard_normal((3, 5, 7)).astype(np.float32)
    expected = [
        [by_hand(metric, q.tolist(), row.tolist()) for row in near] for q, near in zip(queries, rows, strict=True)
    ]
    received = rows_distances(metric, queries, rows)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(distances_to(metric, queries[1], rows[1]), received[1])


def test_what_has_no_length_has_the_cosine_zero() -> None:
    rows = np.array([[0, 0], [3, 4]], np.float32)
    np.testing.assert_array_equal(distances_to("angular", np.array([6, 8], np.float32), rows), [1, 0])
    np.testing.assert_array_equal(distances_to("angular", np.zeros(2, np.float32), rows), [1, 1])


def test_the_dimension_is_that_of_the_rows() -> None:
    rows, queries = np.zeros((4, 6), np.float32), np.zeros((2, 6), np.float32)
    truth = np.zeros((2, 3), np.int32)
    assert Dataset("d", "dot", rows, queries, truth, truth.astype(np.float32)).dimension == 6
