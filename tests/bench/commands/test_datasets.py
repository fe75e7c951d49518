"""`vecdb-bench datasets`, through the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.cli import main
from vecdb.bench.datasets.catalogue import DATASETS, find_dataset
from vecdb.bench.datasets.dataset import Attributes
from vecdb.bench.datasets.hdf5_file import write_dataset
from vecdb.bench.datasets.truth import dataset_with_truth

NAME = "random-80-4-dot"


def test_prepare_makes_what_show_and_list_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "data")
    assert main(["datasets", "prepare", NAME, "--data", folder]) == 0
    assert f"{NAME}: 80 rows, 20 queries, 4 dimensions: {folder}/{NAME}.hdf5" in capsys.readouterr().out
    assert find_dataset(NAME, Path(folder)).train.shape == (80, 4)

    assert main(["datasets", "show", NAME, "--data", folder]) == 0
    shown = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert shown["metric"].strip() == "dot"
    assert shown["rows"].strip() == "80"
    assert shown["true neighbours"].strip().startswith("80 a query; median distance")

    assert main(["datasets", "list", "--data", folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"* {NAME} ") for line in lines)
    for name in DATASETS:
        assert any(line.startswith(f"  {name} ") for line in lines), name


def test_show_names_attributes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns: Attributes = {"year": np.arange(20) % 4, "word": ["a", "b"] * 10, "tags": [["x"], None] * 10}
    path = tmp_path / "mine.hdf5"
    write_dataset(path, dataset_with_truth("mine", "angular", np.eye(20) * 3, np.eye(20), columns))
    assert main(["datasets", "show", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    facts = {" ".join(line.split()) for line in lines}
    assert "attribute year 4 values, int64" in facts
    assert "attribute word 2 values, str" in facts
    assert "attribute tags 2 values, NoneType or list" in facts
    assert "lengths of rows 3 to 3" in facts
    assert "true neighbours 20 a query; median distance 0 at 1, 1 at 10, 1 at 20" in facts


def test_prepare_takes_sources_and_a_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "mine.npy", np.eye(30))
    given = ["datasets", "prepare", str(tmp_path / "mine.npy"), "--data", str(tmp_path)]
    assert main(given) == 1
    assert "--metric" in capsys.readouterr().err
    assert main([*given, "--metric", "euclidean"]) == 0
    assert (tmp_path / "mine-euclidean.hdf5").is_file()
    np.savez(tmp_path / "wordnet-minilm-384.f16.npz", train=np.eye(15, 384), test=np.eye(2, 384))
    wordnet = ["datasets", "prepare", "wordnet-minilm-384-angular", "--data", str(tmp_path)]
    assert main([*wordnet, "--sources", str(tmp_path)]) == 0
    assert find_dataset("wordnet-minilm-384-angular", tmp_path).train.shape == (15, 384)


def test_show_says_how_to_prepare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "show", NAME, "--data", str(tmp_path)]) == 1
    assert f"vecdb-bench datasets prepare {NAME} --data {tmp_path}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_earlier_name_of_the_folder_is_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "list", "--folder", str(tmp_path)]) == 0
    assert f"* prepared in {tmp_path}." in capsys.readouterr().out


def test_a_list_loads_no_heavy_library() -> None:
    program = (
        "import sys; from vecdb.bench.cli import main; main(['datasets', 'list']);"
        "print(sorted({'h5py', 'pyarrow', 'matplotlib', 'yaml'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
