"""What is said of the machine, and what its memory is taken to hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.bench.results.made_result import made_dataset
from vecdb.bench.disk import file_system
from vecdb.bench.runs import facts
from vecdb.bench.runs.facts import indexes_at_once, machine_facts, usable_cores


def test_every_fact_is_known() -> None:
    said = machine_facts()
    assert list(said) == ["CPU", "cores", "memory", "disk", "kernel", "Python", "load at the start"]
    assert all(said.values())
    assert said["cores"].startswith(f"{usable_cores()} usable of ")
    assert said["memory"].endswith(" GiB")


def test_the_disk_is_the_one_that_laps_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/proc")
    assert machine_facts()["disk"] == file_system(Path("/proc"))
    assert machine_facts()["disk"] != file_system(Path("/sys"))


@pytest.mark.parametrize(("available", "expected"), [(1 << 20, 1), (2 << 30, 6), (20 << 30, 65)])
def test_as_many_indexes_as_fit(monkeypatch: pytest.MonkeyPatch, available: int, expected: int) -> None:
    monkeypatch.setattr(facts, "_available_bytes", lambda: available)
    assert indexes_at_once(made_dataset()) == expected


def test_the_memory_that_is_available_is_less_than_there_is() -> None:
    total = float(machine_facts()["memory"].split()[0]) * 2**30
    assert 0 < facts._available_bytes() <= total * 1.01
