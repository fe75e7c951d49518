"""The string spelling that the printer gives parses back to an equal expression."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.strategies import any_conditions, expressions
from vecdb import limits
from vecdb.filters import Expression, field, from_dict, has_id, parse_filter, to_dict, to_text
from vecdb.filters.expression import Exists


@settings(max_examples=300, deadline=None)
@given(st.one_of(expressions, any_conditions))
def test_three_spellings_of_one_expression(expression: Expression) -> None:
    plain = from_dict(to_dict(expression))  # And(x) and Or(x) of one operand are x in both spellings
    assert parse_filter(to_text(plain)) == plain == parse_filter(to_dict(plain))
    assert parse_filter(to_text(expression)) == plain


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ((field("a") == 1) & (field("b") != "x"), 'a == 1 and b != "x"'),
        (~((field("a") == 1) | field("b").exists()), "not (a == 1 or b exists)"),
        (~~field("b").is_null(), "not not b is_null"),
        (field("odd name") >= 0.5, "`odd name` >= 0.5"),
        (field("a`b").in_([True]), "`a``b` in [true]"),
        (field("not").all_of([]), "`not` all_of []"),
        (field("datetime") < datetime(2024, 1, 2, tzinfo=UTC), 'datetime < datetime("2024-01-02T00:00:00+00:00")'),
        (has_id([1, "b", UUID(int=0)]), 'has_id(1, "b", uuid("00000000-0000-0000-0000-000000000000"))'),
        (field("t").prefix('"\n'), 't prefix "\\"\\n"'),
        (field("n").between(-1, 0.25), "n between -1 and 0.25"),
    ],
)
def test_canonical_text(expression: Expression, text: str) -> None:
    assert to_text(expression) == text
    assert parse_filter(text) == expression


def test_the_deepest_expression_round_trips() -> None:
    expression: Expression = Exists("a")
    for level in range((limits.FILTER_DEPTH - 1) // 2):
        expression = ~(expression & Exists("b") if level % 2 else expression | Exists("b"))
    assert expression.depth >= limits.FILTER_DEPTH - 1
    assert parse_filter(to_text(expression)) == expression
