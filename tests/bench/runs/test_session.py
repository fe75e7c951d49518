"""Sessions: laps in turn, each kept at once; what goes wrong is told, and what is there is not measured again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.results.made_result import made_result
from tests.bench.runs.small_run import MODULE, dataset_file, definition, run_small, settings
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.dataset_digest import dataset_digest
from vecdb.bench.results.metrics import strict_recall
from vecdb.bench.results.result import Result
from vecdb.bench.results.result_file import read_results, write_result
from vecdb.bench.runs.messages import Built
from vecdb.bench.runs.search_place import SearchPlace
from vecdb.bench.runs.workload_place import WorkloadPlace
from vecdb.bench.workloads.readings_file import read_readings

KILL_SECONDS = 60.0
YAML = """
float:
  any:
    - name: small
      module: {module}
      constructor: WithServer
      run_groups:
        one:
          args: [["{pids}"]]
          query_args: [[1, 2]]
"""


def results_of(folder: Path) -> dict[tuple[str, object], Result]:
    results = read_results(folder / "results", "made-8-euclidean", 10, batch=False)
    return {(each.algorithm, each.query_arguments[0]): each for each in results}


def test_laps_are_interleaved_and_what_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    definitions = [
        definition("Exact", queries=[(1,), (2,)]),
        definition("Crashing"),
        definition("Absent"),
        definition("Raising", queries=[("raise",), ("lie",), ("well",)]),
        definition("Exact", name="again"),
    ]
    outcome, said = run_small(tmp_path, definitions)
    first, second = ["exact 1", "again 1", "exact 2", "raising well"], ["again 1", "exact 1", "exact 2", "raising well"]
    assert outcome.laps == first + second
    assert outcome.absent == {"absent": "numpy: No module named 'absent'"}
    assert outcome.failed.keys() == {"crashing[]", "raising raise", "raising lie"}
    assert "SIGSEGV" in outcome.failed["crashing[]"]
    assert outcome.failed["raising lie"].startswith("expected ids below 200")
    assert "about to crash" in said
    dataset, _ = dataset_file(tmp_path)
    results = results_of(tmp_path)
    assert results.keys() == {("exact", 1), ("exact", 2), ("raising", "well"), ("again", 1)}
    assert len({result.session for result in results.values()}) == 1
    for result in results.values():
        assert strict_recall(result, dataset) == 1.0
        np.testing.assert_array_equal(result.neighbors, dataset.neighbors[:25, :10])
        np.testing.assert_allclose(result.distances, dataset.distances[:25, :10], rtol=1e-5)
        assert all(lap.queries >= 200 and lap.queries % 25 == 0 for lap in result.laps)
        assert (result.queries_asked, result.set_queries) == (25, 30)
        assert result.reported_index_bytes == dataset.train.nbytes


def test_laps_that_are_there_are_not_taken_again(tmp_path: Path) -> None:
    definitions = [definition("Exact", queries=[(1,), (2,)])]
    run_small(tmp_path, definitions, runs=1)
    before = results_of(tmp_path)
    outcome, said = run_small(tmp_path, definitions, runs=1)
    assert (outcome.laps, said) == ([], "")
    more, _ = run_small(tmp_path, [definition("Exact", queries=[(1,)])], runs=2)
    assert more.laps == ["exact 1"]
    after = results_of(tmp_path)
    assert after["exact", 2].started == before["exact", 2].started
    assert len(after["exact", 1].laps) == 2
    assert after["exact", 1].laps[0].seconds == before["exact", 1].laps[0].seconds
    # With --force, or for another setting, the earlier laps do not count.
    for changes in ({"force": True}, {"threads": 2, "queries": 24, "lap_seconds": 2.0, "machine": {"CPU": "another"}}):
        again, _ = run_small(tmp_path, definitions[:1], runs=1, **changes)
        assert len(again.laps) == 2
        assert [len(result.laps) for result in results_of(tmp_path).values()] == [1, 1]


@pytest.mark.parametrize(
    "change", [{"threads": 2}, {"queries": 24}, {"lap_seconds": 2.0}, {"machine": {"CPU": "another"}}, {}]
)
def test_laps_count_only_in_the_setting_they_were_taken_in(tmp_path: Path, change: dict[str, Any]) -> None:
    dataset, _ = dataset_file(tmp_path)
    taken: dict[str, Any] = {"threads": 1, "query_limit": 25, "lap_seconds": 1.0, "machine": {"CPU": "a processor"}}
    taken |= {"versions": {"numpy": np.__version__}, "dataset_digest": dataset_digest(dataset)}
    result = made_result(dataset, algorithm="exact", arguments=(), query_arguments=(1,), **taken)
    write_result(tmp_path, result)
    place = SearchPlace(settings(tmp_path, **change), dataset, definition("Exact"), (1,))
    assert place.laps_done == (0 if change else 3)
    built = Built(
        build_seconds=1,
        build_cpu_seconds=1,
        index_bytes=1,
        reported_index_bytes=1,
        memory_after_build_bytes=1,
        memory_peak_bytes=1,
        versions={"numpy": np.__version__},
    )
    place.begin(built)
    assert place.laps_done == (0 if change else 3)
    place.begin(replace(built, versions={"numpy": "0.1"}))
    assert place.laps_done == 0


@pytest.mark.parametrize("change", [{"versions": {"numpy": "0.1"}}, {"dataset_digest": "of another"}])
def test_laps_of_another_version_or_data_set_are_taken_again_before_anything_is_built(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    exact = [definition("Exact")]
    run_small(tmp_path, exact, runs=1)
    assert run_small(tmp_path, exact, runs=1)[0].laps == []
    write_result(tmp_path / "results", replace(results_of(tmp_path)["exact", 1], **change))
    assert run_small(tmp_path, exact, runs=1)[0].laps == ["exact 1"]


def test_each_lap_keeps_the_session_it_was_taken_in(tmp_path: Path) -> None:
    run_small(tmp_path, [definition("Exact")], runs=1, session="first")
    run_small(tmp_path, [definition("Exact")], runs=2, session="second")
    result = results_of(tmp_path)["exact", 1]
    assert [lap.session for lap in result.laps] == ["first", "second"]
    assert (result.session, result.build_session) == ("second", "second")


def test_the_others_are_stopped_while_one_laps(tmp_path: Path) -> None:
    folder = tmp_path / "rivals"
    folder.mkdir()
    definitions = [definition("Rival", str(folder), name=name) for name in ("first", "second", "third")]
    outcome, _ = run_small(tmp_path, definitions, runs=2)
    assert (len(outcome.laps), outcome.failed) == (6, {})
    assert [path.stem for path in folder.glob("*.state")] == ["T"]


def test_a_failure_is_one_of_its_arguments_alone(tmp_path: Path) -> None:
    definitions = [definition("RaisingFor", setting, name="same") for setting in ("bad", "good")]
    outcome, said = run_small(tmp_path, definitions, runs=2)
    assert outcome.laps == ["same 1"] * 2
    assert outcome.failed.keys() == {"same 1 of ['bad']"}
    assert "building 2 of 2: same['good']" in said
    assert said.count("failed:") == 1


def test_arguments_whose_names_are_the_same_have_files_of_their_own(tmp_path: Path) -> None:
    definitions = [definition("Exact", setting, name="same") for setting in ("a b", "a_b")]
    for laps in (4, 0):
        assert len(run_small(tmp_path, definitions, runs=2)[0].laps) == laps
    found = read_results(tmp_path / "results", "made-8-euclidean", 10, batch=False)
    assert sorted(result.arguments for result in found) == [("a b",), ("a_b",)]
    # Each finds its own again, whichever comes first.
    assert run_small(tmp_path, definitions[::-1], runs=2)[0].laps == []


def test_groups_are_measured_beside_the_baseline(tmp_path: Path) -> None:
    definitions = [definition("Exact", name=name) for name in ("first", "base", "second")]
    outcome, _ = run_small(tmp_path, definitions, runs=2, at_once=2, baseline="base")
    assert outcome.laps == [
        *["base 1", "first 1", "first 1", "base 1"],
        *["base 1", "second 1", "second 1", "base 1"],
    ]
    assert len(results_of(tmp_path)["base", 1].laps) == 4
    sessions = {key[0]: [lap.session[-2:] for lap in result.laps] for key, result in results_of(tmp_path).items()}
    assert sessions == {"base": ["/1", "/1", "/2", "/2"], "first": ["/1", "/1"], "second": ["/2", "/2"]}


def test_batches_have_files_of_their_own_and_what_goes_to_one_file_is_measured_once(tmp_path: Path) -> None:
    outcome, _ = run_small(tmp_path, [definition("Exact"), definition("Exact")], runs=1, batch=True)
    assert outcome.laps == ["exact 1"]
    (result,) = read_results(tmp_path / "results", "made-8-euclidean", 10, batch=True)
    assert (np.ptp(result.laps[0].times.reshape(-1, 25), axis=1) == 0).all()
    assert result.laps[0].seconds == pytest.approx(result.laps[0].times.sum(), rel=1e-5)


def test_a_file_of_others_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "results/made-8-euclidean/10/exact/1.hdf5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(Mistake, match=r"1\.hdf5"):
        run_small(tmp_path, [definition("Exact")])
    assert path.read_bytes() == b"mine"


def test_workloads_become_readings(tmp_path: Path) -> None:
    options = {"clients": "1,2", "seconds": "0.2"}
    definitions = [definition("Exact")]
    outcome, _ = run_small(tmp_path, definitions, runs=1, workload="ingest")
    assert (outcome.laps, outcome.failed) == ([], {})
    assert outcome.absent["exact"].startswith("it is not Stored")
    concurrent = [definition("Threaded")]
    outcome, _ = run_small(tmp_path, concurrent, runs=2, workload="concurrency", options=options)
    assert outcome.laps == ["concurrency: threaded 1"] * 2
    (readings,) = read_readings(tmp_path / "results", "made-8-euclidean", 10, "concurrency")
    assert len(readings.laps) == 2
    assert readings.medians()
    assert readings.versions["numpy"] == np.__version__
    outcome, _ = run_small(tmp_path, concurrent, runs=2, workload="concurrency", options=options)
    assert outcome.laps == []
    dataset, _ = dataset_file(tmp_path)
    for changes, done in (({}, 2), ({"options": {"clients": "1"}}, 0), ({"threads": 2}, 0), ({"force": True}, 0)):
        given = {"workload": "concurrency", "options": options} | changes
        place = WorkloadPlace(settings(tmp_path / "results", **given), dataset, concurrent[0], (1,))
        assert place.laps_done == done


def test_a_session_that_is_killed_leaves_no_process_and_goes_on_where_it_was(tmp_path: Path) -> None:
    _, path = dataset_file(tmp_path)
    pids, results = tmp_path / "pids", tmp_path / "results"
    definitions = tmp_path / "small.yml"
    definitions.write_text(YAML.format(module=MODULE, pids=pids))
    command = [sys.executable, "-m", "vecdb.bench", "run", "--dataset", str(path), "--definitions", str(definitions)]
    command += ["--results", str(results), "--data", str(tmp_path), "--lap-seconds", "30", "--runs", "3"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    session = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    _until(lambda: sum(len(each.laps) for each in results_of(tmp_path).values()) >= 2)
    worker, server, scratch = pids.read_text().split()
    session.send_signal(signal.SIGKILL)
    session.wait()
    _until(lambda: not Path(scratch).exists())
    assert [pid for pid in (worker, server) if Path(f"/proc/{pid}").exists()] == []
    before = results_of(tmp_path)
    assert 2 <= sum(len(result.laps) for result in before.values()) < 6
    resumed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    after = results_of(tmp_path)
    assert [len(result.laps) for result in after.values()] == [3, 3]
    for key, result in before.items():
        kept = [lap.seconds for lap in after[key].laps[: len(result.laps)]]
        assert kept == [lap.seconds for lap in result.laps]
    taken = 6 - sum(len(result.laps) for result in before.values())
    assert resumed.stdout.startswith(f"{taken} laps were taken")


def _until(true: object) -> None:
    assert callable(true)
    deadline = time.monotonic() + KILL_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
