"""Rows for the scripts: vectors, ids of every kind, payloads of every shape of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

import vecdb
from vecdb.schema import FieldType

Array = npt.NDArray[np.float32]

DIMENSION: Final = 4
FIELDS: Final[dict[str, FieldType]] = {
    "lang": "keyword",
    "tags": "keyword",
    "year": "integer",
    "price": "float",
    "seen": "boolean",
    "published": "datetime",
    "author.name": "keyword",
}
IDS: Final[Sequence[vecdb.Id]] = [
    0,
    1,
    2**63 - 1,
    "0",
    "b",
    "tëxt ☃ 😀",
    "x" * 1024,
    "with\nline\0null",
    UUID(int=0),
    UUID(int=2**128 - 1),
    UUID("12345678-1234-5678-1234-567812345678"),
    10**15,
]
PAYLOADS: Final[Sequence[dict[str, Any] | None]] = [
    None,
    {},
    {"lang": "en", "year": 2020, "price": 1.5, "seen": True, "published": "2024-02-29T12:30:00+02:00"},
    {"lang": "de", "tags": ["a", "b"], "year": [2019, 2021], "author": {"name": "Ada", "born": 1815}},
    {"lang": None, "tags": [], "year": -(2**63), "price": 3, "seen": [True, False]},
    {"lang": "", "tags": "a", "year": 2**63 - 1, "price": -1e300, "published": ["2023-01-01", "2024-01-01T00:00Z"]},
    {"large": 2**64 - 1, "small": 5e-324, "minus zero": -0.0, "one": 1, "one point": 1.0, "true": True},
    {"text": 'quotes " and \\ and \u2028 and \0 and 😀', "": "an empty name", "é": [[], [[]], {}, {"": {}}, None]},
    {"deep": {"deeper": [{"deepest": [1, "two", 3.5, None, False, {"x": [[["y"]]]}]}]}},
    {"$and": "a name like an operator", "a b": 1, "ünï": "cödé", "author": {"name": ["Ada", "Bob"]}},
    {"numbers": [0.1, 1e-7, 1e22, 123456789.123456789, 2**53, 2**53 + 1], "year": 2022},
    {"lang": "en", "year": 2024, "price": 0.1, "seen": False, "tags": ["c"], "published": "1969-12-31T23:59:59.5Z"},
]


def vectors(count: int, dimension: int = DIMENSION, seed: int = 5) -> Array:
    """(count, dimension), of no particular direction."""
    return np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)


def facts(count: int) -> list[dict[str, Any] | None]:
    """Payloads of many rows, some without any."""
    return [
        None if row % 11 == 10 else {"year": 2000 + row % 20, "lang": ("en", "dé", "fr")[row % 3], "number": row}
        for row in range(count)
    ]
