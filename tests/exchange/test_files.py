"""Files out of any rows and into any upsert: no database takes part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecdb.errors import CollectionNotFound, InvalidPayload, StorageFailed, Timeout
from vecdb.exchange import files
from vecdb.exchange.batches import upsert_in_batches
from vecdb.exchange.form import RowBatch
from vecdb.schema import CollectionSchema, Vector
from vecdb.types import WriteResult

SCHEMA = CollectionSchema(name="docs", vectors={"": Vector(3, metric="l2")})
ROWS = 2500


class Rows:
    """A dict of rows with an upsert, and a scan that may fail after some batches."""

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.sizes: list[int] = []
        self.failure: Exception | None = None

    def upsert(self, ids: Any, vectors: Any, payloads: Any) -> WriteResult:
        if len(ids) and self.failure is not None:
            raise self.failure
        self.sizes.append(len(ids))
        array = vectors[""] if isinstance(vectors, dict) else vectors
        for place, each in enumerate(ids):
            self.rows[each] = (array[place].tolist(), payloads[place] if payloads is not None else {})
        return WriteResult(count=len(ids), sequence=len(self.sizes))

    def open(self, step: int) -> tuple[int, Iterator[RowBatch]]:
        ids = list(self.rows)

        def batches() -> Iterator[RowBatch]:
            for first in range(0, len(ids), step):
                if first and self.failure is not None:
                    raise self.failure
                some = ids[first : first + step]
                array = np.array([self.rows[each][0] for each in some], np.float32)
                yield RowBatch(some, [self.rows[each][1] for each in some], {"": array})

        return len(ids), batches()


@pytest.fixture
def filled() -> Rows:
    rows = Rows()
    rows.upsert(
        range(ROWS), np.arange(ROWS * 3, dtype=np.float32).reshape(ROWS, 3), [{"n": row} for row in range(ROWS)]
    )
    return rows


@pytest.mark.parametrize("suffix", files.SUFFIXES)
def test_rows_go_out_and_come_back(filled: Rows, tmp_path: Path, suffix: str) -> None:
    done: list[tuple[int, int]] = []
    path = tmp_path / f"rows{suffix.upper()}"
    assert files.export(filled.open, SCHEMA, path, lambda *each: done.append(each)) == ROWS
    assert done == [(1000, ROWS), (2000, ROWS), (ROWS, ROWS)]
    other = Rows()
    written = files.import_(other.upsert, SCHEMA, str(path), 1000, None)
    assert written == WriteResult(count=ROWS, sequence=4)
    assert other.sizes == [0, 1000, 1000, 500]  # the first asks whether rows are taken at all
    assert other.rows == filled.rows


@pytest.mark.parametrize("failure", [CollectionNotFound(name="docs"), Timeout(seconds=1)])
@pytest.mark.parametrize("suffix", files.SUFFIXES)
def test_what_the_rows_raise_comes_through(filled: Rows, tmp_path: Path, suffix: str, failure: Exception) -> None:
    """A Timeout too, which is an OSError by its family and none of the disk's."""
    files.export(filled.open, SCHEMA, tmp_path / f"rows{suffix}", None)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    filled.failure = failure
    with pytest.raises(type(failure)):
        files.export(filled.open, SCHEMA, tmp_path / f"rows{suffix}", None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(type(failure)):
        files.import_(filled.upsert, SCHEMA, tmp_path / f"rows{suffix}", 1000, None)


def test_errors_of_the_disk_are_ours(filled: Rows, tmp_path: Path) -> None:
    filled.failure = PermissionError(13, "no")
    with pytest.raises(StorageFailed, match=r"rows\.npy"):
        files.export(filled.open, SCHEMA, tmp_path / "rows.npy", None)
    assert list(tmp_path.iterdir()) == []


def test_no_file_tells_another_number_of_rows_than_it_holds(filled: Rows, tmp_path: Path) -> None:
    def open_rows(step: int) -> tuple[int, Iterator[RowBatch]]:
        total, batches = filled.open(step)
        return total + 1, batches

    with pytest.raises(AssertionError, match="another number"):
        files.export(open_rows, SCHEMA, tmp_path / "rows.npy", None)
    assert list(tmp_path.iterdir()) == []


def test_rows_in_errors_are_counted_from_the_first(tmp_path: Path) -> None:
    X = np.ones((ROWS, 3), np.float32)

    def upsert(ids: Any, vectors: Any, payloads: Any) -> WriteResult:
        if 2100 in ids:
            raise InvalidPayload(row=list(ids).index(2100), field="n", reason="no")
        return WriteResult(count=len(ids), sequence=5)

    with pytest.raises(InvalidPayload) as raised:
        upsert_in_batches(upsert, range(ROWS), X, None, None)
    assert raised.value.row == 2100
    source = Rows()
    source.upsert(range(ROWS), X, [{}] * ROWS)
    files.export(source.open, SCHEMA, tmp_path / "rows.jsonl", None)
    with pytest.raises(InvalidPayload) as raised:
        files.import_(upsert, SCHEMA, tmp_path / "rows.jsonl", 300, None)
    assert raised.value.row == 2100
    assert "rows.jsonl" in raised.value.reason
