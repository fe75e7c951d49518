"""Pages: the rows of one snapshot, some at a time, as they are stored or in an order of their own."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from vecdb.call_checks import order_of
from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.filtering import payload_batches
from vecdb.collection.scanner import records_of
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.filters import Expression
from vecdb.payload import MISSING, decode_payload, field_value
from vecdb.types import Record

PAGE_BYTES: Final = 16 << 20  # of payloads and vectors, and one row more: parsed they take several times that


class Pages(Iterator[list[Record]]):
    """The records of one snapshot, some at a time; `total` is how many they are, None where a filter decides."""

    def __init__(self, pages: Iterator[list[Record]], total: int | None) -> None:
        self._pages = pages
        self.total = total

    def __next__(self) -> list[Record]:
        return next(self._pages)


def scan(
    state: CollectionState,
    check: Callable[[], None],
    where: Expression | None,
    order_by: str | None,
    batch: int,
    with_vectors: bool,
    bytes_maximum: int = PAGE_BYTES,
    deadline: Deadline = NEVER,
) -> Pages:
    """The rows of one snapshot, payloads as of this call; `check` runs before each page. Timeout between rows.

    A page has `batch` rows at most, and ends with the row that brings its payloads and vectors to `bytes_maximum`. In
    an order of their own the sort keys of all rows are held; payloads are read for one page at a time all the same.
    """
    snapshot = state.snapshot
    size = _PageSize(batch, bytes_maximum, state.read_row_bytes if with_vectors else 0)
    found = (
        _in_row_order(state, snapshot, where, size, deadline)
        if order_by is None
        else _ordered(state, snapshot, where, order_by, size, deadline)
    )

    def pages() -> Iterator[list[Record]]:
        held = snapshot  # its rows stay as they are until the iterator ends
        check()
        for rows, texts in found:
            yield records_of(state, rows, state.ids_of(rows), texts, with_vectors, deadline)
            check()
        del held

    return Pages(pages(), len(snapshot.live) if where is None else None)


class _PageSize:
    """Counts the rows of one page after the other."""

    def __init__(self, rows_maximum: int, bytes_maximum: int, row_bytes: int) -> None:
        self._rows_maximum = rows_maximum
        self._bytes_maximum = bytes_maximum
        self._row_bytes = row_bytes
        self._rows = self._bytes = 0

    def ends_with(self, payload_bytes: int) -> bool:
        """Whether the page ends with this row."""
        self._rows += 1
        self._bytes += payload_bytes + self._row_bytes
        if self._rows < self._rows_maximum and self._bytes < self._bytes_maximum:
            return False
        self._rows = self._bytes = 0
        return True


def _in_row_order(
    state: CollectionState, snapshot: Snapshot, where: Expression | None, size: _PageSize, deadline: Deadline
) -> Iterator[tuple[RowNumbers, list[bytes]]]:
    batches = payload_batches(state, snapshot, where, deadline=deadline, bytes_maximum=PAGE_BYTES)

    def pages() -> Iterator[tuple[RowNumbers, list[bytes]]]:
        rows: list[int] = []
        texts: list[bytes] = []
        for some, read in batches:
            for row, text in zip(some.tolist(), read, strict=True):
                rows.append(row)
                texts.append(text)
                if size.ends_with(len(text)):
                    yield np.array(rows, np.uint32), texts
                    rows, texts = [], []
        if rows:
            yield np.array(rows, np.uint32), texts

    return pages()


def _ordered(
    state: CollectionState,
    snapshot: Snapshot,
    where: Expression | None,
    order_by: str,
    size: _PageSize,
    deadline: Deadline,
) -> Iterator[tuple[RowNumbers, list[bytes]]]:
    path, descending = order_of(order_by)
    pairs = state.key_value.scan(state.keys.payload_prefix)
    keyed: list[tuple[tuple[int, Any], int]] = []
    last: list[int] = []
    rows, payload_bytes = array("I"), array("I")
    for some, texts in payload_batches(
        state, snapshot, where, deadline=deadline, bytes_maximum=PAGE_BYTES, pairs=pairs
    ):
        for row, text in deadline.each(zip(some.tolist(), texts, strict=True)):
            key = _sort_key(field_value(decode_payload(text), path))
            if key is None:
                last.append(len(rows))
            else:
                keyed.append((key, len(rows)))
            rows.append(row)
            payload_bytes.append(len(text))
    keyed.sort(key=lambda each: each[0], reverse=descending)
    order = [place for _, place in keyed] + last
    del keyed

    def page(places: list[int]) -> tuple[RowNumbers, list[bytes]]:
        numbers = np.array([rows[place] for place in places], np.uint32)
        texts: list[bytes] = []
        for row, text in zip(numbers.tolist(), pairs.get_many(state.keys.payloads(numbers)), strict=True):
            if text is None:
                raise state.lost(f"the payload of row {row} is missing")
            texts.append(text)
        return numbers, texts

    def pages() -> Iterator[tuple[RowNumbers, list[bytes]]]:
        places: list[int] = []
        for place in order:
            places.append(place)
            if size.ends_with(payload_bytes[place]):
                yield page(places)
                places = []
        if places:
            yield page(places)

    return pages()


def _sort_key(value: Any) -> tuple[int, Any] | None:
    """Numbers, then text; of a list its first value. None for what has no order."""
    if isinstance(value, list):
        value = value[0] if value else None
    if value is MISSING or value is None or isinstance(value, dict | list):
        return None
    return (1, value) if isinstance(value, str) else (0, value)
