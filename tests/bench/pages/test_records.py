"""Exports: every metric of every result, read back by another program."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_readings, made_result, write_made
from vecdb.bench.pages.measured_set import MeasuredSet, read_measured_set
from vecdb.bench.pages.records import as_csv, as_json, as_markdown, records
from vecdb.bench.results.metrics import METRICS


@pytest.fixture
def found(tmp_path: Path) -> MeasuredSet:
    empty = made_result("empty", 0.0, 7.0, batch=True)
    empty.distances[:] = float("inf")
    readings = [made_readings("hnswlib", {"rows": [100.0, 300.0, 200.0], "bytes": [8.0]}, options={"batch": "9"})]
    folder = write_made(tmp_path, [*curve("hnswlib", [100.0, 120.0]), empty], readings)
    return read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)


def test_one_record_for_each_result_and_each_measurement(found: MeasuredSet) -> None:
    rows = records([found])
    assert [row["workload"] for row in rows] == [*["search"] * 4, "batch", *["ingest"] * 2]
    assert all(row.keys() >= METRICS.keys() for row in rows[:5])
    assert rows[-2]["measurement"] == "rows"
    assert (rows[-2]["value"], rows[-2]["low"], rows[-2]["high"]) == (200, 100, 300)


@pytest.mark.parametrize(("workload", "count"), [("search", 4), ("batch", 1), ("ingest", 2), ("mixed", 0)])
def test_one_workload_alone(found: MeasuredSet, workload: str, count: int) -> None:
    assert len(records([found], workload)) == count


def test_json_holds_all_of_it_and_no_infinity(found: MeasuredSet) -> None:
    rows = json.loads(as_json(records([found])), parse_constant=lambda name: pytest.fail(name))
    assert rows[0]["k-nn"] == pytest.approx(0.9)
    assert rows[0]["arguments"] == ["euclidean", {"m": 16}]
    assert (rows[0]["qps-least"], rows[0]["qps-most"]) == pytest.approx((100, 120))
    assert rows[0]["machine"] == {"CPU": "A Processor", "cores": "2"}
    assert rows[0]["started"] == "2023-11-14T22:13:20+00:00"
    assert rows[4]["rel"] is None


def test_csv_has_the_same_in_one_table(found: MeasuredSet) -> None:
    rows = records([found])
    read = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert len(read) == len(rows)
    assert float(read[0]["qps"]) == rows[0]["qps"]
    assert json.loads(read[0]["arguments"]) == ["euclidean", {"m": 16}]
    assert read[0]["measurement"] == ""
    assert (read[-1]["measurement"], read[-1]["qps"]) == ("bytes", "")
    assert json.loads(read[-1]["options"]) == {"batch": "9"}


def test_csv_of_nothing_is_a_line(found: MeasuredSet) -> None:
    assert as_csv(records([found], "mixed")) == "\n"


def test_markdown_has_a_table_of_results_and_one_of_readings(found: MeasuredSet) -> None:
    page = as_markdown([found])
    lines = page.splitlines()
    assert lines[0] == "## made-20-euclidean, 10 neighbours"
    tables = [part.splitlines() for part in page.split("\n\n") if part.startswith("|")]
    assert [len(table) - 2 for table in tables] == [5, 2]
    for table in tables:
        assert len({line.count("|") for line in table}) == 1
    assert all(name in tables[0][0] for name in METRICS)
    assert "p99, best lap" in tables[0][0]
    assert "†" not in page


def test_results_of_a_part_of_the_queries_are_marked(tmp_path: Path) -> None:
    made = made_result("a", 0.9, 100)
    made = replace(made, neighbors=made.neighbors[:40], distances=made.distances[:40])
    folder = write_made(tmp_path, [made, made_result("b", 0.9, 100)])
    found = read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)
    assert [(row["algorithm"], row["asked"], row["queries"]) for row in records([found])] == [
        ("a", 40, 100),
        ("b", 100, 100),
    ]
    page = as_markdown([found])
    assert "| search | a † |" in page
    assert page.count("†") == 2
