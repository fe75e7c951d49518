"""The string spelling: what it reads, where it points when it cannot, and that hostile text costs little."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecdb import limits
from vecdb.errors import FilterError
from vecdb.filters import Expression, field, has_id, parse_filter
from vecdb.filters.expression import Compare, HasId


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ('lang == "en" and year >= 2020', (field("lang") == "en") & (field("year") >= 2020)),
        ("a==1 or b==2 and c==3", (field("a") == 1) | (field("b") == 2) & (field("c") == 3)),
        ("(a==1 or b==2) and c==3", ((field("a") == 1) | (field("b") == 2)) & (field("c") == 3)),
        ("not a==1 and b==2", ~(field("a") == 1) & (field("b") == 2)),
        ("not not a exists", ~~field("a").exists()),
        ("a in [1, 2.5, -3e2, true, 'x']", field("a").in_([1, 2.5, -300.0, True, "x"])),
        ("a in (1, 2)", field("a").in_([1, 2])),
        ("a in []", field("a").in_([])),
        ("a not in ['x']", field("a").not_in(["x"])),
        ("a any_of ['x'] and a none_of [1]", field("a").in_(["x"]) & field("a").not_in([1])),
        ("a all_of ['x', 'y']", field("a").all_of(["x", "y"])),
        ("a between 1 and 2 and b == 3", field("a").between(1, 2) & (field("b") == 3)),
        ("author.name prefix 'Ad'", field("author.name").prefix("Ad")),
        ("a is_null or exists exists", field("a").is_null() | field("exists").exists()),
        ("datetime > datetime('2024-01-02')", field("datetime") > datetime(2024, 1, 2, tzinfo=UTC)),
        ("has_id(1, 'b', uuid('00000000000000000000000000000005'))", has_id([1, "b", UUID(int=5)])),
        ("has_id()", HasId(())),
        ("größe_2-x.3d == 1", field("größe_2-x.3d") == 1),
        ("`and`==1 or `a``b`==2", (field("and") == 1) | (field("a`b") == 2)),
        (r"a == '\'\"\\\/\n\t\r\b\f\u0041\ud83d\ude00'", field("a") == "'\"\\/\n\t\r\b\fA😀"),
        ("\n\ta\r\n==\t1 ", field("a") == 1),
        ("((((a == 1))))", field("a") == 1),
    ],
)
def test_spellings(text: str, expression: Expression) -> None:
    assert parse_filter(text) == expression


def test_an_expression_is_itself_and_a_dict_is_read() -> None:
    expression = field("a") == 1
    assert parse_filter(expression) is expression
    assert parse_filter({"a": 1}) == expression


def test_parameters_are_values_and_never_text() -> None:
    hostile = '" or has_id(1) or a == "'
    assert parse_filter(("a == $x", {"x": hostile})) == Compare("a", "==", hostile)
    where = ("y > $y and lang in $langs and has_id($ids, $one) and d < $d", {"y": 1, "langs": ["a"], "ids": (1, "b")})
    where[1].update({"one": UUID(int=1), "d": datetime(2024, 1, 1)})
    assert parse_filter(where) == (
        (field("y") > 1)
        & field("lang").in_(["a"])
        & has_id([1, "b", UUID(int=1)])
        & (field("d") < datetime(2024, 1, 1))
    )


@pytest.mark.parametrize(
    ("where", "position", "reason"),
    [
        ("", 0, "expected a field, received the end"),
        ("a", 1, "expected an operator"),
        ("a = 1", 2, "write =="),
        ("a ==", 4, "expected a value, received the end"),
        ("a == 1 and", 10, "expected a field"),
        ("a == 1 b == 2", 7, "expected and, or or the end"),
        ("(a == 1", 7, "expected )"),
        ("a == 1)", 6, "expected and, or or the end"),
        ("a == null", 5, "is_null"),
        ("a == b", 5, "expected a value"),
        ("a == 1 && b == 2", 7, "write and"),
        ("a == 1 | b == 2", 7, "write or"),
        ("!a", 0, "write not"),
        ("a LIKE 'x'", 2, "lower case"),
        ("a == 'x", 5, "no end"),
        ("`a == 1", 0, "no end"),
        ("a == 12abc", 5, "no meaning here"),
        ("and == 1", 0, "backticks"),
        ("a..b == 1", 1, "no meaning here"),
        ("`` == 1", 0, "not the name of a field"),
        ("b == 1 or `x[0]` == 1", 10, "not the name of a field"),
        ("a in 1", 5, "expected ["),
        ("a in [1 2]", 8, "expected ,"),
        ("a in [1,]", 8, "expected a value"),
        ("a in [1", 7, "expected ,"),
        ("a not 1", 6, "expected in"),
        ("a between 1 or 2", 12, "expected and"),
        ("a between 1 and 'x'", 10, "one type"),
        ("a < true", 4, "no order"),
        ("a prefix 3", 9, "prefix needs a str"),
        (r"a == 'x\q'", 7, "unknown escape"),
        (r"a == '\ud800'", 5, "surrogate"),
        ("a == 'x\ud800'", 5, "surrogate"),
        ("a == 1e999", 5, "finite"),
        ("a == 18446744073709551616", 5, "64-bit"),
        ("a == " + "9" * 5000, 5, "more than 400 characters"),
        ("a == datetime('x')", 14, "ISO 8601"),
        ("a == datetime(5)", 14, "ISO 8601"),
        ("has_id(uuid('x'))", 12, "UUID"),
        ("has_id(-1)", 0, "0 .. 2**63-1"),
        ("has_id 1", 7, "expected ("),
        ("a == $x", 5, "parameter $x is not given"),
        ("a == $", 5, "needs a name"),
        (("a == 1", {"y": 1}), 6, "does not use: ['y']"),
        (("a == $x", {"x": None}), 5, "is_null"),
        (("a in $x", {"x": 5}), 5, "expected a list for $x"),
        (("a == $x", {"x": [5]}), 5, "in_"),
        (5, "", "expected an expression, a dict, a string"),
        (None, "", "expected an expression"),
        (("a == 1",), "", "expected an expression"),
        (field("a"), "", "compare the field"),
    ],
)
def test_refusals_name_the_character(where: Any, position: int | str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(where)
    assert caught.value.position == position
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000,
        "not " * 250_000,
        "(a == 1 and " * 80_000,
        "a == 1 and " * 90_000,
        "a == 1 or not " * 70_000,
        "a in [" + "1," * 500_000,
        "`" * 1_000_000,
        "`" * 999_999,
        '"' * 1_000_000,
        "a == '" + "\\" * 999_994,
        "a == " + "9" * 1_000_000,
        "a" * 1_000_000,
        "a." * 500_000,
        " " * 1_000_000,
        "-" * 1_000_000,
        "a == 1 " + "x" * limits.FILTER_BYTES,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_megabyte_of_hostile_text_is_refused_soon(text: str) -> None:
    start = time.process_time()
    with pytest.raises(FilterError):
        parse_filter(text)
    assert time.process_time() - start < 5.0  # linear: about a tenth of a second; quadratic would be minutes


def test_redundant_nesting_is_read_up_to_a_bound() -> None:
    assert parse_filter("(" * 64 + "a == 1" + ")" * 64) == (field("a") == 1)
    with pytest.raises(FilterError, match="more than 64 nested"):
        parse_filter("(" * 65 + "a == 1" + ")" * 65)
    with pytest.raises(FilterError, match="nested more than 16 deep"):
        parse_filter("not " * 16 + "a == 1")


def test_siblings_do_not_count_as_nesting() -> None:
    text = " or ".join(["(a == 1)"] * limits.FILTER_CONDITIONS)
    assert parse_filter(text).conditions == limits.FILTER_CONDITIONS
    with pytest.raises(FilterError, match="more than 1024 conditions"):
        parse_filter(text + " or a == 2")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.text("ab.=<>!()[],'\"\\$`-0123 \n"),
        st.lists(
            st.sampled_from(
                [
                    "a",
                    "==",
                    "1",
                    "and",
                    "or",
                    "not",
                    "(",
                    ")",
                    "in",
                    "[",
                    "]",
                    ",",
                    "'x'",
                    "between",
                    "has_id",
                    "exists",
                    "$p",
                ]
            )
        ).map(" ".join),
    )
)
def test_any_text_is_an_expression_or_a_filter_error(text: str) -> None:
    try:
        outcome: Expression | int | str = parse_filter(text)
    except FilterError as error:
        outcome = error.position
    assert isinstance(outcome, Expression) or outcome in range(len(text) + 1)
