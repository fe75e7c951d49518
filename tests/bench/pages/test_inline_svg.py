"""Figures inside a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from tests.bench.pages.made_results import curve, made_dataset
from vecdb.bench.pages.appearance import LIGHT, appearances
from vecdb.bench.pages.curve_plot import PlotOptions, curve_plot
from vecdb.bench.pages.inline_svg import inline_svg
from vecdb.bench.pages.points import measured

NAMES = [f"algorithm-{number:02}" for number in range(12)]


def svg(prefix: str) -> str:
    points = measured((result for name in NAMES for result in curve(name, 100)), made_dataset())
    return inline_svg(curve_plot(points, PlotOptions(title="a < b"), appearances(NAMES)), prefix)


def test_it_is_well_formed_and_as_wide_as_the_page() -> None:
    root = ElementTree.fromstring(svg("one"))
    assert root.tag == "svg"
    assert "viewBox" in root.attrib
    assert root.attrib.keys().isdisjoint({"width", "height"})


def test_it_has_the_colors_of_the_page() -> None:
    text = svg("one")
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", text)) == set()
    used = set(re.findall(r"var\((--[\w-]+)\)", text))
    assert used == {"--ink", "--grid", "--page", *(f"--series-{place}" for place in range(len(LIGHT)))}


def test_two_figures_share_no_id_and_refer_to_their_own() -> None:
    own: dict[str, set[str]] = {}
    for prefix in ("one", "two"):
        text = svg(prefix)
        own[prefix] = set(re.findall(r'\bid="([^"]+)"', text))
        referred = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
        assert referred
        assert referred <= own[prefix]
    assert own["one"].isdisjoint(own["two"])


def test_each_curve_is_a_series_with_its_name() -> None:
    root = ElementTree.fromstring(svg("one"))
    titles = [group[0].text for group in root.iter("g") if group.get("class") == "series"]
    assert sorted(str(title) for title in titles) == NAMES


def test_text_stays_text() -> None:
    texts = {"".join(element.itertext()) for element in ElementTree.fromstring(svg("one")).iter("text")}
    assert {"Recall", *NAMES} <= texts


def test_the_same_figure_gives_the_same_text() -> None:
    assert svg("one") == svg("one")
