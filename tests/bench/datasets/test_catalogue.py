"""Data sets by name or path."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.datasets.ann_benchmarks_file import AnnBenchmarksFile
from vecdb.bench.datasets.catalogue import DATASETS, dataset_path, find_dataset, find_source, prepare_dataset
from vecdb.bench.datasets.hdf5_file import read_dataset, write_dataset
from vecdb.bench.datasets.random_set import RandomSet
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.mistake import Mistake

NAME = "random-60-4-euclidean"


def test_every_name_has_its_source() -> None:
    assert {"demo-384-angular", "fashion-mnist-784-euclidean", "wordnet-minilm-384-angular"} <= DATASETS.keys()
    assert {"sift-128-euclidean", "glove-100-angular", "random-xs-20-angular"} <= DATASETS.keys()
    for name, source in DATASETS.items():
        assert source.name == name
        assert find_source(name) is source
        assert source.about


def test_a_data_set_is_prepared_once(tmp_path: Path) -> None:
    first = find_dataset(NAME, tmp_path)
    assert (first.name, first.metric, first.train.shape) == (NAME, "euclidean", (60, 4))
    path = tmp_path / f"{NAME}.hdf5"
    assert path == dataset_path(NAME, tmp_path)
    inode = path.stat().st_ino
    np.testing.assert_array_equal(find_dataset(NAME, tmp_path).train, first.train)
    assert path.stat().st_ino == inode
    prepare_dataset(NAME, tmp_path, force=True)
    assert path.stat().st_ino != inode


def test_a_file_in_the_folder_goes_by_its_name(tmp_path: Path) -> None:
    rows = np.eye(20)
    write_dataset(tmp_path / "mine.hdf5", dataset_with_truth("mine", "dot", rows, rows))
    assert find_dataset("mine", tmp_path).metric == "dot"
    assert find_dataset(str(tmp_path / "mine.hdf5"), tmp_path / "other").name == "mine"


def test_a_file_of_vectors_is_prepared_again_when_it_has_changed(tmp_path: Path) -> None:
    raw, folder = tmp_path / "mine.npy", tmp_path / "data"
    np.save(raw, np.eye(20))
    path = prepare_dataset(str(raw), folder, metric="angular")
    assert path == folder / "mine-angular.hdf5"
    assert find_dataset("mine-angular", folder).dimension == 20
    np.save(raw, np.eye(30))
    os.utime(raw, (path.stat().st_mtime + 5,) * 2)
    assert read_dataset(prepare_dataset(str(raw), folder, metric="angular")).dimension == 30


def test_other_names_of_their_site_are_downloaded() -> None:
    assert find_source("coco-i2i-512-angular") == AnnBenchmarksFile("coco-i2i-512-angular")
    assert isinstance(find_source("random-77-5-dot"), RandomSet)
    assert find_source("kosarek-jaccard") is None


@pytest.mark.parametrize("name", ["unheard-of", "../x.npy", "/none/a.hdf5", "a b", ""])
def test_what_is_not_there_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(Mistake, match=r"there is no|is no name"):
        find_dataset(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sources_are_passed_on(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    np.savez(raw / "wordnet-minilm-384.f16.npz", train=np.eye(12, 384), test=np.eye(2, 384))
    dataset = find_dataset("wordnet-minilm-384-angular", tmp_path, raw)
    assert (len(dataset.train), len(dataset.test)) == (12, 2)
