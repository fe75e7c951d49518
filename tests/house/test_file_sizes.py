"""A file is one idea: 400 lines at most."""

from __future__ import annotations

from tests.house.source_tree import ROOT, source_files

LINES_MAXIMUM = 400


def test_files_are_short() -> None:
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in source_files(".py", ".pyi", ".pyx", ".pxd", ".pxi", ".h", ".cpp")
    }
    assert sizes
    assert {path: lines for path, lines in sizes.items() if lines > LINES_MAXIMUM} == {}
