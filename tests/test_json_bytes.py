"""JSON by orjson and by the standard library: the same values, the same texts, the same refusals."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vecdb import json_bytes, json_orjson, json_standard

MODULES = [json_orjson, json_standard]
INTEGERS = st.integers(-(2**63), 2**64 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def values(floats: bool = True) -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | INTEGERS | TEXTS
    return st.recursive(
        scalars | FLOATS if floats else scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=12,
    )


def exact(value: Any) -> Any:
    """1, 1.0 and True apart, and both zeros."""
    if isinstance(value, dict):
        return {key: exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [exact(each) for each in value]
    return (type(value), value, math.copysign(1, value)) if isinstance(value, float) else (type(value), value)


def outcome(read: Callable[[Any], Any], text: Any) -> Any:
    try:
        return exact(read(text))
    except ValueError:
        return ValueError


def test_orjson_is_used_where_it_is_installed() -> None:
    assert json_bytes.dumps is json_orjson.dumps


@given(values())
def test_values_come_back_whoever_wrote_and_whoever_reads(value: Any) -> None:
    for writer in MODULES:
        text = writer.dumps(value)
        assert writer.dumps_each([value, value]) == [text, text]
        assert exact(json.loads(text)) == exact(value)
        for reader in MODULES:
            assert exact(reader.loads(text)) == exact(reader.loads(text.decode())) == exact(value)


@given(values(floats=False))
def test_texts_are_the_same_but_for_floats(value: Any) -> None:
    assert json_orjson.dumps(value) == json_standard.dumps(value)


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
def test_many_values_are_many_texts(count: int) -> None:
    many: list[Any] = [{"row": row, "text": "\x1e,", "": [None] * (row % 3)} for row in range(count)]
    for module in MODULES:
        assert module.dumps_each(many) == [module.dumps(each) for each in many]


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        [1.0, -float("inf")],
        2**64,
        [-(2**63) - 1],
        {1: 2},
        {None: 1},
        {"a": [{True: 1}]},
        "\ud800",
        {"\udfff": 1},
        {1, 2},
        b"bytes",
        object(),
        type("Text", (str,), {})("text"),
        type("Number", (int,), {})(5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_json_would_change_or_lose_is_refused(module: Any, value: Any) -> None:
    for given_value in (value, [value], {"a": {"b": [value]}}):
        with pytest.raises(ValueError):
            module.dumps(given_value)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_depth_has_a_bound(module: Any) -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for level in range(depth):
            value = [value] if level % 2 else {"a": value}
        return value

    assert module.loads(module.dumps(nested(200))) == nested(200)
    for depth in (300, 100_000):
        with pytest.raises(ValueError):
            module.dumps(nested(depth))
    with pytest.raises(ValueError):
        module.loads("[" * 100_000 + "]" * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "[1e999]",
        "-1e400",
        "9" * 400,
        "9" * 5000,
        "\ufeff1",
        "",
        " ",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1 2",
        "'a'",
        '"a\tb"',
        '"\\x41"',
        '"\\ud800"',
        '"\\udc00\\ud83d"',
        '{"\\ud800": 1}',
        "\u20281",
        "\x0c1",
        "[1,]",
        '{"a":1,}',
        '{"a"}',
        "{1:2}",
        "tru",
        "[1",
        "/**/1",
        b"\xff",
        b'"\xed\xa0\x80"',
        "1".encode("utf-16"),
        "\ud800",
    ],
    ids=lambda text: repr(text[:12]),
)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_is_not_json_is_refused(module: Any, text: bytes | str) -> None:
    with pytest.raises(ValueError):
        module.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -float(2**63)),
        ("1" * 30, float("1" * 30)),
        ("-0", 0),
        ("-0.0", -0.0),
        ("1E5", 100000.0),
        ("0.1e-400", 0.0),
        (' \t\r\n{"a" : 1, "a":2} ', {"a": 2}),
        ('"\\ud83d\\ude00\\u0000\\/\\b"', "😀\0/\b"),
        ('"\x7f\u2028"', "\x7f\u2028"),
        ('"\\\\ud800"', "\\ud800"),
    ],
)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_edges_are_read_alike(module: Any, text: str, value: Any) -> None:
    assert exact(module.loads(text)) == exact(module.loads(text.encode())) == exact(value)


@given(st.text('0123456789.eE+-[]{},:" \\u\udc00dDnaN', max_size=12))
@example('"\\uD83D\\u0041"')
@example("1e5")
def test_any_text_is_read_alike(text: str) -> None:
    assert outcome(json_orjson.loads, text) == outcome(json_standard.loads, text)
