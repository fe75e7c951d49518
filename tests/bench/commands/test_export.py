"""`vecdb-bench export`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_readings, write_made
from vecdb.bench.cli import main
from vecdb.bench.results.metrics import METRICS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_made(tmp_path, curve("hnswlib", 100), [made_readings("hnswlib", {"rows": [7.0]})])


def test_csv_goes_to_the_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 5
    assert rows[0].keys() >= METRICS.keys()


def test_json_of_one_workload_into_a_file() -> None:
    assert main(["export", "--format", "json", "--workload", "ingest", "-o", "out/rows.json"]) == 0
    (row,) = json.loads(Path("out/rows.json").read_text())
    assert (row["measurement"], row["value"]) == ("rows", 7.0)


def test_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--format", "markdown", "--workload", "search"]) == 0
    text = capsys.readouterr().out
    assert text.count("\n| search | hnswlib |") == 4
    assert "rows" not in text
