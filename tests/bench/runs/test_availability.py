"""Which algorithms can run here is found out without harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.runs.small_run import MODULE, definition
from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.runs.availability import availability


def test_a_library_that_ends_its_process_does_not_end_the_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "illegal_instruction.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.syspath_prepend(tmp_path)
    reasons = availability(
        [
            definition("Exact"),
            Definition("illegal", "illegal_instruction", "Index", (), ()),
            Definition("missing", "a_library_that_is_not_there", "Index", (), ()),
            Definition("wrong", MODULE, "NothingOfTheKind", (), ()),
            definition("Exact", name="last"),
        ]
    )
    assert reasons["exact"] is None
    assert reasons["illegal"] == "its process ended: signal SIGILL"
    assert "a_library_that_is_not_there" in (reasons["missing"] or "")
    assert "NothingOfTheKind" in (reasons["wrong"] or "")
    assert reasons["last"] is None
