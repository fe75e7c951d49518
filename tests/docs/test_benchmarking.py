"""docs/benchmarking.md is true: its commands are understood, its class runs, its tables name what there is."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks_of, commands_of, table_after
from vecdb.bench.cli import COMMANDS
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.datasets.random_set import RandomSet
from vecdb.bench.results.metrics import recall
from vecdb.bench.results.result_file import read_results
from vecdb.bench.workloads.catalogue import WORKLOADS, get_workload
from vecdb.bench.workloads.runbook_file import read_book

PAGE = ROOT / "docs" / "benchmarking.md"
SHOWN = commands_of(PAGE, "vecdb-bench")


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_commands_are_understood(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[words[0]]).add_arguments(parser)
    options = parser.parse_args(words[1:])
    if words[0] == "run" and options.workload in WORKLOADS:
        get_workload(options.workload, dict(option.split("=", 1) for option in options.option))


def test_the_options_of_run_are_there() -> None:
    parser = argparse.ArgumentParser()
    import_module(COMMANDS["run"]).add_arguments(parser)
    known = {name for action in parser._actions for name in action.option_strings}
    named = [name for cells in table_after(PAGE, "| option |") for name in re.findall(r"`(--[\w-]+)`", cells[0])]
    assert len(named) > 12
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("words", ["datasets list", "datasets show x", "run", "compare", "plot", "report", "export"])
def test_other_folders_of_data_have_one_name(words: str) -> None:
    command, *more = words.split()
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[command]).add_arguments(parser)
    assert parser.parse_args([*more, "--data", "elsewhere"]).data == Path("elsewhere")


def test_make_runs_the_smallest_benchmarks() -> None:
    made = subprocess.run(["make", "-n", "bench-smoke"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"-m vecdb\.bench (\w+) --smoke", made) == ["run", "promises"]


def test_the_commands_and_workloads_are_all_there() -> None:
    assert {cells[0].strip("`") for cells in table_after(PAGE, "| command |")} == COMMANDS.keys()
    rows = table_after(PAGE, "| workload |")
    assert {cells[0].strip("`") for cells in rows} == WORKLOADS.keys()
    for name, needs, _, options in rows:
        workload = WORKLOADS[name.strip("`")]
        assert needs.split(", ") == [need.__name__ for need in workload.needs]
        assert re.findall(r"`(\w+)`", options) == list(workload.defaults)


def test_the_runbook_is_one(tmp_path: Path) -> None:
    (text,) = [block for block in blocks_of(PAGE, "yaml") if "max_pts" in block]
    (tmp_path / "book.yaml").write_text(text)
    assert len(read_book(tmp_path / "book.yaml", "demo-384-angular").steps) == 5


def test_the_class_of_the_page_is_measured(tmp_path: Path) -> None:
    (tmp_path / "brute.py").write_text("".join(blocks_of(PAGE, "python", "## Adding an algorithm")))
    (tmp_path / "brute.yml").write_text("".join(blocks_of(PAGE, "yaml", "## Adding an algorithm")))
    (words,) = [words for words in SHOWN if "brute.yml" in words]
    source = RandomSet.named("random-1000-20-euclidean")
    assert source is not None
    prepared = tmp_path / "data" / f"{source.name}.hdf5"
    source.prepare(prepared, ())
    command = [sys.executable, "-m", "vecdb.bench", *words, "--queries", "30", "--runs", "1"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    found = read_results(tmp_path / "results", source.name, 10, False)
    assert sorted(each.arguments for each in found) == [("float32",), ("float64",)]
    assert {recall(each, read_dataset(prepared)) for each in found} == {1.0}
