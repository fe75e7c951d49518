"""The commands to run it again, as the command itself understands them."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from tests.bench.pages.made_results import curve, made_readings, made_result, write_made
from vecdb.bench.commands import run
from vecdb.bench.pages.measured_set import read_measured_set
from vecdb.bench.pages.rerun import rerun_commands


def parsed(command: str) -> argparse.Namespace:
    words = shlex.split(command)
    assert words[:2] == ["vecdb-bench", "run"]
    parser = argparse.ArgumentParser(exit_on_error=False)
    run.add_arguments(parser)
    return parser.parse_args(words[2:])


def test_single_queries_batches_and_each_workload(tmp_path: Path) -> None:
    results = [*curve("hnswlib", [100, 100, 100]), *curve("b", 50), made_result("b", 0.9, 9, batch=True, threads=3)]
    readings = [made_readings("hnswlib", {"x": [1, 2]}, options={"batch": "a b"})]
    folder = write_made(tmp_path, results, readings)
    found = read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)
    single, batch, ingest = (parsed(command) for command in rerun_commands(found))
    assert {(each.dataset, each.count) for each in (single, batch, ingest)} == {("made-20-euclidean", 10)}
    assert (single.algorithm, single.runs, single.threads, single.batch) == (["b,hnswlib"], 3, 2, False)
    assert (batch.algorithm, batch.runs, batch.threads, batch.batch) == (["b"], 1, 3, True)
    assert (ingest.algorithm, ingest.runs, ingest.workload) == (["hnswlib"], 2, "ingest")
    assert ingest.option == ["batch=a b"]
    assert single.queries is None


def test_fewer_queries_than_the_data_set_has_are_named(tmp_path: Path) -> None:
    full = made_result("a", 0.9, 9)
    part = made_result("a", 0.9, 9, neighbors=full.neighbors[:30], distances=full.distances[:30])
    folder = write_made(tmp_path, [part])
    found = read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)
    assert parsed(rerun_commands(found)[0]).queries == 30
