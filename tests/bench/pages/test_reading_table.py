"""Readings of a workload as a table."""

from __future__ import annotations

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
