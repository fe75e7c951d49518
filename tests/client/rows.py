"""Rows for the tests of the client: all kinds of ids, payloads, filters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

import vecdb

DIMENSION = 8
FIELDS: dict[str, Any] = {"year": "integer", "lang": "keyword"}


def vectors(count: int, seed: int = 3) -> npt.NDArray[np.float32]:
    """(count, DIMENSION), of no particular direction."""
    return np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)


def mixed_ids(count: int) -> list[vecdb.Id]:
    """Integers, texts and UUIDs in turn."""
    kinds: list[Any] = [lambda n: n, lambda n: f"tëxt {n}", lambda n: UUID(int=n)]
    return [kinds[number % 3](number) for number in range(count)]


def payloads(count: int) -> list[dict[str, Any] | None]:
    """A year and a language, some rows without any."""
    return [None if n % 7 == 6 else {"year": 2000 + n % 20, "lang": "en" if n % 2 else "dé"} for n in range(count)]
