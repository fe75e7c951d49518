"""Checks of the plain arguments of calls; what is wrong is InvalidType, InvalidValue or LimitExceeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vecdb import limits
from vecdb.errors import InvalidType, InvalidValue, LimitExceeded


def check_call(k: Any, ef: Any, recall: Any, exact: Any, min_score: Any, timeout: Any) -> None:
    """InvalidType, InvalidValue or LimitExceeded for search arguments that make no sense."""
    if (
        type(k) is int
        and 1 <= k <= limits.K_MAXIMUM
        and (ef is None or (recall is None and type(ef) is int and 1 <= ef <= limits.EF_MAXIMUM))
        and (recall is None or (type(recall) is float and 0.0 <= recall <= 1.0))
        and exact is False
        and min_score is None
        and timeout is None
    ):
        return  # as nearly every call: what follows takes longer than all the rest around a search
    _require_integer("k", k)
    if k < 1:
        raise InvalidValue(argument="k", expected="at least 1", received=k)
    if k > limits.K_MAXIMUM:
        raise LimitExceeded(limit="K_MAXIMUM", maximum=limits.K_MAXIMUM, received=int(k))
    if not isinstance(exact, bool | np.bool_):
        raise InvalidType(argument="exact", expected="a bool", received=exact)
    if (ef is not None) + (recall is not None) + bool(exact) > 1:
        raise InvalidValue(argument="ef", expected="only one of ef, recall and exact", received=(ef, recall, exact))
    if ef is not None:
        _require_integer("ef", ef)
        if ef < 1:
            raise InvalidValue(argument="ef", expected="at least 1", received=ef)
        if ef > limits.EF_MAXIMUM:
            raise LimitExceeded(limit="EF_MAXIMUM", maximum=limits.EF_MAXIMUM, received=int(ef))
    _require_number("recall", recall, 0.0, 1.0)
    _require_number("min_score", min_score, -np.inf, np.inf)
    _require_number("timeout", timeout, 0.0, limits.TIMEOUT_SECONDS)
    if timeout == 0:
        raise InvalidValue(argument="timeout", expected="seconds above 0", received=timeout)


def check_number(argument: str, value: Any, limit: str, least: int = 1) -> None:
    """An int of `least` .. the bound of `vecdb.limits` that `limit` names."""
    _require_integer(argument, value)
    if value < least:
        raise InvalidValue(argument=argument, expected=f"at least {least}", received=value)
    maximum = getattr(limits, limit)
    if value > maximum:
        raise LimitExceeded(limit=limit, maximum=maximum, received=int(value))


def field_names(argument: str, value: Any) -> Sequence[str] | None:
    """A sequence of payload field names, or None."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        raise InvalidType(argument=argument, expected="a list of payload field names", received=value)
    for name in value:
        _require_utf8(argument, name)
    return value


def check_queries(count: int, k: int) -> None:
    """LimitExceeded for more queries, or more results, than one search may have."""
    if count > limits.QUERIES_MAXIMUM:
        raise LimitExceeded(limit="QUERIES_MAXIMUM", maximum=limits.QUERIES_MAXIMUM, received=count)
    if count * k > limits.RESULTS_MAXIMUM:
        raise LimitExceeded(limit="RESULTS_MAXIMUM", maximum=limits.RESULTS_MAXIMUM, received=count * k)


def filter_each(where: Any, count: int) -> list[Any]:
    """The filter of each of `count` queries, None for none, from one for all or a list of them; not parsed yet."""
    wheres = list(where) if isinstance(where, list) else [where] * count
    if len(wheres) != count:
        raise InvalidValue(argument="where", expected=f"one filter, or {count}", received=len(wheres))
    return wheres


def check_recall(sample: Any, k: Any, ef: Any, seed: Any) -> None:
    """InvalidType, InvalidValue or LimitExceeded for arguments of recall() that make no sense."""
    check_number("sample", sample, "K_MAXIMUM")
    check_call(k, ef, None, False, None, None)
    check_number("seed", seed, "INTEGER_ID_MAXIMUM", least=0)


def payload_changes(set_: Any, unset: Any) -> tuple[Mapping[str, Any], Sequence[str]]:
    """The fields that update(set=, unset=) sets, and the names of those it removes."""
    if set_ is not None and not isinstance(set_, Mapping):
        raise InvalidType(argument="set", expected="a dict of payload fields", received=set_)
    return set_ or {}, field_names("unset", unset) or ()


def check_either(ids: Any, where: Any) -> None:
    """InvalidValue unless delete() is given one of `ids` and `where`."""
    if (ids is None) == (where is None):
        raise InvalidValue(argument="where", expected="either ids or where", received=where)


def order_of(order_by: Any) -> tuple[tuple[str, ...], bool]:
    """The path of the payload field that scan(order_by=) sorts by, and whether descending."""
    if not isinstance(order_by, str):
        raise InvalidType(argument="order_by", expected="a field name", received=order_by)
    path = tuple(order_by.removeprefix("-").split("."))
    if not all(path):
        raise InvalidValue(argument="order_by", expected="a field name", received=order_by)
    _require_utf8("order_by", order_by)
    return path, order_by.startswith("-")


def _require_utf8(argument: str, name: str) -> None:
    """No payload has such a field, and no message could carry its name."""
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InvalidValue(argument=argument, expected="names without lone surrogates", received=name) from None


def _require_integer(argument: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidType(argument=argument, expected="an int", received=value)


def _require_number(argument: str, value: Any, least: float, most: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InvalidType(argument=argument, expected="a number", received=value)
    if not least <= value <= most:
        raise InvalidValue(argument=argument, expected=f"{least:g} .. {most:g}", received=value)
