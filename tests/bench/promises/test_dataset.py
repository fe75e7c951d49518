"""Reading the data, and recall against a plain count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pyarrow
import pytest
from pyarrow import parquet

from vecdb.bench.promises.dataset import (
    Dataset,
    make_payloads,
    read_dataset,
    read_payloads,
    recall,
    true_scores,
    unit_rows,
)

SEED = 20


def random_dataset(rows: int, queries: int) -> Dataset:
    rng = np.random.default_rng(SEED)
    train, test = (unit_rows(rng.normal(size=(count, 12))) for count in (rows, queries))
    return Dataset("random", train, test, make_payloads(rows))


def test_the_demo_has_its_rows_and_queries() -> None:
    dataset = read_dataset()
    assert (dataset.train.shape, dataset.test.shape, dataset.dimension) == ((10_000, 384), (40, 384), 384)
    np.testing.assert_allclose(np.linalg.norm(dataset.train, axis=1), 1, atol=1e-6)


def test_a_file_is_read_up_to_the_rows_asked_for(tmp_path: Path) -> None:
    train = np.random.default_rng(SEED).normal(size=(30, 5)).astype(np.float16)
    np.savez(tmp_path / "data.npz", train=train, test=train[:3])
    dataset = read_dataset(tmp_path / "data.npz", 20)
    assert (dataset.name, str(dataset.train.dtype), len(dataset.payloads)) == ("data.npz", "float32", 20)
    expected = train[:20].astype(np.float64)
    np.testing.assert_allclose(dataset.train, expected / np.linalg.norm(expected, axis=1)[:, None], atol=1e-6)
    np.testing.assert_array_equal(dataset.ids, np.arange(20))


def test_payloads_come_from_a_file_that_has_enough(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", train=np.eye(4), test=np.eye(4)[:1])
    rows = [{"pos": "n", "depth": row} for row in range(5)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "attributes.parquet")
    assert read_dataset(tmp_path / "data.npz", None, tmp_path / "attributes.parquet").payloads == rows[:4]
    with pytest.raises(ValueError, match="expected 6 rows, received 5"):
        read_payloads(tmp_path / "attributes.parquet", 6)


def test_queries_repeat_when_more_are_wanted() -> None:
    dataset = random_dataset(10, 3)
    np.testing.assert_array_equal(dataset.queries(2), dataset.test[:2])
    np.testing.assert_array_equal(dataset.queries(7), dataset.test[[0, 1, 2, 0, 1, 2, 0]])


def test_recall_counts_the_true_neighbours_that_were_found() -> None:
    dataset, k = random_dataset(700, 300), 5
    bounds = true_scores(dataset, dataset.test, k)
    exact = np.argsort(-(dataset.test.astype(np.float64) @ dataset.train.T.astype(np.float64)), axis=1)
    assert recall(dataset, dataset.test, exact[:, :k], bounds) == 1
    assert recall(dataset, dataset.test, exact[:, 2 : 2 + k], bounds) == (k - 2) / k
    assert recall(dataset, dataset.test, np.repeat(exact[:, :1], k, axis=1), bounds) == 1 / k
    assert recall(dataset, dataset.test, exact[:, -k:], bounds) == 0


def test_ties_with_the_last_neighbour_count() -> None:
    train = unit_rows(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [-1.0, 0.0]]))
    dataset = Dataset("ties", train, unit_rows(np.array([[0.9, 0.1]])), make_payloads(4))
    bounds = true_scores(dataset, dataset.test, 2)
    for found in ([0, 1], [0, 2]):
        assert recall(dataset, dataset.test, np.array([found]), bounds) == 1


def test_a_payload_is_four_small_fields_of_json() -> None:
    payloads = make_payloads(1000)
    assert {len(payload) for payload in payloads} == {4}
    assert max(len(orjson.dumps(payload)) for payload in payloads) < 100
    assert orjson.loads(orjson.dumps(payloads)) == payloads
