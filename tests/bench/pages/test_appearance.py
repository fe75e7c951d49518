"""No two curves look alike, in colour, in grey and to the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from vecdb.bench.pages.appearance import DARK, LIGHT, appearances, is_ours

# Machado, Oliveira and Fernandes 2009: linear RGB as it is seen, at full severity.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> npt.NDArray[np.float64]:
    channels = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.asarray(np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4))


def cielab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """L, a, b under D65."""
    parts = XYZ @ rgb / np.array([0.9505, 1.0, 1.089])
    bent = np.where(parts > 0.008856, np.cbrt(parts), 7.787 * parts + 16 / 116)
    return np.array([116 * bent[1] - 16, 500 * (bent[0] - bent[1]), 200 * (bent[1] - bent[2])])


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_colors_differ_to_everyone(palette: tuple[str, ...], sight: str) -> None:
    seen = [cielab(np.clip(SIGHTS[sight] @ linear(color), 0, 1)) for color in palette]
    apart = {
        (one, other): float(np.linalg.norm(seen[one] - seen[other]))
        for one, other in combinations(range(len(palette)), 2)
    }
    assert min(apart.values()) >= 21, min(apart.items(), key=lambda pair: pair[1])


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colors_differ_in_grey(palette: tuple[str, ...]) -> None:
    lightness = sorted(float(cielab(linear(color))[0]) for color in palette)
    assert np.diff(lightness).min() >= 6, lightness


@pytest.mark.parametrize(("palette", "page"), [(LIGHT, "#ffffff"), (DARK, "#14171a")], ids=["light", "dark"])
def test_colors_stand_out_of_their_page(palette: tuple[str, ...], page: str) -> None:
    luminance = {color: float(XYZ[1] @ linear(color)) + 0.05 for color in (*palette, page)}
    contrast = {color: luminance[color] / luminance[page] for color in palette}
    assert min(max(each, 1 / each) for each in contrast.values()) >= 2.3, contrast


def test_88_curves_all_differ_without_color() -> None:
    looks = appearances(f"algorithm-{number:02}" for number in range(88))
    assert len(looks) == 88
    assert len({(look.color, look.marker) for look in looks.values()}) == 88
    of_one_cycle = list(looks.values())[:8]
    assert len({look.marker for look in of_one_cycle}) == 8


def test_curves_of_one_color_differ_in_marker_and_dash_or_fill() -> None:
    looks = list(appearances(f"algorithm-{number:02}" for number in range(32)).values())
    for one, other in combinations(looks, 2):
        if one.color == other.color:
            assert one.marker != other.marker
            assert (one.dash, one.hollow) != (other.dash, other.hollow)


def test_an_appearance_does_not_depend_on_the_order_of_names() -> None:
    assert appearances(["b", "vecdb-hnsw", "a"]) == appearances(["a", "a", "b", "vecdb-hnsw"])


def test_ours_come_first_with_thick_lines() -> None:
    looks = appearances(["hnswlib", "vecdb-hnsw", "vecdbx"])
    assert next(iter(looks)) == "vecdb-hnsw"
    assert looks["vecdb-hnsw"].color == LIGHT[0]
    assert looks["vecdb-hnsw"].width > looks["hnswlib"].width == looks["vecdbx"].width


@pytest.mark.parametrize(
    ("name", "ours"), [("vecdb", True), ("vecdb-flat", True), ("vecdbx", False), ("hnswlib", False)]
)
def test_what_is_ours(name: str, ours: bool) -> None:
    assert is_ours(name) is ours
