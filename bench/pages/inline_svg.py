"""inline_svg: a figure of matplotlib as a part of an HTML page, in the page's own colours."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from vecdb.bench.pages.appearance import LIGHT
from vecdb.bench.pages.curve_plot import GRID, INK, PAGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def inline_svg(figure: Figure, prefix: str) -> str:
    """The figure as an <svg> for a page with both themes: its colours are CSS variables, its ids begin with `prefix`.

    The variables are --ink, --grid, --page, and --series-0, --series-1, ... by the place of the colour in LIGHT. Each
    curve is a group of the class "series" with its name as its title.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(<g id="[^"]*?-series-([^"]+)")>', r'\1 class="series"><title>\2</title>', svg)
    svg = svg.replace('xlink:href="#', f'href="#{prefix}-').replace("url(#", f"url(#{prefix}-")
    head, end, rest = svg.partition(">")
    head = re.sub(r'\s(width|height|xmlns(:\w+)?|version)="[^"]*"', "", head)  # as wide as the page lets it be
    colors = {color: f"var(--series-{place})" for place, color in enumerate(LIGHT)}
    for color, variable in {**colors, INK: "var(--ink)", GRID: "var(--grid)", PAGE: "var(--page)"}.items():
        rest = rest.replace(color, variable)
    return (head + end + rest).strip()
