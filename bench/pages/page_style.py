"""The style sheet of the HTML report: system fonts, light and dark, readable on paper too."""

from __future__ import annotations

from collections.abc import Sequence

from vecdb.bench.pages.appearance import DARK, LIGHT

RULES = """
:root { color-scheme: light dark; --ink: #202428; --faint: #5d666f; --grid: #d9dde1; --page: #ffffff; --band: #f3f5f7;
  --mark: #e6eefb; SERIES_LIGHT }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --faint: #a0a8b0; --grid: #353b42; --page: #14171a;
  --band: #1d2126; --mark: #202c40; SERIES_DARK } }
@media print { details { display: block } .scroll { overflow: visible } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
h1 { font-size: 1.7rem; margin: 0 0 .3rem } h2 { font-size: 1.3rem; margin: 2.6rem 0 .4rem;
  border-top: 1px solid var(--grid); padding-top: 1.4rem } h3 { font-size: 1.05rem; margin: 1.8rem 0 .4rem }
p { margin: .4rem 0 } .note { color: var(--faint); font-size: .87rem; max-width: 60rem }
a { color: inherit }
nav a { margin-right: 1.2rem }
figure { margin: 1rem 0 } figure svg { width: 100%; height: auto; font-family: inherit }
.series { transition: opacity .1s } figure svg:has(.series:hover) .series:not(:hover) { opacity: .15 }
.scroll { overflow-x: auto; margin: .8rem 0 }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem }
th, td { text-align: left; padding: .22rem .6rem; border-bottom: 1px solid var(--grid); max-width: 24rem }
td.figure, td:first-child { white-space: nowrap } td { overflow-wrap: anywhere; min-width: 4rem }
th { background: var(--band); vertical-align: bottom } th.figure, td.figure { text-align: right }
tr.ours td { background: var(--mark); font-weight: 600 }
summary { cursor: pointer; margin: .8rem 0; color: var(--faint) }
pre { background: var(--band); padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere;
  font-size: .84rem }
"""


def style_sheet() -> str:
    """CSS for the page; it sets the variables that inline_svg's figures take their colours from."""
    return RULES.replace("SERIES_LIGHT", _series(LIGHT)).replace("SERIES_DARK", _series(DARK)).strip()


def _series(colors: Sequence[str]) -> str:
    return " ".join(f"--series-{place}: {color};" for place, color in enumerate(colors))
