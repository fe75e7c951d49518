"""Result files: what is written is read, here and by code that knows ann-benchmarks' layout only."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.bench.results.made_result import made_dataset, made_result
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.results.result_file import (
    DEFAULTS,
    FIELDS,
    arguments_file,
    read_result,
    read_results,
    result_path,
    write_result,
)


@pytest.mark.parametrize("reported", [None, 12345])
def test_what_is_written_is_read(tmp_path: Path, reported: int | None) -> None:
    result = made_result(made_dataset(), reported_index_bytes=reported)
    path = write_result(tmp_path, result)
    assert path == tmp_path / "made-8-euclidean/10/made/ef_construction_200_m_16_40.hdf5"
    back = read_result(path)
    assert {name: getattr(back, name) for name in FIELDS} == {name: getattr(result, name) for name in FIELDS}
    assert list(back.machine) == list(result.machine)
    np.testing.assert_array_equal(back.neighbors, result.neighbors)
    np.testing.assert_array_equal(back.distances, result.distances)
    assert [(lap.seconds, lap.cpu_seconds) for lap in back.laps] == [
        (lap.seconds, lap.cpu_seconds) for lap in result.laps
    ]
    for own, there in zip(back.laps, result.laps, strict=True):
        np.testing.assert_array_equal(own.times, there.times.astype(np.float32))


def test_laps_may_differ_in_length(tmp_path: Path) -> None:
    short, long = made_result(made_dataset(), queries=5), made_result(made_dataset())
    path = write_result(tmp_path, made_result(made_dataset(), laps=(short.laps[0], long.laps[1])))
    assert [lap.queries for lap in read_result(path).laps] == [5, 30]


@pytest.mark.parametrize("metric", ["euclidean", "angular"])
@pytest.mark.parametrize("queries", [30, 12])
def test_the_plots_of_ann_benchmarks_find_what_they_read(tmp_path: Path, metric: str, queries: int) -> None:
    """Their steps: walk the folder, open for writing, compare batch_mode, keep metrics in a group of the file."""
    dataset = made_dataset(metric)  # type: ignore[arg-type]
    result = made_result(dataset, queries=queries)
    write_result(tmp_path, result)
    write_result(tmp_path, made_result(dataset, batch=True))
    found = []
    for folder, _, names in os.walk(tmp_path / dataset.name / "10"):
        for name in names:
            assert os.path.splitext(name)[1] == ".hdf5"
            with h5py.File(os.path.join(folder, name), "r+") as file:
                properties = dict(file.attrs)
                if properties["batch_mode"] != False:  # noqa: E712
                    continue
                times, run_distances = np.array(file["times"]), list(file["distances"])
                hits = []
                for place in range(len(run_distances)):
                    threshold = dataset.distances[place][10 - 1] + 1e-3
                    hits.append(sum(1 for distance in run_distances[place][:10] if distance <= threshold))
                file.create_group("metrics").create_group("knn").attrs["mean"] = np.mean(hits) / 10
                found.append((properties, times, np.array(file["neighbors"]), np.mean(hits) / 10))
    ((properties, times, neighbors, recall),) = found
    assert (properties["algo"], properties["dataset"], properties["count"]) == ("made", dataset.name, 10)
    assert (properties["distance"], properties["run_count"], properties["build_time"]) == (metric, 3, 1.5)
    assert properties["index_size"] == 3 * 1024
    assert properties["name"] == result.title
    assert not properties["expect_extra"]
    assert properties["candidates"] == (result.neighbors >= 0).sum() / queries
    assert (neighbors.shape, neighbors.dtype.kind, len(times)) == ((queries, 10), "i", queries)
    assert np.isinf(np.array(run_distances)[neighbors == -1]).all()
    np.testing.assert_allclose(properties["best_search_time"], times.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        properties["best_search_time"], min(lap.times.sum() for lap in result.laps) / queries, rtol=1e-9
    )
    assert 0.8 < recall < 1.0
    # What theirs has added does no harm, and our figure is theirs.
    (back,) = read_results(tmp_path, dataset.name, 10, batch=False)
    assert METRICS["k-nn"].function(back, dataset) == pytest.approx(recall, abs=1e-12)
    assert METRICS["qps"].function(back, dataset) == 1 / properties["best_search_time"]


def test_single_and_batch_are_kept_apart(tmp_path: Path) -> None:
    dataset = made_dataset()
    for changes in ({}, {"query_arguments": (80,)}, {"batch": True}, {"algorithm": "other"}, {"count": 5}):
        write_result(tmp_path, made_result(dataset, **changes))
    (tmp_path / dataset.name / "10" / "ingest" / "made").mkdir(parents=True)
    single = read_results(tmp_path, dataset.name, 10, batch=False)
    assert [(each.algorithm, each.query_arguments) for each in single] == [
        ("made", (40,)),
        ("made", (80,)),
        ("other", (40,)),
    ]
    assert [each.batch for each in read_results(tmp_path, dataset.name, 10, batch=True)] == [True]
    assert read_results(tmp_path, "nothing", 10, batch=False) == []


def test_a_write_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = write_result(tmp_path, made_result(made_dataset()))
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_result(tmp_path, made_result(made_dataset(), versions={"made": object()}))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_other_files_are_named_in_the_mistake(tmp_path: Path) -> None:
    path = tmp_path / "theirs.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs["algo"] = "theirs"
    with pytest.raises(Mistake, match=r"theirs\.hdf5"):
        read_result(path)
    path.write_bytes(b"nothing")
    with pytest.raises(Mistake, match=r"theirs\.hdf5"):
        read_result(path)


def test_each_lap_keeps_its_session(tmp_path: Path) -> None:
    laps = tuple(replace(lap, session=name) for lap, name in zip(made_result(made_dataset()).laps, "abc", strict=True))
    path = write_result(tmp_path, made_result(made_dataset(), laps=laps, session="c"))
    assert [lap.session for lap in read_result(path).laps] == ["a", "b", "c"]
    with h5py.File(path, "r+") as file:
        del file.attrs["vecdb_laps"]
    assert [lap.session for lap in read_result(path).laps] == ["c", "c", "c"]


def test_a_file_that_lacks_what_came_later_is_read(tmp_path: Path) -> None:
    path = write_result(tmp_path, made_result(made_dataset()))
    with h5py.File(path, "r+") as file:
        for name in DEFAULTS:
            del file.attrs["vecdb_" + name]
    assert {name: getattr(read_result(path), name) for name in DEFAULTS} == DEFAULTS


def test_what_is_no_result_is_left_out_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = made_dataset()
    path = write_result(tmp_path, made_result(dataset))
    path.with_name("text.hdf5").write_text("nothing")
    with h5py.File(path.with_name("theirs.hdf5"), "w") as file:
        file.attrs["algo"] = "theirs"
    damages = {"laps": "laps", "metric": "vecdb_metric", "shape": "neighbors", "text": "vecdb_arguments"}
    for name, part in damages.items():
        broken = path.with_name(f"{name}-broken.hdf5")
        shutil.copy(path, broken)
        with h5py.File(broken, "r+") as file:
            if part in file:
                del file[part]
                file[part] = np.zeros(3)
            else:
                file.attrs[part] = "3"
    assert [result.algorithm for result in read_results(tmp_path, dataset.name, 10, batch=False)] == ["made"]
    warned = capsys.readouterr().err.splitlines()
    assert len(warned) == 6
    assert all(line.startswith("vecdb-bench: left out: ") for line in warned)


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "../up"])
def test_names_that_are_no_folders_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Mistake, match="expected a name of letters"):
        write_result(tmp_path, made_result(made_dataset(), algorithm=name))


def test_other_arguments_of_the_same_name_do_not_replace_a_result(tmp_path: Path) -> None:
    dataset = made_dataset()
    given = [((0.5,), ()), (("0 5",), ()), ((0,), (5,)), ((1,), ()), ((True,), ()), (("1",), ())]
    results = [made_result(dataset, arguments=build, query_arguments=asked) for build, asked in given]
    paths = [write_result(tmp_path, result) for result in results]
    assert [write_result(tmp_path, result) for result in results] == paths
    assert len(set(paths)) == 6
    assert {path.name for path in paths} >= {"0_5.hdf5", "1.hdf5"}
    for path, (build, asked) in zip(paths, given, strict=True):
        assert repr((read_result(path).arguments, read_result(path).query_arguments)) == repr((build, asked))


def test_file_names_are_never_empty_or_too_long(tmp_path: Path) -> None:
    assert arguments_file((), ()) == "default.hdf5"
    assert arguments_file((16, "a b"), (0.5,)) == "16_a_b_0_5.hdf5"
    first, second = ({"text": "x" * 500 + end} for end in "ab")
    assert arguments_file((first,), ()) != arguments_file((second,), ())
    write_result(tmp_path, made_result(made_dataset(), arguments=(first,)))
    assert result_path(tmp_path, made_result(made_dataset(), arguments=(first,))).exists()
