"""The policies of background work are plain functions of numbers."""

from __future__ import annotations

import pytest

from vecdb.collection.checkpoint import index_is_due
from vecdb.collection.upkeep import audit_is_due, curve_is_due, healing_is_due, index_is_worth_it


@pytest.mark.parametrize(
    ("dead", "live", "waited", "due"),
    [
        (1, 10, 0.0, False),
        (1, 10, 5.0, True),
        (256, 1000, 0.0, True),
        (256, 100_000, 0.0, False),
        (2000, 100_000, 0.0, True),
    ],
)
def test_healing(dead: int, live: int, waited: float, due: bool) -> None:
    assert healing_is_due(dead, live, waited) is due


@pytest.mark.parametrize(
    ("inserted", "since", "due"), [(0, 1000.0, False), (1, 29.0, False), (1, 30.0, True), (10**6, 1.0, False)]
)
def test_audit(inserted: int, since: float, due: bool) -> None:
    assert audit_is_due(inserted, since) is due


@pytest.mark.parametrize(
    ("indexed", "measured", "changed", "due"),
    [
        (100, 0, 0, False),
        (100, 0, 1000, False),
        (2000, 0, 0, True),
        (2000, 1900, 100, False),
        (2000, 1000, 1000, True),
        (2000, 4000, 2000, True),
        (2000, 2000, 799, False),
        (2000, 2000, 800, True),
    ],
)
def test_curve(indexed: int, measured: int, changed: int, due: bool) -> None:
    assert curve_is_due(indexed, measured, changed) is due


@pytest.mark.parametrize(
    ("rows", "changed", "waiting", "due"),
    [(0, 0, 0, False), (1000, 100, 0, False), (1000, 251, 0, True), (1000, 0, 101, True), (0, 1, 0, True)],
)
def test_a_new_index_file(rows: int, changed: int, waiting: int, due: bool) -> None:
    assert index_is_due(rows, changed, waiting) is due


def test_small_collections_have_no_index() -> None:
    assert not index_is_worth_it(1000)
    assert index_is_worth_it(1024)
