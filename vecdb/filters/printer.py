"""The string spelling of an expression, such that parsing it gives an equal expression."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from vecdb.filters.expression import (
    AllOf,
    And,
    AnyOf,
    Between,
    Compare,
    Exists,
    Expression,
    HasId,
    IsNull,
    NoneOf,
    Not,
    Or,
    Prefix,
    Scalar,
)
from vecdb.filters.parser import RESERVED
from vecdb.json_bytes import dumps


def to_text(expression: Expression) -> str:
    """The canonical string spelling."""
    match expression:
        case And(operands):
            return " and ".join(map(_operand, operands))
        case Or(operands):
            return " or ".join(map(_operand, operands))
        case Not(operand):
            return f"not {_operand(operand)}"
        case HasId(ids):
            return f"has_id({', '.join(_id(value) for value in ids)})"
        case Compare(name, operator, value):
            return f"{_name(name)} {operator} {_value(value)}"
        case AnyOf(name, values):
            return f"{_name(name)} in {_list(values)}"
        case NoneOf(name, values):
            return f"{_name(name)} not in {_list(values)}"
        case AllOf(name, values):
            return f"{_name(name)} all_of {_list(values)}"
        case Between(name, low, high):
            return f"{_name(name)} between {_value(low)} and {_value(high)}"
        case Prefix(name, text):
            return f"{_name(name)} prefix {_value(text)}"
        case Exists(name):
            return f"{_name(name)} exists"
        case IsNull(name):
            return f"{_name(name)} is_null"
    raise AssertionError(f"no such expression: {type(expression).__name__}")


_PLAIN_NAME: Final = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")


def _operand(expression: Expression) -> str:
    text = to_text(expression)
    return f"({text})" if expression.parts and not isinstance(expression, Not) else text


def _name(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and name not in RESERVED:
        return name
    return f"`{name.replace('`', '``')}`"


def _list(values: tuple[Scalar, ...]) -> str:
    return f"[{', '.join(map(_value, values))}]"


def _value(value: Scalar) -> str:
    if isinstance(value, datetime):
        return f'datetime("{value.isoformat()}")'
    return dumps(value).decode()


def _id(value: object) -> str:
    return f'uuid("{value}")' if isinstance(value, UUID) else dumps(value).decode()
