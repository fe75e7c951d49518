"""Readings files: what is written is read, under a name of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.readings_file import (
    Readings,
    read_readings,
    readings_path,
    write_readings,
)
from vecdb.bench.workloads.workload import Measurement

LAPS = tuple(
    (Measurement("queries", value, "/s", "more"), Measurement("p99", value / 100, "ms", "less"))
    for value in (100.0, 300.0, 200.0)
)
READINGS = Readings(
    dataset="made-10",
    count=10,
    workload="mixed",
    algorithm="exact",
    arguments=({"m": 16}, "a/b"),
    query_arguments=(40, 0.5),
    options={"seconds": "1"},
    laps=LAPS,
    metric="euclidean",
    threads=2,
    versions={"numpy": "1"},
    machine={"CPU": "Z80 – fast"},
    session="s1",
    started=12.5,
    lap_sessions=("s0", "s1", "s1"),
    dataset_digest="d",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_readings(tmp_path, READINGS)
    assert path == readings_path(tmp_path, READINGS)
    assert path.relative_to(tmp_path).parts[:-1] == ("made-10", "10", "mixed", "exact")
    assert read_readings(tmp_path, "made-10", 10, "mixed") == [READINGS]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert read_readings(tmp_path, "made-10", 10, "ingest") == []


def test_a_later_file_of_the_same_arguments_takes_its_place(tmp_path: Path) -> None:
    write_readings(tmp_path, READINGS)
    more = replace(READINGS, laps=(*LAPS, LAPS[0]), lap_sessions=(*READINGS.lap_sessions, "s2"))
    write_readings(tmp_path, more)
    assert read_readings(tmp_path, "made-10", 10, "mixed") == [more]


def test_a_file_of_an_earlier_version_has_one_session(tmp_path: Path) -> None:
    path = write_readings(tmp_path, READINGS)
    fields = json.loads(path.read_text())
    del fields["lap_sessions"], fields["dataset_digest"]
    path.write_text(json.dumps(fields))
    (readings,) = read_readings(tmp_path, "made-10", 10, "mixed")
    assert readings == replace(READINGS, lap_sessions=("s1",) * 3, dataset_digest="")


def test_other_arguments_and_options_have_other_files(tmp_path: Path) -> None:
    long = ({"m": 16, "name": "x" * 300},)
    several = [
        READINGS,
        replace(READINGS, query_arguments=(80, 0.5)),
        replace(READINGS, options={}),
        replace(READINGS, options={"seconds": "2"}),
        replace(READINGS, arguments=long, query_arguments=(1,)),
        replace(READINGS, arguments=long, query_arguments=(2,)),
        replace(READINGS, arguments=(), query_arguments=(), options={}),
    ]
    for readings in several:
        write_readings(tmp_path, readings)
    found = read_readings(tmp_path, "made-10", 10, "mixed")
    assert len(found) == len(several)
    assert all(readings in found for readings in several)


def test_medians_of_the_laps() -> None:
    last = (Measurement("late", 5.0, "", "more"),)
    readings = replace(READINGS, laps=(*LAPS, last))
    assert readings.names == ("queries", "p99", "late")
    assert readings.values("queries") == (100.0, 300.0, 200.0)
    assert readings.medians() == [
        Measurement("queries", 200.0, "/s", "more"),
        Measurement("p99", 2.0, "ms", "less"),
        Measurement("late", 5.0, "", "more"),
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 99, "laps": []}'])
def test_what_is_not_a_readings_file_is_named(tmp_path: Path, text: str) -> None:
    path = write_readings(tmp_path, READINGS)
    path.write_text(text)
    with pytest.raises(Mistake, match=path.name[:10]):
        read_readings(tmp_path, "made-10", 10, "mixed")
