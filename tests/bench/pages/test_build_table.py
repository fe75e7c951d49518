"""How each index was built."""

from __future__ import annotations

from tests.bench.pages.made_results import curve, made_dataset, made_result
from vecdb.bench.pages.build_table import build_table
from vecdb.bench.pages.points import measured


def test_a_row_for_each_build_with_all_it_was_asked_with() -> None:
    results = [
        *curve("hnswlib", 100),
        made_result("vecdb-flat", 1.0, 5, arguments=(), query_arguments=(), reported_index_bytes=2_000_000),
    ]
    table = build_table(measured(results, made_dataset()))
    assert [list(row) for row in table.rows] == [
        ["vecdb-flat", "", "", "vecdb 1.2.3, numpy 2.0", "2", "10.0", "19.0", "50.0", "2.00", "90.0", "95.0"],
        [
            "hnswlib",
            "euclidean, m=16",
            "900; 950; 990; 999",
            "hnswlib 1.2.3, numpy 2.0",
            *["2", "10.0", "19.0", "50.0", "-", "90.0", "95.0"],
        ],
    ]
    assert table.emphasised == {0}
