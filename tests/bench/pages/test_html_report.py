"""The report: one file, well formed, with everything in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.bench.pages.made_results import curve, made_readings, made_result, write_made
from vecdb.bench.pages.appearance import DARK, LIGHT
from vecdb.bench.pages.html_report import html_report
from vecdb.bench.pages.measured_set import MeasuredSet, read_measured_set

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that tags are balanced, and collects ids, references and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src") and value:
                self.links.append(value)


def read(page: str) -> Page:
    parser = Page()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> MeasuredSet:
    results = [
        *curve("hnswlib", [800.0, 820.0]),
        *curve("vecdb-hnsw", 1600, reported_index_bytes=1_000_000),
        *curve("odd", 100, session="two", arguments=("<odd>",), machine={"CPU": "Another", "kernel": "Linux 6"}),
        made_result("hnswlib", 0.95, 5000, batch=True),
    ]
    readings = [made_readings("vecdb-hnsw", {"rows a second": [7.0]}), made_readings("hnswlib", {"rows a second": [8]})]
    folder = write_made(tmp_path_factory.mktemp("report"), results, readings)
    return read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)


@pytest.fixture(scope="module")
def page(found: MeasuredSet) -> str:
    """A report of two sets."""
    return html_report([found, found], title="Mine & yours")


def test_it_needs_nothing_beside_it(page: str) -> None:
    parsed = read(page)
    assert all(link.startswith("#") for link in parsed.links)
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    assert {"script", "link", "img", "iframe"}.isdisjoint(parsed.tags)
    assert not re.search(r"@import|url\((?!#)|https?://", page)


def test_ids_are_unique(page: str) -> None:
    ids = read(page).ids
    assert len(ids) == len(set(ids))


def test_every_variable_is_defined_in_both_themes(page: str) -> None:
    light, dark = page.split("@media (prefers-color-scheme: dark)")
    dark = dark.split("@media print")[0]
    for variable in set(re.findall(r"var\((--[\w-]+)\)", page)):
        assert f"{variable}: " in light
        assert f"{variable}: " in dark
    assert all(color in light for color in LIGHT)
    assert all(color in dark for color in DARK)


def test_it_shows_what_was_measured_and_how(page: str) -> None:
    parsed = read(page)
    for words in (
        "Mine & yours",
        "Measured 2023-11-14",
        "50 rows, 4 dimensions, euclidean distance, 100 queries, the 10 nearest",
        "built with 2 threads, asked from one",
        "p99, best lap",
        "Percentile 99 of a query's time (ms), best lap",
        "more than that thread for a query, CPU time over wall time: hnswlib 1.5, odd 1.5, vecdb-hnsw 1.5.",
        "All queries in one call, 2 threads",
        "Workload ingest",
        "euclidean, m=16",
        "A Processor; Another",
        "Linux 6",
        "not in one session",
        "<odd>",
        "vecdb-bench run --dataset made-20-euclidean --count 10",
        "--batch",
        "Every result (12)",
    ):
        assert words in parsed.text, words
    assert parsed.tags.count("svg") == 12


def test_a_library_that_keeps_to_one_thread_has_no_note(tmp_path: Path) -> None:
    made = made_result("a", 0.9, 100)
    made = replace(made, laps=tuple(replace(lap, cpu_seconds=lap.seconds) for lap in made.laps))
    folder = write_made(tmp_path, [made])
    page = html_report([read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)])
    assert "CPU time over wall time" not in page


def test_a_result_of_a_part_of_the_queries_is_marked(tmp_path: Path) -> None:
    made = made_result("a", 0.9, 100)
    folder = write_made(tmp_path, [replace(made, neighbors=made.neighbors[:40], distances=made.distances[:40])])
    page = html_report([read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)])
    assert page.count("<td>a †</td>") == 3
    assert "† asked only the first" in page


def test_several_sets_have_links_at_the_top(page: str) -> None:
    assert read(page).links[:2] == ["#set0", "#set1"]


def test_a_long_table_of_a_workload_is_folded(tmp_path: Path) -> None:
    folder = write_made(tmp_path, readings=[made_readings("a", {f"x{number}": [1.0] for number in range(31)})])
    found = read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)
    assert "<summary>31 measurements</summary>" in html_report([found])


def test_readings_alone_make_a_report_too(tmp_path: Path) -> None:
    folder = write_made(tmp_path, readings=[made_readings("a", {"x": [1.0]})])
    found = read_measured_set(folder / "results", folder / "data", "made-20-euclidean", 10)
    parsed = read(html_report([found]))
    assert "Workload ingest" in parsed.text
    assert "svg" not in parsed.tags
