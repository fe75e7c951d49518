"""A user's own files of vectors."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from vecdb.bench.datasets.dataset import Dataset, Metric
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.datasets.vector_file import VectorFile
from vecdb.bench.mistake import Mistake

GENERATOR_SEED = 51


def made(rows: int, dimension: int = 5) -> npt.NDArray[np.float32]:
    return np.random.default_rng([GENERATOR_SEED, rows]).standard_normal((rows, dimension)).astype(np.float32)


def write_vecs(path: Path, array: npt.NDArray[np.float32] | npt.NDArray[np.int64], code: str) -> None:
    path.write_bytes(b"".join(struct.pack(f"<i{len(row)}{code}", len(row), *row) for row in array.tolist()))


def nearest(train: npt.NDArray[np.float32], test: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    squares = ((test[:, np.newaxis].astype(np.float64) - train[np.newaxis]) ** 2).sum(axis=2)
    return np.argsort(squares, axis=1)[:, :k]


def prepared(path: Path, metric: Metric | None = None) -> Dataset:
    source = VectorFile.at(path, metric)
    target = path.parent / "prepared" / f"{source.name}.hdf5"
    source.prepare(target, ())
    return read_dataset(target)


@pytest.mark.parametrize(
    ("file", "metric", "name"),
    [
        ("sift_base.fvecs", "euclidean", "sift-euclidean"),
        ("mine-angular.fvecs", "angular", "mine-angular"),
        ("mine-64-dot_train.npy", "dot", "mine-64-dot"),
        ("polkadot.bvecs", "euclidean", "polkadot-euclidean"),
    ],
)
def test_names_say_the_metric(tmp_path: Path, file: str, metric: str, name: str) -> None:
    (tmp_path / file).touch()
    source = VectorFile.at(tmp_path / file)
    assert (source.metric, source.name) == (metric, name)


def test_an_array_does_not_say_its_metric(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", made(100))
    with pytest.raises(Mistake, match="--metric"):
        VectorFile.at(tmp_path / "mine.npy")
    assert VectorFile.at(tmp_path / "mine.npy", "dot").name == "mine-dot"
    with pytest.raises(Mistake, match="expected a file that ends in"):
        VectorFile.at(tmp_path / "mine.csv")
    with pytest.raises(Mistake, match="there is no file"):
        VectorFile.at(tmp_path / "other.npy", "dot")


def test_texmex_files_belong_together(tmp_path: Path) -> None:
    train, test = made(200), made(12)
    truth = nearest(train, test, 30)
    write_vecs(tmp_path / "sift_base.fvecs", train, "f")
    write_vecs(tmp_path / "sift_query.fvecs", test, "f")
    write_vecs(tmp_path / "sift_groundtruth.ivecs", truth, "i")
    dataset = prepared(tmp_path / "sift_base.fvecs")
    assert dataset.name == "sift-euclidean"
    np.testing.assert_array_equal(dataset.train, train)
    np.testing.assert_array_equal(dataset.test, test)
    np.testing.assert_array_equal(dataset.neighbors, truth)
    expected = [np.linalg.norm(train[places] - query, axis=1) for query, places in zip(test, truth, strict=True)]
    np.testing.assert_allclose(dataset.distances, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (np.tile(np.arange(30), (12, 1)), "is not that of euclidean distance"),
        (np.zeros((11, 30), np.int64), "for each of 12 queries"),
        (np.full((12, 30), 200), "names row 200, there are 200"),
    ],
)
def test_a_truth_that_is_not_true_is_a_mistake(tmp_path: Path, truth: npt.NDArray[np.int64], message: str) -> None:
    write_vecs(tmp_path / "a_base.fvecs", made(200), "f")
    write_vecs(tmp_path / "a_query.fvecs", made(12), "f")
    write_vecs(tmp_path / "a_groundtruth.ivecs", truth, "i")
    with pytest.raises(Mistake, match=message):
        prepared(tmp_path / "a_base.fvecs")


def test_without_truth_it_is_computed(tmp_path: Path) -> None:
    rows = np.random.default_rng(GENERATOR_SEED).integers(0, 256, (150, 4))
    write_vecs(tmp_path / "a_base.bvecs", rows, "B")
    write_vecs(tmp_path / "a_query.bvecs", rows[:5], "B")
    dataset = prepared(tmp_path / "a_base.bvecs")
    assert dataset.neighbors.shape == (5, 100)
    np.testing.assert_array_equal(dataset.train, rows)
    assert dataset.distances[:, 0].tolist() == [0] * 5


@pytest.mark.parametrize("queries", ["mine-dot_test.npy", "mine-dot-queries.npy", "mine-dot.query.npy"])
def test_queries_lie_beside_the_rows(tmp_path: Path, queries: str) -> None:
    np.save(tmp_path / "mine-dot_train.npy", made(90))
    np.save(tmp_path / queries, made(4))
    dataset = prepared(tmp_path / "mine-dot_train.npy")
    np.testing.assert_array_equal(dataset.test, made(4))
    products = made(4).astype(np.float64) @ made(90).astype(np.float64).T
    assert dataset.neighbors[:, 0].tolist() == products.argmax(axis=1).tolist()


def test_without_queries_a_tenth_is_taken_out(tmp_path: Path) -> None:
    rows = made(120)
    np.savez(tmp_path / "mine-dot.npz", train=rows, year=np.arange(120), word=np.array([f"w{n}" for n in range(120)]))
    dataset = prepared(tmp_path / "mine-dot.npz")
    assert (len(dataset.train), len(dataset.test)) == (108, 12)
    together = np.concatenate([dataset.train, dataset.test])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(rows, axis=0))
    attributes = dataset.attributes
    assert attributes is not None
    # A row keeps its attributes.
    assert isinstance(attributes["year"], np.ndarray)
    np.testing.assert_array_equal(rows[attributes["year"]], dataset.train)
    assert list(attributes["word"]) == [f"w{year}" for year in attributes["year"].tolist()]


def test_an_archive_may_hold_everything(tmp_path: Path) -> None:
    train, test = made(80), made(6)
    truth = nearest(train, test, 10)
    np.savez(tmp_path / "a.npz", train=train, test=test, neighbors=truth, year=np.arange(80), other=np.arange(3))
    dataset = prepared(tmp_path / "a.npz", "euclidean")
    np.testing.assert_array_equal(dataset.neighbors, truth)
    assert list(dataset.attributes or {}) == ["year"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"no array", "is not an array"),
        ("a.npz", b"no archive", "is not a file of arrays"),
    ],
)
def test_what_is_not_what_it_says_is_a_mistake(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Mistake, match=message):
        prepared(tmp_path / name, "dot")


def test_objects_are_not_unpacked(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}, {}], object))
    with pytest.raises(Mistake, match="is not an array"):
        prepared(tmp_path / "a.npy", "dot")


def test_too_little_is_a_mistake(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", made(9))
    with pytest.raises(Mistake, match="9 rows are too few"):
        prepared(tmp_path / "a.npy", "dot")
    np.savez(tmp_path / "b.npz", rows=made(90))
    with pytest.raises(Mistake, match="expected an array `train`, received rows"):
        prepared(tmp_path / "b.npz", "dot")
