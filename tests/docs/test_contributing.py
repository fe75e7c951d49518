"""The tiers that ARCHITECTURE and CONTRIBUTING show are those of the imports, the variables those of the tests."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.docs.markdown import ROOT, table_after
from tests.house.test_imports import TIERS

SEED = "VECDB_TEST_SEED"


@pytest.mark.parametrize(
    ("page", "header"), [("ARCHITECTURE.md", "| tier | package |"), ("CONTRIBUTING.md", "| tier | modules |")]
)
def test_the_tiers_are_those_that_are_kept(page: str, header: str) -> None:
    shown: dict[str, int] = {}
    for tier, modules, *_ in table_after(ROOT / page, header):
        for name in re.findall(r"`([\w.]+)`", modules.partition(", which")[0]):
            shown[name if name.partition(".")[0] == "vecdb" else f"vecdb.{name}"] = int(tier)
    assert shown == TIERS


def test_the_variables_are_those_that_tests_read() -> None:
    shown = {name.strip("`"): default for name, default, _ in table_after(ROOT / "CONTRIBUTING.md", "| variable |")}
    assert shown.pop(SEED) == "random"
    read: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name, default in re.findall(r'os\.environ\.get\("(VECDB_\w+)"(?:, "(\w+)")?', path.read_text()):
            read[name].add(default)
    del read[SEED]
    assert {name: {default} for name, default in shown.items()} == read
