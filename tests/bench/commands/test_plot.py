"""`vecdb-bench plot`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_result, write_made
from vecdb.bench.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_made(tmp_path, [*curve("hnswlib", 100), *curve("b", 50), made_result("b", 0.9, 9, batch=True)])


def test_without_options_the_plot_lies_beside_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot"]) == 0
    assert capsys.readouterr().out == "results/made-20-euclidean-10.png\n"
    assert Path("results/made-20-euclidean-10.png").read_bytes().startswith(b"\x89PNG")


def test_the_flags_of_ann_benchmarks() -> None:
    words = "--dataset made-20-euclidean --count 10 -x epsilon -y p99 -X logit -Y symlog -o o/p.svg --raw".split()
    assert main(["plot", *words]) == 0
    text = Path("o/p.svg").read_text()
    assert "<svg" in text
    assert 'id="series-b"' in text


def test_batches_have_a_plot_of_their_own() -> None:
    assert main(["plot", "--batch"]) == 0
    assert Path("results/made-20-euclidean-10-batch.png").exists()


def test_some_algorithms_only() -> None:
    assert main(["plot", "--algorithm", "b", "-o", "p.svg"]) == 0
    text = Path("p.svg").read_text()
    assert 'id="series-b"' in text
    assert 'id="series-hnswlib"' not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-X", "cubic"], "expected a scale among"),
        (["--algorithm", "nobody"], "no results of nobody"),
        (["-o", "p.doc"], "expected an ending among"),
        (["--count", "3"], "has no results"),
    ],
)
def test_mistakes_are_said_in_a_sentence(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", *words]) == 1
    assert message in capsys.readouterr().err


def test_no_batches_are_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_made(tmp_path / "other", [made_result("a", 0.9, 9)])
    words = ["--results", str(folder / "results"), "--data", str(folder / "data")]
    assert main(["plot", "--batch", *words]) == 1
    assert "there are no results of batches" in capsys.readouterr().err
