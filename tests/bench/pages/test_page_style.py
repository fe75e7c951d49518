"""The style sheet."""

from __future__ import annotations

from vecdb.bench.pages.page_style import style_sheet


def test_braces_are_balanced_and_nothing_is_left_to_fill_in() -> None:
    sheet = style_sheet()
    depth = 0
    for character in sheet:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert "SERIES" not in sheet
