"""What the pages point to is there: links, and files named by their path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)#:]+)\)")
NAMED_FILE = re.compile(r"`((?:vecdb|native|proto|client|server|bench|demo|tests|docs)/[\w/*.-]*)`")


def test_there_are_pages() -> None:
    assert {page.name for page in PAGES} >= {"README.md", "ARCHITECTURE.md", "filters.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_are_there(page: Path) -> None:
    names = [name.rstrip("/") for name in NAMED_FILE.findall(page.read_text())]
    assert [name for name in names if not list(ROOT.glob(name))] == []
