"""What the folders hold of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_readings, made_result, write_made
from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.measured_set import MeasuredSet, add_set_arguments, every_set, one_set, read_measured_set


def options(folder: Path, *words: str, every: bool = False) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_set_arguments(parser, every=every, every_count=every)
    return parser.parse_args([*words, "--data", str(folder / "data"), "--results", str(folder / "results")])


def contents(found: MeasuredSet) -> tuple[str, int, int, int, list[str]]:
    return found.dataset, found.count, len(found.single), len(found.batch), list(found.readings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results = [*curve("hnswlib", 100), made_result("hnswlib", 0.9, 50, batch=True)]
    return write_made(tmp_path, results, [made_readings("hnswlib", {"x": [1]})])


def test_all_that_was_measured_is_found(folder: Path) -> None:
    found = one_set(options(folder))
    assert contents(found) == ("made-20-euclidean", 10, 4, 1, ["ingest"])
    assert (found.rows, found.queries, found.dimension, found.metric) == (50, 100, 4, "euclidean")
    assert len(found.points) == 5


def test_a_data_set_may_be_named_by_its_file(folder: Path) -> None:
    path = folder / "data" / "made-20-euclidean.hdf5"
    assert contents(read_measured_set(folder / "results", folder / "data", str(path), 10))[2] == 4


def test_of_several_data_sets_one_must_be_named(folder: Path) -> None:
    write_made(folder, [made_result("hnswlib", 0.9, 10, dataset="another")])
    with pytest.raises(Mistake, match=r"results of 2: another, made-20-euclidean"):
        one_set(options(folder))
    assert one_set(options(folder, "--dataset", "made-20-euclidean")).dataset == "made-20-euclidean"


def test_without_results_it_says_how_to_get_some(tmp_path: Path) -> None:
    folder = write_made(tmp_path)
    with pytest.raises(Mistake, match="results of none"):
        one_set(options(folder))
    with pytest.raises(Mistake, match="vecdb-bench run --dataset made-20-euclidean --count 10"):
        one_set(options(folder, "--dataset", "made-20-euclidean"))
    with pytest.raises(Mistake, match="no such results"):
        every_set(options(folder, every=True))


def test_every_count_is_a_set_of_its_own(folder: Path) -> None:
    write_made(folder, [made_result("hnswlib", 0.9, 10, count=5)])
    assert [found.count for found in every_set(options(folder, every=True))] == [10, 5]
    assert [found.count for found in every_set(options(folder, "--count", "5", every=True))] == [5]
    named = options(folder, "--dataset", "made-20-euclidean", every=True)
    assert [found.count for found in every_set(named)] == [10, 5]


def test_a_count_may_be_given_for_sets_without_one(folder: Path) -> None:
    write_made(folder, [made_result("hnswlib", 0.9, 10, count=5)])
    assert [found.count for found in every_set(options(folder, every=True), 10)] == [10]
    assert [found.count for found in every_set(options(folder, "--count", "5", every=True), 10)] == [5]


def test_a_set_whose_data_are_gone_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_made(folder, [made_result("hnswlib", 0.9, 10, dataset="another")])
    assert [found.dataset for found in every_set(options(folder, every=True))] == ["made-20-euclidean"]
    assert "left out: there is no data set 'another'" in capsys.readouterr().err
    (folder / "data" / "made-20-euclidean.hdf5").unlink()
    with pytest.raises(Mistake, match="another"):
        every_set(options(folder, every=True))


def test_readings_alone_are_results_too(tmp_path: Path) -> None:
    folder = write_made(tmp_path, readings=[made_readings("a", {"x": [1]}, workload="cold-start")])
    assert contents(one_set(options(folder))) == ("made-20-euclidean", 10, 0, 0, ["cold-start"])
