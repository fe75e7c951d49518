"""A small collection, and calls that it must refuse without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from tests.reference_collection import typed

DIMENSION = 4
QUERY = np.ones(DIMENSION, np.float32)
ONES = np.ones((2, DIMENSION), np.float32)

Docs = vecdb.Collection
Attempt = Callable[[Any], object]  # wrong on purpose: not for a type checker to see


@contextmanager
def ten_rows(path: Path, metric: Any) -> Iterator[Docs]:
    """Rows 0 .. 9 with a year and a language."""
    with vecdb.connect(str(path)) as db:
        docs = db.create_collection(
            "docs", dimension=DIMENSION, metric=metric, fields={"year": "integer", "lang": "keyword"}
        )
        vectors = np.random.default_rng(5).standard_normal((10, DIMENSION), dtype=np.float32)
        payloads = [{"year": 2000 + number, "lang": "en"} for number in range(10)]
        docs.upsert(ids=list(range(10)), vectors=vectors, payloads=payloads)
        yield docs


def contents(docs: Docs) -> Any:
    """All that can be read of a collection."""
    records = docs.get([record.id for record in docs.scan()], with_vectors=True)
    rows = {typed(r.id): (r.payload, {n: v.tobytes() for n, v in (r.vectors or {}).items()}) for r in records}
    return docs.count(), docs.stats().rows, docs.stats().sequence, rows, docs.search(QUERY, k=20, exact=True).ids


def refused(docs: Docs, attempt: Attempt, expected: type[BaseException] | tuple[type[BaseException], ...]) -> Any:
    """The error of an attempt, which changed nothing."""
    before = contents(docs)
    with pytest.raises(expected) as raised:
        attempt(docs)
    assert contents(docs) == before
    if isinstance(raised.value, vecdb.Error):
        assert len(str(raised.value)) < 2_000
    return raised.value
