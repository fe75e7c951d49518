"""`vecdb-bench compare`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_readings, made_result, write_made, write_made_dataset
from vecdb.bench.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    results = [*curve("hnswlib", 800), *curve("vecdb-hnsw", 1600, session="two"), made_result("b", 0.95, 9, batch=True)]
    return write_made(tmp_path, results, [made_readings("vecdb-hnsw", {"rows": [7.0]})])


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["compare", *words]) == 0
    return capsys.readouterr().out


def test_the_table_is_printed_with_ratios_and_the_warning(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys).splitlines()
    assert lines[0] == "made-20-euclidean: 50 rows, 4 dimensions, 10 neighbours"
    assert next(line for line in lines if line.startswith("vecdb-hnsw ")).split()[1:5] == ["1,600", "800", "400", "200"]
    ratios = next(line for line in lines if line.startswith("vecdb-hnsw *"))
    assert ratios.split()[2:6] == ["2.00"] * 4
    assert lines[-1].startswith("* not in one session")


def test_other_recalls_and_another_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--recalls", ".5,.95", "--baseline", "vecdb-hnsw", "--algorithm", "hnswlib")
    assert ".50 / vecdb-hnsw" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("hnswlib", "vecdb-hnsw"))] == [
        "hnswlib",
        "hnswlib",
    ]
    assert "0.50" in text


def test_markdown_is_written_between_two_comments_and_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.md").write_text("# Speed\n")
    shown(capsys, "--markdown", "page.md")
    first = Path("page.md").read_text()
    shown(capsys, "--markdown", "page.md")
    assert Path("page.md").read_text() == first
    assert first.startswith("# Speed\n\n<!-- figures: written by vecdb-bench compare made-20-euclidean 10 search -->")
    assert "| **vecdb-hnsw** | 1,600 | 800 | 400 | 200 | .9990 | 10.0 | 50.0 |" in first.splitlines()


@pytest.mark.parametrize("words", [["--batch"], ["--workload", "batch"]])
def test_batches(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "b-batch" in shown(capsys, *words)


def test_readings_of_a_workload(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--workload", "ingest", "--markdown", "page.md")
    assert "Workload ingest" in text
    assert "compare made-20-euclidean 10 ingest -->" in Path("page.md").read_text()


def test_a_workload_without_readings_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--workload", "mixed"]) == 1
    assert "expected a workload with readings (ingest), received 'mixed'" in capsys.readouterr().err


def test_without_a_name_every_data_set_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_made_dataset(folder, "other-20-euclidean")
    write_made(folder, [made_result("b", 0.9, 33, dataset="other-20-euclidean")])
    text = shown(capsys, "--markdown", "page.md")
    titles = [line for line in text.splitlines() if "neighbours" in line]
    assert [title.split(":")[0] for title in titles] == ["made-20-euclidean", "other-20-euclidean"]
    page = Path("page.md").read_text()
    assert "compare made-20-euclidean 10 search -->" in page
    assert "compare other-20-euclidean 10 search -->" in page
    only = shown(capsys, "--dataset", "other-20-euclidean")
    assert "made-20-euclidean" not in only
    assert main(["compare", "--workload", "ingest"]) == 0
    read = capsys.readouterr()
    assert "other-20-euclidean" not in read.out
    assert "left out: other-20-euclidean: expected a workload" in read.err
