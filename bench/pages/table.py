"""Table: headings and rows of text, for a terminal, as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many texts as there are headings, and notes below them.

    The first `text_columns` columns are aligned to the left, figures to the right; `emphasised` rows are set off.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    title: str = ""
    notes: Sequence[str] = ()
    emphasised: frozenset[int] = field(default=frozenset())

    def text(self) -> str:
        """Columns as wide as their widest text, with a rule under the headings."""
        widths = [max(len(cell) for cell in column) for column in zip(self.headings, *self.rows, strict=True)]
        lines = [self.headings, ["-" * width for width in widths], *self.rows]
        body = ["  ".join(self._padded(line, widths)).rstrip() for line in lines]
        return "\n".join([*([self.title, ""] if self.title else []), *body, *self.notes])

    def markdown(self) -> str:
        """A pipe table, its title a bold line and its notes a list."""
        rule = ["---" if place < self.text_columns else "---:" for place in range(len(self.headings))]
        rows = [
            [f"**{row[0]}**", *row[1:]] if place in self.emphasised else list(row)
            for place, row in enumerate(self._escaped())
        ]
        heading = [f"**{self.title}**", ""] if self.title else []
        notes = ["", *(f"- {_markdown_escaped(note)}" for note in self.notes)] if self.notes else []
        lines = [list(self.headings), rule, *rows]
        return "\n".join([*heading, *("| " + " | ".join(line) + " |" for line in lines), *notes])

    def html(self) -> str:
        """A <table> that scrolls sideways when it is wider than the page, and a paragraph for each note."""
        head = "".join(self._cell("th", place, text) for place, text in enumerate(self.headings))
        rows = [
            ('<tr class="ours">' if number in self.emphasised else "<tr>")
            + "".join(self._cell("td", place, text) for place, text in enumerate(row))
            + "</tr>"
            for number, row in enumerate(self.rows)
        ]
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        notes = "".join(f'<p class="note">{escape(note)}</p>' for note in self.notes)
        return f'<div class="scroll">{table}</div>{notes}'

    def _padded(self, line: Sequence[str], widths: Sequence[int]) -> list[str]:
        return [
            cell.ljust(width) if place < self.text_columns else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]

    def _cell(self, tag: str, place: int, text: str) -> str:
        kind = "" if place < self.text_columns else ' class="figure"'
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    def _escaped(self) -> list[list[str]]:
        return [[_markdown_escaped(cell) for cell in row] for row in self.rows]


def _markdown_escaped(text: str) -> str:
    """Text as Markdown shows it: bars end a cell, stars at the edge would begin emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")
