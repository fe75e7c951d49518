"""Tables for a terminal, as Markdown and as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from vecdb.bench.pages.table import Table

TABLE = Table(
    title="T",
    headings=["name", "figure"],
    rows=[["a|b", "1"], ["<c> *", "1,000"]],
    emphasised=frozenset({1}),
    notes=["* a note"],
)


class Cells(HTMLParser):
    """Collects the text of each tag."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.ours = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append((tag, dict(attrs)))
        self.ours += tag == "tr" and dict(attrs).get("class") == "ours"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1][0], data))


def test_text_columns_are_to_the_left_and_figures_to_the_right() -> None:
    assert TABLE.text().splitlines() == [
        "T",
        "",
        "name   figure",
        "-----  ------",
        "a|b         1",
        "<c> *   1,000",
        "* a note",
    ]


def test_markdown_escapes_what_would_be_markup() -> None:
    assert TABLE.markdown().splitlines() == [
        "**T**",
        "",
        "| name | figure |",
        "| --- | ---: |",
        "| a\\|b | 1 |",
        "| **&lt;c> \\*** | 1,000 |",
        "",
        "- \\* a note",
    ]


def test_html_is_balanced_and_escaped() -> None:
    cells = Cells()
    cells.feed(TABLE.html())
    assert cells.open == []
    assert [text for tag, text in cells.texts if tag == "td"] == ["a|b", "1", "<c> *", "1,000"]
    assert [text for tag, text in cells.texts if tag == "th"] == ["name", "figure"]
    assert ("caption", "T") in cells.texts
    assert ("p", "* a note") in cells.texts
    assert cells.ours == 1


def test_a_table_without_rows_is_its_headings() -> None:
    empty = Table(headings=["a", "b"], rows=[])
    assert empty.text() == "a  b\n-  -"
    assert empty.markdown() == "| a | b |\n| --- | ---: |"
