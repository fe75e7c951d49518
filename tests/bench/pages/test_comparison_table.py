"""The comparison as it is printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.pages.made_results import curve, made_dataset, made_result
from vecdb.bench.pages.comparison import compare
from vecdb.bench.pages.comparison_table import comparison_tables, recall_text, top_recall_text
from vecdb.bench.pages.points import measured


def test_figures_and_ratios_of_each_index() -> None:
    results = [*curve("hnswlib", 800), *curve("vecdb-hnsw", 1600, session="two"), made_result("low", 0.5, 3)]
    speeds, ratios = comparison_tables(compare(measured(results, made_dataset())))
    assert [list(row) for row in speeds.rows] == [
        ["vecdb-hnsw", "1,600", "800", "400", "200", ".9990", "10.0", "50.0"],
        ["hnswlib", "800", "400", "200", "100", ".9990", "10.0", "50.0"],
        ["low", "-", "-", "-", "-", ".5000", "10.0", "50.0"],
    ]
    assert list(speeds.headings[1:5]) == [".90", ".95", ".99", ".999"]
    assert list(ratios.rows[0]) == ["vecdb-hnsw *", *["2.00"] * 4, "1.00", "1.00", *["2.00"] * 4]
    assert list(ratios.rows[2]) == ["low", *["-"] * 4, "1.00", "1.00", *["-"] * 4]
    assert speeds.emphasised == {0}
    assert ratios.notes[0] == "Best peer at each recall: .90 hnswlib, .95 hnswlib, .99 hnswlib, .999 hnswlib."
    assert len(ratios.notes) == 2


def test_what_asked_a_part_of_the_queries_is_marked_in_both_tables() -> None:
    part = made_result("vecdb-hnsw", 0.95, 10, session="two")
    part = replace(part, neighbors=part.neighbors[:40], distances=part.distances[:40])
    speeds, ratios = comparison_tables(compare(measured([made_result("hnswlib", 0.95, 8), part], made_dataset())))
    assert [row[0] for row in speeds.rows] == ["vecdb-hnsw †", "hnswlib"]
    assert [row[0] for row in ratios.rows] == ["vecdb-hnsw † *", "hnswlib"]


def test_without_a_peer_the_note_says_so() -> None:
    _, ratios = comparison_tables(compare(measured(curve("vecdb-hnsw", 10), made_dataset())))
    assert ratios.notes[0] == "Best peer: none reaches these recalls."


@pytest.mark.parametrize(
    ("recall", "text"), [(0.9, ".90"), (0.95, ".95"), (0.999, ".999"), (0.5, ".50"), (1.0, "1"), (0.9999, ".9999")]
)
def test_recalls_as_headings(recall: float, text: str) -> None:
    assert recall_text(recall) == text


@pytest.mark.parametrize(("recall", "text"), [(1.0, "1"), (0.99999, ".9999"), (0.5, ".5000"), (0.0, ".0000")])
def test_what_missed_anything_is_not_shown_as_one(recall: float, text: str) -> None:
    assert top_recall_text(recall) == text
