"""WordNet's embeddings and the demo's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from demo.dataset import read_queries, read_synsets
from vecdb.bench.datasets import wordnet
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.datasets.wordnet import ATTRIBUTES, VECTORS, Demo, Wordnet
from vecdb.bench.mistake import Mistake

ROWS = 150


def place_with(tmp_path: Path, table_rows: int | None) -> Path:
    place = tmp_path / "raw"
    place.mkdir()
    generator = np.random.default_rng(41)
    train = generator.standard_normal((ROWS, 384)).astype(np.float16)
    np.savez(place / VECTORS, train=train, test=train[:6])
    if table_rows is not None:
        columns = {
            "id": pa.array(range(table_rows), pa.int32()),
            "pos": pa.array(["noun", "verb"] * (table_rows // 2), pa.large_string()),
            "depth": pa.array([row % 9 for row in range(table_rows)], pa.int16()),
            "n_examples": pa.array([None if row == 3 else row for row in range(table_rows)], pa.int16()),
            "satellite": pa.array([row % 5 == 0 for row in range(table_rows)], pa.bool_()),
        }
        parquet.write_table(pa.table(columns), place / ATTRIBUTES)
    return place


def test_vectors_are_kept_as_they_are_and_columns_come_along(tmp_path: Path) -> None:
    place = place_with(tmp_path, ROWS)
    target = tmp_path / "wordnet-minilm-384-angular.hdf5"
    Wordnet().prepare(target, [tmp_path / "nothing", place])
    dataset = read_dataset(target)
    with np.load(place / VECTORS) as arrays:
        np.testing.assert_array_equal(dataset.train, arrays["train"].astype(np.float32))
        np.testing.assert_array_equal(dataset.test, arrays["test"].astype(np.float32))
    assert dataset.metric == "angular"
    assert dataset.neighbors[:, 0].tolist() == list(range(6))
    attributes = dataset.attributes
    assert attributes is not None
    assert sorted(attributes) == ["depth", "n_examples", "pos", "satellite"]
    assert list(attributes["pos"]) == ["noun", "verb"] * (ROWS // 2)
    assert isinstance(attributes["depth"], np.ndarray)
    assert attributes["depth"].dtype == np.int16
    assert attributes["depth"].tolist() == [row % 9 for row in range(ROWS)]
    assert list(attributes["n_examples"]) == [None if row == 3 else row for row in range(ROWS)]
    assert isinstance(attributes["satellite"], np.ndarray)
    assert attributes["satellite"].tolist() == [row % 5 == 0 for row in range(ROWS)]


def test_without_the_table_there_are_no_attributes(tmp_path: Path) -> None:
    Wordnet().prepare(tmp_path / "a.hdf5", [place_with(tmp_path, None)])
    assert read_dataset(tmp_path / "a.hdf5").attributes is None


def test_a_table_of_other_rows_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="expected 150 rows, received 140"):
        Wordnet().prepare(tmp_path / "a.hdf5", [place_with(tmp_path, 140)])
    assert not (tmp_path / "a.hdf5").exists()


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_with(tmp_path, ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Mistake, match=r"pip install vecdb\[parquet\]"):
        Wordnet().prepare(tmp_path / "a.hdf5", [place])


def test_places_without_the_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=rf"is not in {tmp_path}, other: name its folder with --sources"):
        Wordnet().prepare(tmp_path / "a.hdf5", [tmp_path, Path("other")])


def test_the_demo_is_a_data_set(tmp_path: Path) -> None:
    Demo().prepare(tmp_path / "demo-384-angular.hdf5", ())
    dataset = read_dataset(tmp_path / "demo-384-angular.hdf5")
    synsets = read_synsets()
    np.testing.assert_array_equal(dataset.train, synsets.vectors)
    np.testing.assert_array_equal(dataset.test, read_queries().vectors)
    assert dataset.attributes is not None
    assert list(dataset.attributes["lexname"]) == [row["lexname"] for row in synsets.rows]
    assert list(dataset.attributes["lemmas"]) == [row["lemmas"] for row in synsets.rows]


def test_without_a_source_tree_there_is_no_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "DEMO", tmp_path / "none")
    with pytest.raises(Mistake, match="source tree"):
        Demo().prepare(tmp_path / "a.hdf5", ())
