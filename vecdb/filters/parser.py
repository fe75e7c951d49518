"""Filters from any of the three spellings; the string one is read here.

    lang == "en" and (year >= 2020 or not tags any_of ["draft", 'spam'])
    year between 2020 and 2024 and author.name prefix "Ad" and place exists and note is_null
    has_id(1, "b", uuid("...")) or published > datetime("2024-01-02") or `odd name` not in [1, 2]

`not` binds closer than `and`, `and` closer than `or`. Text is in ' or " with the escapes of JSON; numbers are JSON's;
true and false. Values may come from outside as $name: where=("year > $year and lang in $langs", {"year": 2020, "langs":
["en"]}); a value so passed is never read as text of the filter. Field names are letters, digits, _ and - with dots
between, any others stand in backticks, a backtick itself doubled. FilterError names the character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn, cast
from uuid import UUID

import orjson

from vecdb import limits
from vecdb.errors import FilterError, brief
from vecdb.filters.dictionary import from_dict
from vecdb.filters.expression import (
    OPERATORS,
    AllOf,
    And,
    AnyOf,
    Between,
    Compare,
    Exists,
    Expression,
    Field,
    HasId,
    IsNull,
    NoneOf,
    Not,
    Operator,
    Or,
    Prefix,
)

Where = Expression | Mapping[str, Any] | str | tuple[str, Mapping[str, Any]]

KEYWORDS: Final = frozenset(
    "and or not in between exists is_null prefix any_of all_of none_of has_id uuid datetime true false null".split()
)


def parse_filter(where: Where) -> Expression:
    """The expression of any spelling: an expression itself, a dict, a string, or a string with its parameters."""
    match where:
        case Expression():
            return where
        case str():
            return parse_text(where, {})
        case Mapping():
            return from_dict(where)
        case (str() as text, Mapping() as parameters):
            return parse_text(text, parameters)
    hint = "; compare the field with something" if isinstance(where, Field) else ""
    reason = f"expected an expression, a dict, a string or (string, parameters), received {brief(where)}{hint}"
    raise FilterError(position="", reason=reason)


def parse_text(text: str, parameters: Mapping[str, Any]) -> Expression:
    """The expression of the string spelling; every parameter must be used, and every $name be given."""
    if len(text) > limits.FILTER_BYTES:
        raise FilterError(position=0, reason=f"more than {limits.FILTER_BYTES} characters; pass values as parameters")
    return _Parser(text, parameters).parse()


_NESTING_MAXIMUM: Final = 4 * limits.FILTER_DEPTH  # parentheses and nots; more of them than levels is harmless, up to here
_NUMBER_CHARACTERS_MAXIMUM: Final = 400  # any float written out in full; longer digits only cost time

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<name>[^\W\d][\w-]*(?:\.[\w-]+)*)
    | (?P<quoted_name>`[^`]*(?:``[^`]*)*`)
    | (?P<text>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<parameter>\$[^\W\d]\w*)
    | (?P<symbol>==|!=|<=|>=|[<>()\[\],])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII.__class__(0),
)
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_ESCAPE: Final = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int
