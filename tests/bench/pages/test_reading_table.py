"""Readings of a workload as a table."""

from __future__ import annotations

import pytest

from tests.bench.pages.made_results import made_readings
from vecdb.bench.pages.reading_table import reading_table


def test_more_measurements_than_algorithms_go_down_the_page() -> None:
    table = reading_table(
        [
            made_readings("hnswlib", {"rows": [100, 120, 110], "bytes": [8, 8, 8]}),
            made_readings("vecdb-hnsw", {"rows": [200, 240, 220], "other": [1]}),
        ]
    )
    assert list(table.headings) == ["measurement", "unit", "better", "vecdb-hnsw", "hnswlib"]
    assert [list(row) for row in table.rows] == [
        ["rows", "u", "more", "220 ±9% (2.00)", "110 ±9%"],
        ["other", "u", "more", "1.00", "-"],
        ["bytes", "u", "more", "-", "8.00"],
    ]
    assert table.title == "Workload ingest"
    assert table.text_columns == 3


def test_more_algorithms_than_measurements_go_down_the_page() -> None:
    table = reading_table([made_readings(name, {"x": [value]}) for name, value in (("hnswlib", 2), ("vecdb-flat", 1))])
    assert list(table.headings) == ["algorithm", "x (u, more is better)"]
    assert [list(row) for row in table.rows] == [["vecdb-flat", "1.00 (0.5)"], ["hnswlib", "2.00"]]
    assert table.emphasised == {0}


def test_ratios_are_to_the_baseline_with_the_same_query_arguments() -> None:
    table = reading_table(
        [
            made_readings("hnswlib", {"x": [10]}, query_arguments=(10,)),
            made_readings("hnswlib", {"x": [20]}, query_arguments=(20,)),
            made_readings("faiss", {"x": [40]}, query_arguments=(20,)),
            made_readings("faiss", {"x": [40]}, query_arguments=(99,)),
        ]
    )
    assert [list(row) for row in table.rows] == [
        ["faiss 20", "40.0 (2.00)"],
        ["faiss 99", "40.0 (4.00)"],
        ["hnswlib 10", "10.0"],
        ["hnswlib 20", "20.0"],
    ]


def test_ratios_are_to_the_baseline_with_the_same_options() -> None:
    table = reading_table(
        [
            made_readings("hnswlib", {"x": [10]}, options={"batch": "1"}),
            made_readings("hnswlib", {"x": [20]}, options={"batch": "500"}),
            made_readings("faiss", {"x": [40]}, options={"batch": "500"}),
            made_readings("faiss", {"x": [40]}, options={"batch": "9"}),
        ]
    )
    assert [list(row) for row in table.rows] == [
        ["faiss batch=500", "40.0 (2.00)"],
        ["faiss batch=9", "40.0"],
        ["hnswlib batch=1", "10.0"],
        ["hnswlib batch=500", "20.0"],
    ]
    assert table.title == "Workload ingest"


def test_options_that_all_have_are_in_the_title() -> None:
    table = reading_table([made_readings(name, {"x": [1]}, options={"batch": "500"}) for name in ("a", "b")])
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert table.title == "Workload ingest, batch=500"


def test_readings_of_two_builds_are_told_apart() -> None:
    """Neither is compared with the other: both are the baseline's."""
    builds = [("euclidean", {"m": 8}), ("euclidean", {"m": 32})]
    made = [
        made_readings("hnswlib", {"x": [value]}, arguments=build) for value, build in zip((1, 2), builds, strict=True)
    ]
    faiss = made_readings("faiss", {"x": [8]}, arguments=builds[1])
    assert [list(row) for row in reading_table([*made, faiss]).rows] == [
        ["faiss", "8.00 (4.00)"],
        ["hnswlib euclidean, m=8", "1.00"],
        ["hnswlib euclidean, m=32", "2.00"],
    ]


@pytest.mark.parametrize(
    ("speed", "recall"),
    [
        ("queries", "recall"),
        ("queries", "recall, mean of the steps"),
        ("near 1%: queries", "near 1%: recall"),
        ("near 1%: p99", "near 1%: recall"),
        ("near 1%: CPU a query", "near 1%: recall"),
        ("1 client: queries", "8 clients: recall"),
    ],
)
def test_a_search_that_found_less_has_no_ratio_of_its_speed(speed: str, recall: str) -> None:
    theirs = made_readings("hnswlib", {speed: [100], recall: [0.99], "rows": [1]})
    less = made_readings("a", {speed: [300], recall: [0.9], "rows": [3]})
    enough = made_readings("b", {speed: [200], recall: [0.975], "rows": [3]})
    table = reading_table([theirs, less, enough])
    cells = {row[0]: list(row[1:]) for row in table.rows}
    assert cells["a"] == ["300 (recall .9000, not .9900)", "0.9 (0.909)", "3.00 (3.00)"]
    assert cells["b"] == ["200 (2.00)", "0.975 (0.985)", "3.00 (3.00)"]


def test_the_recall_of_another_condition_says_nothing() -> None:
    names = ("far 1%: queries", "near 1%: recall", "near 5%: recall")
    made = [made_readings("hnswlib", dict(zip(names, ([1], [1], [1]), strict=True)))]
    made.append(made_readings("a", dict(zip(names, ([3], [0.5], [0.5]), strict=True))))
    assert next(row for row in reading_table(made).rows if row[0] in ("a", names[0])) == [
        names[0],
        "u",
        "more",
        "3.00 (3.00)",
        "1.00",
    ]


def test_another_session_is_marked() -> None:
    table = reading_table([made_readings("hnswlib", {"x": [1]}), made_readings("a", {"x": [3]}, session="two")])
    assert [row[0] for row in table.rows] == ["a *", "hnswlib"]
    assert "not in one session" in table.notes[-1]


def test_another_baseline_may_be_named() -> None:
    table = reading_table([made_readings("hnswlib", {"x": [1]}), made_readings("a", {"x": [4]})], "a")
    assert [row[1] for row in table.rows] == ["4.00", "1.00 (0.25)"]
    assert table.notes[0].endswith("by the figure of a.")


def test_a_figure_of_zero_has_no_ratio() -> None:
    table = reading_table([made_readings("hnswlib", {"x": [0]}), made_readings("a", {"x": [3]})])
    assert [row[1] for row in table.rows] == ["3.00", "0"]
