"""Data set files, read as ann-benchmarks reads them and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from vecdb.bench.datasets.dataset import METRICS, Attributes, Dataset, Metric
from vecdb.bench.datasets.hdf5_file import read_dataset, write_dataset
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.mistake import Mistake


def small(metric: Metric = "euclidean", attributes: Attributes | None = None) -> Dataset:
    generator = np.random.default_rng(21)
    train, test = generator.standard_normal((30, 4)), generator.standard_normal((5, 4))
    return dataset_with_truth("small", metric, train, test, attributes)


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_written_is_read(tmp_path: Path, metric: Metric) -> None:
    dataset = small(metric)
    path = tmp_path / "folder" / "other-4-name.hdf5"
    write_dataset(path, dataset)
    found = read_dataset(path)
    assert (found.name, found.metric, found.attributes) == ("other-4-name", metric, None)
    for part in ("train", "test", "neighbors", "distances"):
        stored = getattr(found, part)
        np.testing.assert_array_equal(stored, getattr(dataset, part))
        assert stored.flags.c_contiguous
        assert stored.dtype == (np.int32 if part == "neighbors" else np.float32)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_layout_is_that_of_ann_benchmarks(tmp_path: Path) -> None:
    dataset = small("angular", {"colour": ["red"] * 30})
    write_dataset(tmp_path / "a.hdf5", dataset)
    with h5py.File(tmp_path / "a.hdf5", "r") as file:
        assert file.attrs["distance"] == "angular"
        assert file.attrs["type"] == "dense"
        assert file.attrs["point_type"] == "float"
        assert int(file.attrs["dimension"]) == 4
        assert np.array(file["train"]).shape == (30, 4)
        assert np.array(file["test"]).dtype == np.float32
        assert file["neighbors"].dtype == np.int32
        assert file["distances"].shape == (5, 30)


def test_a_file_of_theirs_is_read(tmp_path: Path) -> None:
    """Older ones say no type and no dimension, and hold float64 where the generator made it."""
    dataset = small()
    with h5py.File(tmp_path / "random-4-euclidean.hdf5", "w") as file:
        file.attrs["distance"] = np.bytes_("euclidean")
        file["train"] = dataset.train.astype(np.float64)
        file["test"] = dataset.test.astype(np.float64)
        file["neighbors"] = dataset.neighbors.astype(np.int64)
        file["distances"] = dataset.distances.astype(np.float64)
    found = read_dataset(tmp_path / "random-4-euclidean.hdf5")
    assert found.metric == "euclidean"
    assert found.train.dtype == np.float32
    assert found.neighbors.dtype == np.int32
    np.testing.assert_array_equal(found.neighbors, dataset.neighbors)


def test_attributes_come_back_as_they_were(tmp_path: Path) -> None:
    columns: Attributes = {
        "year": np.arange(30, dtype=np.int16),
        "share": np.linspace(0, 1, 30),
        "old": np.arange(30) % 2 == 0,
        "count": list(range(30)),
        "huge": [2**70 + row for row in range(30)],
        "weight": [row / 7 for row in range(30)],
        "flag": [row % 3 == 0 for row in range(30)],
        "name": [f"Müller {row}" for row in range(30)],
        "zero": ["a\0b"] * 30,
        "words": np.array([f"w{row}" for row in range(30)]),
        "tags": [["x", row] for row in range(30)],
        "maybe": [None if row % 2 else row for row in range(30)],
        "mixed": [True if row % 2 else 1 for row in range(30)],
        "a/b %": list(range(30)),
    }
    write_dataset(tmp_path / "a.hdf5", small(attributes=columns))
    found = read_dataset(tmp_path / "a.hdf5").attributes
    assert found is not None
    assert list(found) == list(columns)
    for name, column in columns.items():
        stored = found[name]
        if isinstance(column, np.ndarray) and column.dtype.kind != "U":
            assert isinstance(stored, np.ndarray)
            assert stored.dtype == column.dtype, name
        values = stored.tolist() if isinstance(stored, np.ndarray) else list(stored)
        expected = column.tolist() if isinstance(column, np.ndarray) else list(column)
        assert values == expected, name
        assert list(map(type, values)) == list(map(type, expected)), name


def remove(part: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[part]

    return change


def put(part: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[part]
        file[part] = value

    return change


def say(name: str, value: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        file.attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("neighbors"), "has no neighbors"),
        (remove("test"), "has no test"),
        (say("distance", "hamming"), "'hamming': expected euclidean, angular, dot"),
        (say("type", "sparse"), "sparse vectors"),
        (put("test", np.zeros((5, 3))), "do not fit"),
        (put("train", np.zeros(30)), "do not fit"),
        (put("distances", np.zeros((5, 2))), "do not fit"),
        (put("neighbors", np.full((5, 30), 30)), "train has 30 rows"),
        (put("neighbors", np.full((5, 30), -1)), "train has 30 rows"),
        (put("attributes/year", np.zeros(29)), "'year' has 29 values"),
    ],
)
def test_a_file_that_is_no_data_set_is_a_mistake(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    path = tmp_path / "a.hdf5"
    write_dataset(path, small(attributes={"year": np.arange(30)}))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(Mistake, match=message):
        read_dataset(path)


def test_what_is_not_hdf5_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "page.hdf5").write_text("<html>not found</html>")
    with pytest.raises(Mistake, match="is not an HDF5 file"):
        read_dataset(tmp_path / "page.hdf5")
    with pytest.raises(Mistake, match="there is no file"):
        read_dataset(tmp_path / "none.hdf5")
    whole = tmp_path / "torn.hdf5"
    write_dataset(whole, small())
    whole.write_bytes(whole.read_bytes()[:1_500])
    with pytest.raises(Mistake, match=r"torn\.hdf5"):
        read_dataset(whole)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.hdf5"
    write_dataset(path, small("dot"))
    with pytest.raises(TypeError):
        write_dataset(path, small(attributes={"bad": [object()] * 30}))
    assert read_dataset(path).metric == "dot"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.hdf5"]


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(Mistake, match=r"h5py is not installed: pip install vecdb\[bench\]"):
        write_dataset(tmp_path / "a.hdf5", small())
