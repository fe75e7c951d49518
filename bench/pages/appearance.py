"""How a curve looks: colours that differ in grey and for the colour-blind, markers and dashes that differ without."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Eight colours for a white page and for a black one. For normal sight, protanopia, deuteranopia and tritanopia alike
# any two are at least 21 apart in CIELAB, and in grey each differs from each by at least 6 in lightness.
LIGHT: Final = ("#152214", "#a49900", "#303b97", "#74a9f8", "#4a254f", "#007d57", "#804f16", "#c959a5")
DARK: Final = ("#fbebef", "#b3d600", "#615cdb", "#0b8d9b", "#a58f63", "#a0ef84", "#e29040", "#ec9bdf")
# An odd number of markers: colour and marker come together again after 88 curves.
MARKERS: Final = ("o", "s", "^", "D", "v", "X", "P", "<", "p", ">", "*")
DASHES: Final = ("-", "--", "-.", ":")
OURS: Final = "vecdb"


@dataclass(frozen=True, slots=True)
class Appearance:
    """How one algorithm is drawn on every plot of a page."""

    color: str  # of LIGHT
    dark_color: str  # the same place of DARK
    marker: str
    dash: str
    hollow: bool  # the marker is an outline: every second eight of the curves
    width: float  # of the line, in points


def is_ours(algorithm: str) -> bool:
    """Whether an algorithm is vecdb's own and not a peer."""
    return algorithm == OURS or algorithm.startswith(f"{OURS}-")


def appearances(algorithms: Iterable[str]) -> dict[str, Appearance]:
    """The appearance of each algorithm: no two of the first 88 are alike. Ours come first, then by name."""
    names = sorted(set(algorithms), key=lambda name: (not is_ours(name), name))
    return {name: _appearance(place, is_ours(name)) for place, name in enumerate(names)}


def _appearance(place: int, ours: bool) -> Appearance:
    cycle, color = divmod(place, len(LIGHT))
    return Appearance(
        color=LIGHT[color],
        dark_color=DARK[color],
        marker=MARKERS[place % len(MARKERS)],
        dash=DASHES[cycle % len(DASHES)],
        hollow=cycle % 2 == 1,
        width=2.2 if ours else 1.3,
    )
