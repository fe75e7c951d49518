"""Arguments of calls, before any collection is asked: what passes, what is refused, and with which facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vecdb import limits
from vecdb.call_checks import (
    check_call,
    check_either,
    check_number,
    check_queries,
    check_recall,
    field_names,
    filter_each,
    order_of,
    payload_changes,
)
from vecdb.errors import InvalidArgument, InvalidType, InvalidValue, LimitExceeded

SEARCH: dict[str, Any] = {"k": 10, "ef": None, "recall": None, "exact": False, "min_score": None, "timeout": None}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": limits.K_MAXIMUM},
        {"k": np.int32(1)},
        {"ef": limits.EF_MAXIMUM},
        {"recall": 0},
        {"recall": np.float32(1)},
        {"exact": np.True_},
        {"min_score": -1e300, "timeout": limits.TIMEOUT_SECONDS},
        {"timeout": 1e-9},
    ],
)
def test_searches_that_make_sense(options: dict[str, Any]) -> None:
    check_call(**{**SEARCH, **options})


@pytest.mark.parametrize(
    ("options", "kind", "argument"),
    [
        ({"k": 0}, InvalidValue, "k"),
        ({"k": True}, InvalidType, "k"),
        ({"k": 1.0}, InvalidType, "k"),
        ({"k": limits.K_MAXIMUM + 1}, LimitExceeded, "K_MAXIMUM"),
        ({"ef": 0}, InvalidValue, "ef"),
        ({"ef": "many"}, InvalidType, "ef"),
        ({"ef": limits.EF_MAXIMUM + 1}, LimitExceeded, "EF_MAXIMUM"),
        ({"ef": 5, "exact": True}, InvalidValue, "ef"),
        ({"recall": 0.5, "ef": 5}, InvalidValue, "ef"),
        ({"recall": 1.01}, InvalidValue, "recall"),
        ({"recall": float("nan")}, InvalidValue, "recall"),
        ({"exact": 1}, InvalidType, "exact"),
        ({"min_score": "high"}, InvalidType, "min_score"),
        ({"min_score": float("nan")}, InvalidValue, "min_score"),
        ({"timeout": 0}, InvalidValue, "timeout"),
        ({"timeout": -1}, InvalidValue, "timeout"),
        ({"timeout": limits.TIMEOUT_SECONDS + 1}, InvalidValue, "timeout"),
        ({"timeout": True}, InvalidType, "timeout"),
    ],
)
def test_searches_that_make_none(options: dict[str, Any], kind: type[InvalidArgument], argument: str) -> None:
    refusal(lambda: check_call(**{**SEARCH, **options}), kind, argument)


@pytest.mark.parametrize(
    ("call", "kind", "argument"),
    [
        (lambda: check_number("batch", 0, "SCAN_BATCH_ROWS"), InvalidValue, "batch"),
        (lambda: check_number("batch", None, "SCAN_BATCH_ROWS"), InvalidType, "batch"),
        (lambda: check_number("batch", 10**6, "SCAN_BATCH_ROWS"), LimitExceeded, "SCAN_BATCH_ROWS"),
        (lambda: check_recall(0, 10, None, 0), InvalidValue, "sample"),
        (lambda: check_recall(10, 0, None, 0), InvalidValue, "k"),
        (lambda: check_recall(10, 10, 0, 0), InvalidValue, "ef"),
        (lambda: check_recall(10, 10, None, -1), InvalidValue, "seed"),
        (lambda: check_queries(limits.QUERIES_MAXIMUM + 1, 1), LimitExceeded, "QUERIES_MAXIMUM"),
        (lambda: check_queries(limits.RESULTS_MAXIMUM // 5000 + 1, 5000), LimitExceeded, "RESULTS_MAXIMUM"),
        (lambda: filter_each([None], 2), InvalidValue, "where"),
        (lambda: check_either(None, None), InvalidValue, "where"),
        (lambda: check_either([1], {"a": 1}), InvalidValue, "where"),
        (lambda: payload_changes([("a", 1)], None), InvalidType, "set"),
        (lambda: payload_changes(None, "title"), InvalidType, "unset"),
        (lambda: field_names("select", [1]), InvalidType, "select"),
        (lambda: order_of(5), InvalidType, "order_by"),
        (lambda: order_of("a..b"), InvalidValue, "order_by"),
        (lambda: order_of("-"), InvalidValue, "order_by"),
        (lambda: order_of("a\ud800"), InvalidValue, "order_by"),
        (lambda: field_names("select", ["a", "\ud800"]), InvalidValue, "select"),
    ],
)
def test_other_calls_that_make_none(call: Callable[[], object], kind: type[InvalidArgument], argument: str) -> None:
    refusal(call, kind, argument)


def test_what_the_checks_give_back() -> None:
    check_recall(100, 10, None, 0)
    check_queries(limits.RESULTS_MAXIMUM // 5000, 5000)
    check_either([], None)
    assert filter_each("a == 1", 3) == ["a == 1"] * 3
    assert filter_each([None, "a == 1"], 2) == [None, "a == 1"]
    assert filter_each(None, 0) == []
    assert payload_changes(None, None) == ({}, ())
    assert payload_changes({"a": 1}, ["b"]) == ({"a": 1}, ["b"])
    assert field_names("select", None) is None
    assert order_of("-a.b") == (("a", "b"), True)
    assert order_of("year") == (("year",), False)


def refusal(call: Callable[[], object], kind: type[InvalidArgument], argument: str) -> None:
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    assert getattr(raised.value, "argument" if kind is not LimitExceeded else "limit") == argument
