"""Writes that are refused, at every door by the same error with the same facts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import numpy as np

from tests.parity.rows import vectors
from tests.parity.script import On, Step, own
from vecdb import (
    DimensionMismatch,
    DuplicateId,
    FilterError,
    InvalidId,
    InvalidPayload,
    InvalidType,
    InvalidValue,
    InvalidVector,
    LimitExceeded,
    VectorNotFound,
    field,
)

docs, flat, named = On("docs"), On("flat"), On("named")

_X: Final = vectors(3)
_NAN: Final = float("nan")


def _payload(value: Any) -> Step:
    """An upsert whose second payload is refused."""
    return docs.upsert([1, 2, 3], _X, [{"fine": 1}, value, {"later": {1, 2}}]).refused(InvalidPayload)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


IDS: Final[list[Step]] = [
    docs.upsert(5, _X).refused(InvalidType),
    docs.upsert("abc", _X).refused(InvalidType),
    docs.upsert(b"abc", _X).refused(InvalidType),
    docs.upsert(None, _X).refused(InvalidType),
    docs.upsert({1, 2, 3}, _X).refused(InvalidType),
    docs.upsert({1: 2}, _X).refused(InvalidType),
    docs.upsert(own(lambda: iter([1, 2, 3])), _X).refused(InvalidType),
    docs.upsert(np.array([[1, 2, 3]]), _X).refused(InvalidType),
    docs.upsert(np.array(5), _X).refused(InvalidType),
    docs.upsert([1, -1, 3], _X).refused(InvalidId),
    docs.upsert([1, 2**63, 3], _X).refused(InvalidId),
    docs.upsert([1, 2**200, 3], _X).refused(InvalidId),
    docs.upsert([1, 2, 3.0], _X).refused(InvalidId),
    docs.upsert([1, True, 3], _X).refused(InvalidId),
    docs.upsert([1, None, 3], _X).refused(InvalidId),
    docs.upsert(["a", "", "c"], _X).refused(InvalidId),
    docs.upsert(["a", "x" * 1025, "c"], _X).refused(InvalidId),
    docs.upsert(["a", "é" * 513, 3], _X).refused(InvalidId),
    docs.upsert(["a", "\ud800", "c"], _X).refused(InvalidId),
    docs.upsert([1, b"2", 3], _X).refused(InvalidId),
    docs.upsert([1, (2,), 3], _X).refused(InvalidId),
    docs.upsert(np.array([1, -2, 3]), _X).refused(InvalidId),
    docs.upsert(np.array([1, 2**63, 3], np.uint64), _X).refused(InvalidId),
    docs.upsert(np.array([1.0, 2.0, 3.0]), _X).refused(InvalidId),
    docs.upsert(np.array([True, False, True]), _X).refused(InvalidId),
    docs.upsert(np.array([1, -1, None], object), _X).refused(InvalidId),
    docs.upsert([1, 2, 1], _X).refused(DuplicateId),
    docs.upsert([1, np.int64(1), 1], _X).refused(DuplicateId),
    docs.upsert(["a", "b", "b"], _X).refused(DuplicateId),
    docs.upsert([UUID(int=1), UUID(int=2), UUID(int=1)], _X).refused(DuplicateId),
    docs.upsert(range(100_001), vectors(100_001)).refused(LimitExceeded),
]

VECTORS: Final[list[Step]] = [
    docs.upsert([1, 2], _X).refused(InvalidValue),
    docs.upsert([1, 2, 3, 4], _X).refused(InvalidValue),
    docs.upsert([], _X).refused(InvalidValue),
    docs.upsert([1, 2, 3], vectors(3, 5)).refused(DimensionMismatch),
    docs.upsert([1, 2, 3], vectors(3, 3).tolist()).refused(DimensionMismatch),
    docs.upsert([1], _X[0]).refused(InvalidVector),
    docs.upsert([1], _X[None]).refused(InvalidVector),
    docs.upsert([1], 3.0).refused(InvalidVector),
    docs.upsert([1], None).refused(InvalidVector),
    docs.upsert([1], "text").refused(InvalidVector),
    docs.upsert([1], [["a", "b", "c", "d"]]).refused(InvalidVector),
    docs.upsert([1, 2], [[1, 2, 3, 4], [1, 2, 3]]).refused(InvalidVector),
    docs.upsert([1], [[1, 2, 3, None]]).refused(InvalidVector),
    docs.upsert([1], [[1, 2, 3, 4j]]).refused(InvalidVector),
    docs.upsert([1], [[True, False, True, True]]).refused(InvalidVector),
    docs.upsert([1], [[Decimal(1)] * 4]).refused(InvalidVector),
    docs.upsert([1], np.array([["2024-01-01"] * 4], "M8[D]")).refused(InvalidVector),
    docs.upsert([1, 2, 3], [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, _NAN, 4]]).refused(InvalidVector),
    docs.upsert([1, 2, 3], [[1, 2, 3, 4], [1, 2, float("inf"), 4], [1, 2, _NAN, 4]]).refused(InvalidVector),
    docs.upsert([1, 2], [[1, 2, 3, 4], [0, 0, 0, 0]]).refused(InvalidVector),
    docs.upsert([1, 2], np.array([[1, 2, 3, 4], [1, _NAN, 3, 4]], np.float16)).refused(InvalidVector),
    docs.upsert([1, 2], np.array([[1, 2, 3, 4], [0, 0, 0, 0]], np.float16)).refused(InvalidVector),
    docs.upsert([1, 2], np.array([[1, 2, 3, 4], [np.inf, 0, 0, 0]], np.float16)).refused(InvalidVector),
    docs.upsert([1, 2], [[1, 2, 3, 4], [1e39, 2, 3, 4]]).refused(InvalidVector),
    docs.upsert([1, 2], [[1, 2, 3, 4], [2**24 + 1, 2, 3, 4]]).refused(InvalidVector),
    flat.upsert([1, 2], [[1, 2, 3], [1, 2, -_NAN]]).refused(InvalidVector),
    flat.upsert([1, 2], [[-float("inf"), 2, 3], [1, 2, 3]]).refused(InvalidVector),
    docs.upsert([1], {"a": _X[:1]}).refused(VectorNotFound),
    docs.upsert([1], {"": _X[:1], "a": _X[:1]}).refused(VectorNotFound),
    docs.upsert([1], {3: _X[:1]}).refused(VectorNotFound),
    docs.upsert([1], {}).refused(InvalidValue),
    named.upsert([1], _X[:1]).refused(InvalidType),
    named.upsert([1], {"a": _X[:1, :3]}).refused(InvalidValue),
    named.upsert([1], {"a": _X[:1, :3], "b": _X[:1]}).refused(DimensionMismatch),
    named.upsert([1, 2], {"a": _X[:2, :3], "b": _X[:1, :2]}).refused(InvalidValue),
    named.upsert([1, 2], {"a": _X[:2, :3], "b": [[1, 2], [3, _NAN]]}).refused(InvalidVector),
    named.upsert([1, 2], {"b": [[1, 2], [3, _NAN]], "a": [[1, 2, _NAN], [1, 2, 3]]}).refused(InvalidVector),
]

PAYLOADS: Final[list[Step]] = [
    docs.upsert([1, 2, 3], _X, [{}, {}]).refused(InvalidValue),
    docs.upsert([1, 2, 3], _X, []).refused(InvalidValue),
    docs.upsert([1], _X[:1], {"a": 1}).refused(InvalidType),
    docs.upsert([1], _X[:1], "text").refused(InvalidType),
    docs.upsert([1], _X[:1], 7).refused(InvalidType),
    docs.upsert([1], _X[:1], own(lambda: iter([{}]))).refused(InvalidType),
    _payload(7),
    _payload("text"),
    _payload([1, 2]),
    _payload({"a": {1, 2}}),
    _payload({"a": {"b": [0, {"c": (1, 2)}]}}),
    _payload({"a": [1, b"bytes"]}),
    _payload({"a": datetime(2024, 1, 1)}),
    _payload({"a": np.arange(3)}),
    _payload({"a": _NAN}),
    _payload({"a": [1.0, float("-inf")]}),
    _payload({1: 2}),
    _payload({"a": {None: 2}}),
    _payload({"a": "\ud800"}),
    _payload({"\ud800": 1}),
    _payload({"a": 2**64}),
    _payload({"a": -(2**63) - 1}),
    _payload({"a": Decimal(1)}),
    _payload({"a": _nested(32)}),
    _payload({"a": "x" * (1 << 20)}),
    _payload({"lang": 3}),
    _payload({"tags": ["a", 3]}),
    _payload({"tags": ["a", None]}),
    _payload({"year": "2020"}),
    _payload({"year": True}),
    _payload({"year": 2020.0}),
    _payload({"year": 2**63}),
    _payload({"price": "1.5"}),
    _payload({"price": 2**53 + 1}),
    _payload({"seen": 1}),
    _payload({"published": "yesterday"}),
    _payload({"published": 2024}),
    _payload({"published": ["2024-01-01", "2024-13-01"]}),
    _payload({"author": {"name": 3}}),
    _payload({"author": {"name": ["Ada", {}]}}),
]

CHANGES: Final[list[Step]] = [
    docs.update([0], "text").refused(InvalidType),
    docs.update([0], [1]).refused(InvalidType),
    docs.update([0], {"a": 1}, "name").refused(InvalidType),
    docs.update([0], {"a": 1}, [3]).refused(InvalidType),
    docs.update([0], unset=7).refused(InvalidType),
    docs.update([0], {"a": {1}}).refused(InvalidPayload),
    docs.update([0], {1: 2}).refused(InvalidPayload),
    docs.update([0], {"a": _NAN}).refused(InvalidPayload),
    docs.update([0], {"year": "x"}).refused(InvalidPayload),
    docs.update(["nobody", 1, 2], {"tags": ["a", 3]}).refused(InvalidPayload),
    docs.update([0], {"author": {"name": 3}}).refused(InvalidPayload),
    docs.update([0], {"a": "x" * (1 << 20)}).refused(InvalidPayload),
    docs.update([0], {"a": _nested(40)}).refused(InvalidPayload),
    docs.update([0], {"a": 2**64}).refused(InvalidPayload),
    docs.update(["nobody"], {"a": {1}}).refused(InvalidPayload),
    docs.update([0, 0], {"a": 1}).refused(DuplicateId),
    docs.update([0, -1], {"a": 1}).refused(InvalidId),
    docs.update(0, {"a": 1}).refused(InvalidType),
    docs.update("abc", {"a": 1}).refused(InvalidType),
    docs.update(range(100_001), {"a": 1}).refused(LimitExceeded),
    docs.update().refused(TypeError),
    docs.update([0], values={}).refused(TypeError),
    docs.delete().refused(InvalidValue),
    docs.delete([0], where="year == 1").refused(InvalidValue),
    docs.delete(0).refused(InvalidType),
    docs.delete(None).refused(InvalidValue),
    docs.delete("abc").refused(InvalidType),
    docs.delete([0, None]).refused(InvalidId),
    docs.delete([0, 1, 0]).refused(DuplicateId),
    docs.delete(["", 1]).refused(InvalidId),
    docs.delete(range(100_001)).refused(LimitExceeded),
    docs.delete(where="year ==").refused(FilterError),
    docs.delete(where=7).refused(FilterError),
    docs.delete(where=field("year") > "x").refused(FilterError),
    docs.delete([0], filter={}).refused(TypeError),
    docs.upsert([1]).refused(TypeError),
    docs.upsert([1], _X[:1], [{}], batch=3).refused(TypeError),
    docs.upsert([1], _X[:1], [{}], True).refused(TypeError),
    docs.drop(True).refused(TypeError),
]
