"""docs/filters.md: its examples run and agree, and each row of its table is one filter in three spellings."""

from __future__ import annotations

from pathlib import Path

from tests.docs.markdown import ROOT, python_of, run_python, table_after

PAGE = ROOT / "docs" / "filters.md"

BEFORE = """
import numpy as np
import vecdb
docs = vecdb.connect(":memory:").create_collection("docs", dimension=4)
q, langs = np.ones(4), ["en", "fr"]
docs.upsert(
    ids=["old", "new", "foreign"],
    vectors=np.eye(3, 4),
    payloads=[{"lang": "en", "year": 1999}, {"lang": "en", "year": 2020}, {"lang": "de", "year": 2024}],
)
search, found = docs.search, []
class docs:
    def search(*arguments, **options):
        found.append(search(*arguments, **options).ids)
"""

SPELLINGS = """
import json
from datetime import datetime
from uuid import UUID
from vecdb import field, has_id
from vecdb.filters import parse_filter
"""


def test_the_examples_run_and_find_the_same(tmp_path: Path) -> None:
    printed = run_python(BEFORE + python_of(PAGE) + "\nprint(found)", tmp_path)
    assert printed == f"{[['new']] * 4}\n"


def test_the_spellings_of_a_row_are_one_filter(tmp_path: Path) -> None:
    rows = table_after(PAGE, "| means |")
    assert len(rows) > 15
    program = SPELLINGS
    for means, *cells in rows:
        expression, text, dictionary = (cell.strip("`") for cell in cells)
        spellings = f"{{{expression}, parse_filter({text!r}), parse_filter(json.loads({dictionary!r}))}}"
        program += f"assert len({spellings}) == 1, {means!r}\n"
    run_python(program, tmp_path)
