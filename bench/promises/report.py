"""The tables of a run, on the screen and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from vecdb.bench.promises.reading import Result

FACT_HEADINGS: Final = ("machine", "")
RESULT_HEADINGS: Final = ("measure", "ours", "peer", "ratio", "target")
BEGIN: Final = "<!-- figures: written by vecdb-bench promises --markdown -->"
BEGIN_REMOTE: Final = "<!-- remote figures: written by vecdb-bench promises remote --markdown -->"
BEGIN_GRAPH: Final = "<!-- graph figures: written by vecdb-bench promises graph --markdown -->"
END: Final = "<!-- end of figures -->"


def facts_text(facts: Mapping[str, str]) -> str:
    """The machine's facts as lines for a terminal."""
    return aligned_table(FACT_HEADINGS, list(facts.items()))


def results_text(results: Sequence[Result]) -> str:
    """The results as lines for a terminal."""
    return aligned_table(RESULT_HEADINGS, [result.cells() for result in results])


def write_markdown(path: Path, facts: Mapping[str, str], results: Sequence[Result], begin: str = BEGIN) -> None:
    """Writes both tables to `path`: between the lines `begin` and END if it has them, else at its end."""
    tables = [
        markdown_table(FACT_HEADINGS, list(facts.items())),
        markdown_table(RESULT_HEADINGS, [result.cells() for result in results]),
    ]
    figures = "\n\n".join([begin, *tables, END])
    text = path.read_text() if path.exists() else ""
    before, found, rest = text.partition(begin)
    _, end, after = rest.partition(END)
    if found and end:
        path.write_text(before + figures + after)
    else:
        path.write_text((text.rstrip("\n") + "\n\n" if text else "") + figures + "\n")


def aligned_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest text, with a rule under the headings."""
    widths = [max(len(text) for text in column) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in lines)
