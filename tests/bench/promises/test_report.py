"""The tables as they are printed and written."""

from __future__ import annotations

from pathlib import Path

from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.report import (
    BEGIN,
    BEGIN_REMOTE,
    END,
    aligned_table,
    markdown_table,
    results_text,
    write_markdown,
)

FACTS = {"CPU": "a | b", "memory": "23 GiB"}
RESULTS = [
    Result(measure="short", ours=Reading((1.0,), "s"), target=Target(2, is_floor=False)),
    Result(measure="a longer one", ours=Reading((10.0,), "s"), peer=Reading((20.0,), "s"), peer_name="Faiss"),
]


def test_columns_are_aligned() -> None:
    assert aligned_table(("a", "b"), [("1", "22"), ("333", "4")]) == "a    b\n---  --\n1    22\n333  4"


def test_a_table_without_rows_is_its_headings() -> None:
    assert aligned_table(("a", "b"), []) == "a  b\n-  -"


def test_results_have_the_five_columns() -> None:
    lines = results_text(RESULTS).splitlines()
    assert lines[0].split() == ["measure", "ours", "peer", "ratio", "target"]
    assert lines[2].split("  ")[0] == "short"
    assert lines[3].split() == ["a", "longer", "one", "10", "s", "Faiss", "20", "s", "0.50"]
    assert {line.index(text) for line, text in ((lines[0], "target"), (lines[2], "<= 2 s: met"))} == {
        lines[0].index("target")
    }


def test_bars_are_escaped_in_markdown() -> None:
    assert markdown_table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


def test_a_new_file_holds_the_figures_alone(tmp_path: Path) -> None:
    path = tmp_path / "figures.md"
    write_markdown(path, FACTS, RESULTS)
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == (BEGIN, END)
    assert "| CPU | a \\| b |" in lines
    assert "| a longer one | 10 s | Faiss 20 s | 0.50 |  |" in lines


def test_sections_of_a_page_are_rewritten_each_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Title\n")
    write_markdown(path, FACTS, RESULTS[:1])
    write_markdown(path, FACTS, RESULTS[1:], BEGIN_REMOTE)
    both = path.read_text()
    assert both.startswith(f"# Title\n\n{BEGIN}\n")
    assert (both.count(END), both.count("| short |"), both.count("| a longer one |")) == (2, 1, 1)
    write_markdown(path, FACTS, RESULTS, BEGIN)
    again = path.read_text()
    assert again.partition(BEGIN_REMOTE)[2] == both.partition(BEGIN_REMOTE)[2]
    assert (again.count(END), again.count("| short |"), again.count("| a longer one |")) == (2, 1, 2)


def test_a_page_keeps_what_is_around_the_figures(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Title\n\n{BEGIN}\n\nold\n\n{END}\n\nthe end\n")
    write_markdown(path, FACTS, RESULTS)
    first = path.read_text()
    assert first.startswith(f"# Title\n\n{BEGIN}\n\n| machine |")
    assert first.endswith(f"|\n\n{END}\n\nthe end\n")
    assert "old" not in first
    write_markdown(path, FACTS, RESULTS)
    assert path.read_text() == first
