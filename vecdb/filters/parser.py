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
from typing import Any, Final, cast
from uuid import UUID

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

RESERVED: Final = frozenset(("and", "or", "not", "in", "has_id", "true", "false", "null"))  # no field names unquoted


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
    raise _not_a_filter(where)


def parse_text(text: str, parameters: Mapping[str, Any]) -> Expression:
    """The expression of the string spelling; every parameter must be used, and every $name be given."""
    if len(text) > limits.FILTER_BYTES:
        raise FilterError(position=0, reason=f"more than {limits.FILTER_BYTES} characters; pass values as parameters")
    return _Parser(text, parameters).parse()


_NESTING_MAXIMUM: Final = 4 * limits.FILTER_DEPTH  # of parentheses and nots; redundant ones are harmless up to here
_NUMBER_CHARACTERS_MAXIMUM: Final = 400  # a float written out in full; longer digits only cost time

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_TOKEN: Final = re.compile(
    r"""(?P<name>[^\W\d][\w-]*(?:\.[\w-]+)*)
      | (?P<quoted_name>`[^`]*(?:``[^`]*)*`)
      | (?P<text>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<parameter>\$[^\W\d]\w*)
      | (?P<symbol>==|!=|<=|>=|[<>()\[\],])
      | (?P<end>\Z)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
_HINTS: Final = {
    "=": "write == for equal",
    "!": "write not, or != for unequal",
    "&": "write and",
    "|": "write or",
    "~": "write not",
    '"': "this text has no end",
    "'": "this text has no end",
    "`": "this name has no end",
    "$": "a parameter needs a name",
}
_LISTED: Final[dict[str, type[AnyOf] | type[AllOf] | type[NoneOf]]] = {
    "in": AnyOf,
    "any_of": AnyOf,
    "all_of": AllOf,
    "none_of": NoneOf,
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int

    def is_word(self, word: str) -> bool:
        return self.kind == "name" and self.text == word

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else brief(self.text)


class _Parser:
    """Recursive descent with one token of lookahead; nesting is counted, so no text reaches the interpreter's limit."""

    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self._text = text
        self._parameters = parameters
        self._parameters_used: set[str] = set()
        self._nesting = 0
        self._conditions = 0
        self._token = self._read_token(0)

    def parse(self) -> Expression:
        expression = self._disjunction()
        if self._token.kind != "end":
            raise self._refusal(f"expected and, or or the end, received {self._token}")
        unused = sorted(map(str, self._parameters.keys() - self._parameters_used))
        if unused:
            raise self._refusal(f"parameters that the filter does not use: {brief(unused)}")
        return expression

    def _disjunction(self) -> Expression:
        return self._joined("or", Or, self._conjunction)

    def _conjunction(self) -> Expression:
        return self._joined("and", And, self._unary)

    def _joined(self, word: str, kind: type[And] | type[Or], operand: Callable[[], Expression]) -> Expression:
        start = self._token.position
        operands = [operand()]
        while self._token.is_word(word):
            self._advance()
            operands.append(operand())
        return operands[0] if len(operands) == 1 else _located(start, lambda: kind(tuple(operands)))

    def _unary(self) -> Expression:
        start = self._token
        if start.is_word("not"):
            self._advance()
            operand = self._nested(self._unary)
            return _located(start.position, lambda: Not(operand))
        if self._takes("("):
            expression = self._nested(self._disjunction)
            self._expect(")")
            return expression
        return self._condition()

    def _nested(self, read: Callable[[], Expression]) -> Expression:
        self._nesting += 1
        if self._nesting > _NESTING_MAXIMUM:
            raise self._refusal(f"more than {_NESTING_MAXIMUM} nested parentheses and nots")
        expression = read()
        self._nesting -= 1
        return expression

    def _condition(self) -> Expression:
        self._conditions += 1
        if self._conditions > limits.FILTER_CONDITIONS:
            raise self._refusal(f"more than {limits.FILTER_CONDITIONS} conditions")
        start = self._token
        if start.is_word("has_id"):
            self._advance()
            ids = self._values("(", ")", self._id)
            return _located(start.position, lambda: HasId(tuple(ids)))
        name = self._name()
        operator = self._token
        self._advance()
        if operator.kind == "symbol" and operator.text in OPERATORS:
            position, value = self._token.position, self._value()
            return _located(position, lambda: Compare(name, cast(Operator, operator.text), value))
        if operator.kind == "name":
            return self._word_condition(name, operator)
        raise _refusal(operator.position, f"expected an operator after the field, received {operator}")

    def _word_condition(self, name: str, operator: _Token) -> Expression:
        position = self._token.position
        match operator.text:
            case "in" | "any_of" | "all_of" | "none_of":
                listed, values = _LISTED[operator.text], self._list()
                return _located(position, lambda: listed(name, values))
            case "not":
                self._expect("in")
                values = self._list()
                return _located(position, lambda: NoneOf(name, values))
            case "between":
                low = self._value()
                self._expect("and")
                high = self._value()
                return _located(position, lambda: Between(name, low, high))
            case "prefix":
                text = self._value()
                return _located(position, lambda: Prefix(name, text))
            case "exists":
                return _located(operator.position, lambda: Exists(name))
            case "is_null":
                return _located(operator.position, lambda: IsNull(name))
        hint = ", operators are in lower case" if not operator.text.islower() else ""
        raise _refusal(operator.position, f"expected an operator after the field, received {operator}{hint}")

    def _name(self) -> str:
        token = self._token
        if token.kind not in ("name", "quoted_name") or token.text in RESERVED:
            hint = ", a field of that name stands in backticks" if token.kind == "name" else ""
            raise self._refusal(f"expected a field, received {token}{hint}")
        self._advance()
        name = token.text[1:-1].replace("``", "`") if token.kind == "quoted_name" else token.text
        _located(token.position, lambda: Exists(name))  # refuses the name where it stands, not at its operand
        return name

    def _list(self) -> tuple[Any, ...]:
        token = self._token
        if token.kind == "parameter":
            values = self._parameter()
            if not isinstance(values, list | tuple | set | frozenset):
                raise _refusal(token.position, f"expected a list for {token.text}, received {brief(values)}")
            return tuple(values)
        if token.kind == "symbol" and token.text == "(":
            return tuple(self._values("(", ")", self._value))
        return tuple(self._values("[", "]", self._value))

    def _values(self, opening: str, closing: str, read: Callable[[], Any]) -> list[Any]:
        self._expect(opening)
        values: list[Any] = []
        while not self._takes(closing):
            if values:
                self._expect(",")
            if len(values) >= limits.FILTER_LIST:
                raise self._refusal(f"more than {limits.FILTER_LIST} values")
            value = read()
            values.extend(value) if isinstance(value, _Several) else values.append(value)
        return values

    def _value(self) -> Any:
        token = self._token
        match token.kind:
            case "text":
                self._advance()
                return _unescaped(token)
            case "number":
                self._advance()
                return _number(token)
            case "parameter":
                return self._parameter()
            case "name" if token.text in ("true", "True", "false", "False"):
                self._advance()
                return token.text in ("true", "True")
            case "name" if token.text == "datetime":
                return self._call(datetime.fromisoformat, "ISO 8601 text")
        hint = ", for null use is_null" if token.text in ("null", "None") else ""
        raise self._refusal(f"expected a value, received {token}{hint}")

    def _id(self) -> Any:
        if self._token.is_word("uuid"):
            return self._call(UUID, "the text of a UUID")
        is_parameter = self._token.kind == "parameter"
        value = self._value()
        return _Several(value) if is_parameter and isinstance(value, list | tuple | set | frozenset) else value

    def _call(self, function: Callable[[str], Any], expected: str) -> Any:
        self._advance()
        self._expect("(")
        token = self._token
        if token.kind != "text":
            raise self._refusal(f"expected {expected}, received {token}")
        self._advance()
        self._expect(")")
        try:
            return function(_unescaped(token))
        except ValueError:
            raise _refusal(token.position, f"expected {expected}, received {token}") from None

    def _parameter(self) -> Any:
        name = self._token.text[1:]
        if name not in self._parameters:
            raise self._refusal(f"parameter ${name} is not given")
        self._parameters_used.add(name)
        self._advance()
        return self._parameters[name]

    def _takes(self, symbol: str) -> bool:
        taken = self._token.kind == "symbol" and self._token.text == symbol
        if taken:
            self._advance()
        return taken

    def _expect(self, text: str) -> None:
        if self._token.kind not in ("symbol", "name") or self._token.text != text:
            raise self._refusal(f"expected {text}, received {self._token}")
        self._advance()

    def _advance(self) -> None:
        self._token = self._read_token(self._token.position + len(self._token.text))

    def _read_token(self, position: int) -> _Token:
        space = _SPACE.match(self._text, position)
        start = space.end() if space else position
        found = _TOKEN.match(self._text, start)
        if found is None:
            character = self._text[start]
            raise _refusal(start, f"{brief(character)} has no meaning here{_hint(character)}")
        return _Token(cast(str, found.lastgroup), found.group(), start)

    def _refusal(self, reason: str) -> FilterError:
        return _refusal(self._token.position, reason)


class _Several(tuple[Any, ...]):
    """The values of a list parameter where single ones may stand too."""

    __slots__ = ()


def _refusal(position: int, reason: str) -> FilterError:
    return FilterError(position=position, reason=reason)


def _not_a_filter(where: object) -> FilterError:
    hint = "; compare the field with something" if isinstance(where, Field) else ""
    reason = f"expected an expression, a dict, a string or (string, parameters), received {brief(where)}{hint}"
    return FilterError(position="", reason=reason)


def _hint(character: str) -> str:
    return f": {_HINTS[character]}" if character in _HINTS else ""


def _located(position: int, build: Callable[[], Expression]) -> Expression:
    try:
        return build()
    except FilterError as error:
        raise _refusal(position, error.reason) from None


def _number(token: _Token) -> int | float:
    if len(token.text) > _NUMBER_CHARACTERS_MAXIMUM:
        raise _refusal(token.position, f"a number of more than {_NUMBER_CHARACTERS_MAXIMUM} characters")
    return int(token.text) if token.text.lstrip("-").isdigit() else float(token.text)


def _unescaped(token: _Token) -> str:
    body = token.text[1:-1]
    if "\\" not in body:
        return body

    def character(escape: re.Match[str]) -> str:
        code = escape.group(1)
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _ESCAPED:
            raise _refusal(token.position + 1 + escape.start(), f"unknown escape \\{code}")
        return _ESCAPED[code]

    # Two \u escapes may be the halves of one character: UTF-16 joins them.
    text = _ESCAPE.sub(character, body)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _refusal(token.position, "a lone surrogate has no UTF-8 form") from None
