"""Fashion-MNIST from IDX files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from vecdb.bench.datasets import ann_benchmarks_file, fashion_mnist
from vecdb.bench.datasets.fashion_mnist import LABELS, TEST, TRAIN, FashionMnist, read_idx
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.mistake import Mistake


def write_idx(path: Path, array: npt.NDArray[np.uint8]) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", size) for size in array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.mark.parametrize("below", ["", "fashion-mnist"])
def test_pictures_become_rows(tmp_path: Path, below: str) -> None:
    generator = np.random.default_rng(31)
    train = generator.integers(0, 256, (120, 28, 28)).astype(np.uint8)
    test = generator.integers(0, 256, (7, 28, 28)).astype(np.uint8)
    labels = generator.integers(0, 10, 120).astype(np.uint8)
    for name, array in ((TRAIN, train), (TEST, test), (LABELS, labels)):
        write_idx(tmp_path / below / name, array)
    FashionMnist().prepare(tmp_path / "fashion-mnist-784-euclidean.hdf5", [tmp_path])
    dataset = read_dataset(tmp_path / "fashion-mnist-784-euclidean.hdf5")
    assert dataset.metric == "euclidean"
    np.testing.assert_array_equal(dataset.train, train.reshape(120, 784))
    np.testing.assert_array_equal(dataset.test, test.reshape(7, 784))
    assert dataset.attributes is not None
    np.testing.assert_array_equal(dataset.attributes["label"], labels)
    squares = ((train.astype(np.int64) - test[3].astype(np.int64)) ** 2).sum(axis=(1, 2))
    assert dataset.neighbors[3].tolist() == np.argsort(squares, kind="stable")[:100].tolist()


def test_without_files_and_network_both_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")
    monkeypatch.setattr(fashion_mnist, "AnnBenchmarksFile", unreachable)
    with pytest.raises(Mistake, match=r"debian \(apt install dataset-fashion-mnist\), and http://127.0.0.1:1/fashion"):
        FashionMnist().prepare(tmp_path / "a.hdf5", [tmp_path])


def unreachable(name: str) -> ann_benchmarks_file.AnnBenchmarksFile:
    return ann_benchmarks_file.AnnBenchmarksFile(name, address="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"pictures", "is not a gzip file"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x01abcd"), "is not an IDX file of bytes"),
        (gzip.compress(b"\0\0\x08\x03\0\0\0\x01"), "the IDX header ends after 8 bytes"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcd"), "expected 13 bytes"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcde")[:-9], "is not a gzip file"),
    ],
)
def test_what_is_not_idx_is_a_mistake(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(Mistake, match=message):
        read_idx(tmp_path / "a.gz")
