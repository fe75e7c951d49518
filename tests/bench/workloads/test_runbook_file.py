"""Runbooks as YAML: big-ann-benchmarks' form in and out, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.runbook import FOLDER
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search, read_book, write_book

BOOK = Book("made", 90, (Insert(5, 95), Search(), Delete(5, 15), Replace(20, 30, 95, 105), Insert(0, 5), Search()))


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_of_theirs_is_read(tmp_path: Path) -> None:
    text = """
random-xs:
  max_pts: 10000
  1:
    operation: "insert"
    start: 0
    end: 10000
  2:
    operation: "search"
  3:
    operation: "delete"
    start: 0
    end: 5000
  gt_url: "https://example.org/truth"
msturing-10M-clustered:
  1: {operation: insert, start: 0, end: 184033}
  2:
    ids_end: 216756
    ids_start: 184033
    operation: replace
    tags_end: 32723
    tags_start: 0
  max_pts: 7191263
"""
    path = write(tmp_path / "theirs.yaml", text)
    assert read_book(path, "random-xs") == Book("random-xs", 10000, (Insert(0, 10000), Search(), Delete(0, 5000)))
    book = read_book(path, "msturing-10M-clustered")
    assert book.steps == (Insert(0, 184033), Replace(0, 32723, 184033, 216756))
    assert (book.rows_needed, book.numbers) == (216756, 184033)
    with pytest.raises(Mistake, match="expected a runbook for other, received those for random-xs, msturing"):
        read_book(path, "other")


def test_what_is_written_is_what_they_read(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    write_book(path, BOOK)
    assert read_book(path, "made") == BOOK
    assert read_book(path, "a file with one runbook serves any data") == BOOK
    # As their load_runbook walks it: numbers from 1 on until one is missing.
    entries = yaml.safe_load(path.read_text())["made"]
    assert entries["max_pts"] == 90
    assert [entries[number]["operation"] for number in range(1, 7)] == [
        "insert",
        "search",
        "delete",
        "replace",
        "insert",
        "search",
    ]
    assert 7 not in entries
    assert entries[4] == {"operation": "replace", "tags_start": 20, "tags_end": 30, "ids_start": 95, "ids_end": 105}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1",
        "a: 5",
        "a: {max_pts: 5}",
        "a: {max_pts: 5, 1: {operation: search}}",
        "a: {1: {operation: insert, start: 0, end: 5}}",
        "a: {max_pts: 5, 1: {operation: insert, start: 0}}",
        "a: {max_pts: 5, 1: {operation: insert, start: 0, end: x}}",
        "a: {max_pts: 5, 1: {operation: insert, start: 5, end: 5}}",
        "a: {max_pts: 5, 1: {operation: insert, start: -1, end: 5}}",
        "a: {max_pts: 5, 1: {operation: insert, start: 0, end: 5}, 3: {operation: search}}",
        "a: {max_pts: 5, 1: {operation: insert, start: 0, end: 5}, 2: {operation: upsert}}",
        "a: {max_pts: 5, 1: {operation: insert, start: 0, end: 5}, 2: search}",
        "a: {max_pts: 5, 1: {operation: insert, start: 0, end: 5},"
        " 2: {operation: replace, tags_start: 0, tags_end: 2, ids_start: 2, ids_end: 5}}",
        "a: [",
    ],
)
def test_what_is_no_runbook_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Mistake, match=r"expected|no such rows"):
        read_book(write(tmp_path / "book.yaml", text), "a")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"nothing\.yaml"):
        read_book(tmp_path / "nothing.yaml", "a")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_runbooks_are_right(path: Path) -> None:
    names = yaml.safe_load(path.read_text())
    assert names
    for name in names:
        book = read_book(path, name)
        assert book.dataset == name
        there: set[int] = set()
        most = 0
        for step in book.steps:
            if isinstance(step, Insert):
                assert not there & set(range(step.start, step.end))
                there |= set(range(step.start, step.end))
            elif isinstance(step, Delete):
                assert there >= set(range(step.start, step.end))
                there -= set(range(step.start, step.end))
            elif isinstance(step, Replace):
                assert there >= set(range(step.tags_start, step.tags_end))
            most = max(most, len(there))
        assert most == book.rows_maximum
