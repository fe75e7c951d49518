"""`vecdb-bench report`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_result, write_made, write_made_dataset
from vecdb.bench.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_made(tmp_path, [*curve("hnswlib", 100), *curve("b", 50), made_result("b", 0.9, 9, count=5)])


def test_all_counts_are_in_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 0
    assert capsys.readouterr().out == "results/report.html\n"
    page = Path("results/report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<h2>made-20-euclidean, 10 neighbours</h2>" in page
    assert "<h2>made-20-euclidean, 5 neighbours</h2>" in page


def test_all_data_sets_are_in_one_file(folder: Path) -> None:
    write_made_dataset(folder, "other-20-euclidean")
    write_made(folder, [made_result("b", 0.9, 33, dataset="other-20-euclidean")])
    assert main(["report"]) == 0
    page = Path("results/report.html").read_text()
    assert "<h2>made-20-euclidean, 10 neighbours</h2>" in page
    assert "<h2>other-20-euclidean, 10 neighbours</h2>" in page


def test_one_count_with_other_recalls_and_another_baseline() -> None:
    words = "--count 10 --recalls .97 --baseline b --title Mine -o out/page.html".split()
    assert main(["report", *words]) == 0
    page = Path("out/page.html").read_text()
    assert "<title>Mine</title>" in page
    assert ".97 / b" in page
    assert "5 neighbours</h2>" not in page


def test_a_data_set_that_has_no_results_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--count", "3"]) == 1
    assert "no such results" in capsys.readouterr().err
