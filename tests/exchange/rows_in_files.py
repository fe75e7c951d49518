"""Importing one file into an empty collection, and the refusals that leave it empty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import vecdb
from tests.reference_collection import typed

TWO = {"": vecdb.Vector(2, metric="l2")}


def imported(path: Path, vectors: Mapping[str, vecdb.Vector] = TWO, batch: int = 1000) -> dict[Any, Any]:
    """What a collection holds after the import: (type, id) -> payload and vectors as lists."""
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", vectors=vectors)
        assert docs.import_(path, batch=batch).count == len(docs)
        return {
            typed(record.id): (record.payload, {name: row.tolist() for name, row in (record.vectors or {}).items()})
            for record in docs.scan(with_vectors=True)
        }


def refusal(path: Path, vectors: Mapping[str, vecdb.Vector] = TWO) -> vecdb.InvalidArgument:
    """The error of an import, which names the file and imports nothing."""
    with vecdb.connect(":memory:") as db:
        docs = db.create_collection("docs", vectors=vectors)
        with pytest.raises(vecdb.InvalidArgument) as raised:
            docs.import_(path)
        assert len(docs) == 0
    error = raised.value
    told = " ".join([str(error), *getattr(error, "__notes__", [])])
    assert path.name in told, told
    assert len(str(error)) < 1000
    return error
