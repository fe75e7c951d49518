"""WorkloadPlace: what the build took is kept with each lap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.bench.runs.small_run import dataset_file, definition, settings
from vecdb.bench.runs.messages import Built, Measured
from vecdb.bench.runs.versions import library_versions
from vecdb.bench.runs.workload_place import WorkloadPlace
from vecdb.bench.workloads.readings_file import read_readings
from vecdb.bench.workloads.workload import Measurement

BUILT = Built(
    build_seconds=2.0,
    build_cpu_seconds=7.0,
    index_bytes=3 << 20,
    reported_index_bytes=None,
    memory_after_build_bytes=50 << 20,
    memory_peak_bytes=90 << 20,
    versions=library_versions("numpy"),
)
LAP = Measured((Measurement("queries", 100.0, "/s", "more"),))
BUILD = {
    "build": 2.0,
    "build, CPU": 7.0,
    "build, memory of the index": 3.0,
    "build, memory after it": 50.0,
    "build, memory peak": 90.0,
}


def kept_after(folder: Path, built: Built) -> dict[str, tuple[float, ...]]:
    """The values of each measurement after one build and a lap."""
    dataset, _ = dataset_file(folder)
    given = settings(folder, workload="concurrency")
    place = WorkloadPlace(given, dataset, definition("Exact"), (1,))
    place.begin(built)
    place.record(LAP)
    (readings,) = read_readings(folder, dataset.name, given.count, "concurrency")
    return {name: readings.values(name) for name in readings.names}


def test_the_build_is_in_each_lap(tmp_path: Path) -> None:
    assert kept_after(tmp_path, BUILT) == {name: (value,) for name, value in ({"queries": 100.0} | BUILD).items()}
    again = kept_after(tmp_path, replace(BUILT, build_seconds=4.0))
    assert again["build"] == (2.0, 4.0), "each lap has that of the index it was taken on"
    assert again["queries"] == (100.0, 100.0)


def test_a_workload_that_builds_has_its_own_figures_alone(tmp_path: Path) -> None:
    assert kept_after(tmp_path, replace(BUILT, build_seconds=0.0)) == {"queries": (100.0,)}


def test_laps_keep_their_sessions_and_are_taken_again_for_other_data_or_versions(tmp_path: Path) -> None:
    dataset, _ = dataset_file(tmp_path)
    first = settings(tmp_path, workload="concurrency", session="s1")
    place = WorkloadPlace(first, dataset, definition("Exact"), (1,))
    place.begin(replace(BUILT, session="s1/0"))
    place.record(LAP)
    later = replace(first, session="s2")
    place = WorkloadPlace(later, dataset, definition("Exact"), (1,))
    assert place.laps_done == 1
    place.begin(BUILT)
    place.record(LAP)
    (readings,) = read_readings(tmp_path, dataset.name, first.count, "concurrency")
    assert readings.lap_sessions == ("s1/0", "s2")
    assert readings.session == "s2"
    other = replace(dataset, train=dataset.train + 1)
    assert WorkloadPlace(first, other, definition("Exact"), (1,)).laps_done == 0
    place.begin(replace(BUILT, versions={"numpy": "0.1"}))
    place.record(LAP)
    assert WorkloadPlace(first, dataset, definition("Exact"), (1,)).laps_done == 0
