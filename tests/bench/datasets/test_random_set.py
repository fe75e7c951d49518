"""Random sets by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.datasets.random_set import RandomSet
from vecdb.bench.mistake import Mistake


@pytest.mark.parametrize(
    ("name", "rows", "queries", "dimension", "metric"),
    [
        ("random-xs-20-angular", 9_000, 1_000, 20, "angular"),
        ("random-s-100-euclidean", 90_000, 10_000, 100, "euclidean"),
        ("random-1000-20-euclidean", 1_000, 100, 20, "euclidean"),
        ("random-100-8-dot", 100, 20, 8, "dot"),
        ("random-50000-3-dot", 50_000, 1_000, 3, "dot"),
    ],
)
def test_names_say_the_size(name: str, rows: int, queries: int, dimension: int, metric: str) -> None:
    found = RandomSet.named(name)
    assert found is not None
    assert (found.name, found.rows, found.queries, found.dimension, found.metric) == (
        name, rows, queries, dimension, metric,
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["random-0-20-dot", "random-10-0-dot", "random-xl-20-dot", "random-10-20-hamming", "r"]
)
def test_other_names_are_none_of_them(name: str) -> None:
    assert RandomSet.named(name) is None


def test_what_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(Mistake, match="at most"):
        RandomSet.named("random-100000000-20-dot")


def test_a_set_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    source = RandomSet.named("random-500-6-euclidean")
    assert source is not None
    source.prepare(tmp_path / "one.hdf5", ())
    source.prepare(tmp_path / "two.hdf5", ())
    one, two = read_dataset(tmp_path / "one.hdf5"), read_dataset(tmp_path / "two.hdf5")
    assert one.train.shape == (500, 6)
    assert one.test.shape == (50, 6)
    np.testing.assert_array_equal(one.train, two.train)
    np.testing.assert_array_equal(one.test, two.test)
    # Clusters: the nearest row is far nearer than one at random.
    apart = np.linalg.norm(one.train[0] - one.train[1:], axis=1)
    assert np.median(one.distances[:, 0]) < np.median(apart) / 3
