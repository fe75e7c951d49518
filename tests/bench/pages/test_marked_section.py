"""Sections of a page that are written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.marked_section import END, begin_line, write_section


def test_a_new_file_is_the_section_alone(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "page.md"
    write_section(path, "compare x", "words\n")
    assert path.read_text() == f"{begin_line('compare x')}\n\nwords\n\n{END}\n"


def test_only_the_own_section_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Title\n")
    write_section(path, "compare a", "old")
    write_section(path, "compare ab", "other")
    path.write_text(path.read_text() + "after\n")
    write_section(path, "compare a", "new")
    assert path.read_text().split("\n") == [
        "# Title",
        "",
        begin_line("compare a"),
        "",
        "new",
        "",
        END,
        "",
        begin_line("compare ab"),
        "",
        "other",
        "",
        END,
        "after",
        "",
    ]


def test_writing_the_same_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("before\n")
    write_section(path, "k", "text")
    first = path.read_text()
    write_section(path, "k", "text")
    assert path.read_text() == first


def test_a_section_without_an_end_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"{begin_line('k')}\nwords of mine\n")
    with pytest.raises(Mistake, match="expected a line"):
        write_section(path, "k", "text")
    assert "words of mine" in path.read_text()
