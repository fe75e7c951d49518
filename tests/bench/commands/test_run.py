"""`vecdb-bench run`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.runs.small_run import MODULE, dataset_file
from vecdb.bench.cli import main
from vecdb.bench.results.metrics import METRICS
from vecdb.bench.results.result_file import read_results

DEFINITIONS = f"""
float:
  any:
    - name: small
      module: {MODULE}
      constructor: Exact
      run_groups:
        two:
          args: [[1, 2]]
          query_args: [[10, 20, 30, 40, 50]]
    - name: idle
      disabled: true
      module: {MODULE}
      constructor: Exact
      run_groups:
        one: {{args: []}}
    - name: crashing
      module: {MODULE}
      constructor: Crashing
      run_groups:
        one: {{args: []}}
  angular:
    - name: absent
      module: {MODULE}
      constructor: Absent
      run_groups:
        one: {{args: []}}
"""


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    """A command with the small data set and the definitions above."""
    _, path = dataset_file(tmp_path)
    (tmp_path / "small.yml").write_text(DEFINITIONS)
    folders = ["--data", str(tmp_path), "--results", str(tmp_path / "results")]
    return ["run", "--dataset", str(path), "--definitions", str(tmp_path / "small.yml"), *folders]


def measured(folder: Path, count: int = 10) -> list[tuple[str, list[object], int]]:
    results = read_results(folder / "results", "made-8-euclidean", count, batch=False)
    return [(each.algorithm, [*each.arguments, *each.query_arguments], len(each.laps)) for each in results]


def test_it_measures_and_says_so(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--algorithm", "small", "--max-n-algorithms", "1", "--runs", "2", "-k", "5", "--queries", "22"]
    assert main([*given, *chosen]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("10 laps were taken")
    assert "22 queries for 5 neighbours" in captured.err
    assert "the baseline hnswlib is not among them" in captured.err
    assert measured(tmp_path, 5) == [("small", [1, query], 2) for query in (10, 20, 30, 40, 50)]
    result = read_results(tmp_path / "results", "made-8-euclidean", 5, batch=False)[0]
    assert METRICS["strict"].function(result, dataset_file(tmp_path)[0]) == 1.0
    assert (result.neighbors.shape, result.lap_seconds) == ((22, 5), 5.0)
    assert main([*given, *chosen]) == 0
    assert capsys.readouterr().out.startswith("0 laps were taken")


def test_a_smoke_run_takes_the_ends_and_a_failure_is_the_status(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*given, "--smoke", "--run-disabled", "--algorithm", "small,idle", "--algorithm", "crashing"]) == 1
    assert measured(tmp_path) == [("idle", [], 1), *[("small", [m, query], 1) for m in (1, 2) for query in (10, 50)]]
    assert "failed: crashing[]: its process ended: signal SIGSEGV" in capsys.readouterr().out


def test_algorithms_are_listed(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*given, "--list-algorithms"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "small      10 settings  can run here",
        "crashing    1 settings  can run here",
    ]


def test_a_list_needs_no_data_set(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["run", "--definitions", str(tmp_path / "small.yml"), "--data", str(tmp_path / "none"), "--list-algorithms"]
    for more, names in (
        ([], ["small", "crashing", "absent"]),
        (["--dataset", "nothing-there-20-angular"], ["small", "crashing", "absent"]),
        (["--dataset", str(tmp_path / "gone-20-dot.hdf5")], ["small", "crashing"]),
        (["--algorithm", "absent"], ["absent"]),
    ):
        assert main([*here, *more]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[:2] for line in lines] == [[name, "10" if name == "small" else "1"] for name in names]
    assert not (tmp_path / "none").exists()


def test_what_is_absent_is_a_failure_only_where_it_was_named(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"""
float:
  any:
    - {{name: gone, module: {MODULE}, constructor: Absent, run_groups: {{one: {{args: []}}}}}}
    - {{name: twin, module: {MODULE}, constructor: Exact, batch_only: true, run_groups: {{one: {{args: []}}}}}}
    - {{name: there, module: {MODULE}, constructor: Exact, run_groups: {{one: {{args: []}}}}}}
"""
    (tmp_path / "small.yml").write_text(text)
    short = [*given, "--runs", "1"]
    assert main(short) == 0
    assert "left out: gone: numpy: No module" in capsys.readouterr().out
    assert [name for name, _, _ in measured(tmp_path)] == ["there"]
    assert main([*short, "--list-algorithms"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["gone", "twin", "there"]
    assert main([*short, "--algorithm", "there,gone"]) == 1
    assert main([*short, "--algorithm", "twin"]) == 0
    assert [name for name, _, _ in measured(tmp_path)] == ["there", "twin"]


def test_workloads_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--list-workloads"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[:2] == ["search", "batch"]
    assert {"ingest", "mixed", "runbook", "cold-start", "concurrency", "filtered"} <= set(names)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--count", "0"], "--count: expected at least 1, received 0"),
        (["--count", "21"], "knows 20 neighbours of a query, received 21"),
        (["--lap-seconds", "0"], "--lap-seconds: expected at least"),
        (["--timeout", "nan"], "--timeout: expected at least"),
        (["--threads", "0"], "--threads: expected at least 1, received 0"),
        (["--queries", "-1"], "--queries: expected at least 1"),
        (["--algorithm", "nothing"], "no algorithm nothing"),
        (["--algorithm", "idle"], "no algorithm is left"),
        (["--workload", "nothing"], "expected a workload among"),
        (["--workload", "ingest", "--option", "rows"], "--option: expected NAME=VALUE, received 'rows'"),
        (["--workload", "ingest", "--option", "nothing=1"], "received nothing"),
        (["--workload", "ingest", "--batch"], "--batch: the workload 'ingest' has none"),
        (["--option", "rows=1"], "the workload 'search' has none"),
    ],
)
def test_mistakes_are_said(given: list[str], capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert main([*given, *more]) == 1
    error = capsys.readouterr().err
    assert error.startswith("vecdb-bench run: ")
    assert said in error
