"""Reading rows: by id, and all of them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import numpy as np

from vecdb.call_checks import order_of
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.filtering import payload_batches
from vecdb.collection.keys import unpack_row
from vecdb.collection.reply_bytes import reply_too_large
from vecdb.collection.scrub import check_rows
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.filters import Expression
from vecdb.ids import Id, IdBatch, decode_id, encode_within
from vecdb.payload import MISSING, decode_payload, field_value
from vecdb.types import Record

_ATTEMPTS: Final = 3


def get(
    state: CollectionState,
    commits: CommitQueue,
    ids: IdBatch,
    with_vectors: bool,
    bytes_maximum: int | None = None,
) -> list[Record]:
    """The rows of ids in the order asked, all as of one moment; missing ones left out. Corrupted.

    LimitExceeded as soon as they have more than `bytes_maximum`: one small request may name much.
    """
    encoded = encode_within(ids)
    for _ in range(_ATTEMPTS):
        before = state.snapshot
        records = _get(state, encoded, with_vectors, bytes_maximum)
        if records is not None and state.snapshot is before:
            return records
    # Writes keep coming: hold them off for one read. One that was interrupted half way is finished first.
    with commits.apply_lock:
        commits.settle()
        records = _get(state, encoded, with_vectors, bytes_maximum)
    if records is None:
        raise state.lost("an id leads to a row that is not there")
    return records


def _get(
    state: CollectionState, encoded: list[bytes], with_vectors: bool, bytes_maximum: int | None
) -> list[Record] | None:
    """None when a write came between."""
    snapshot = state.snapshot
    values = state.key_value.get_many(state.keys.ids(encoded))
    found = [(each, unpack_row(value)) for each, value in zip(encoded, values, strict=True) if value is not None]
    if not found:
        return []
    rows = np.array([row for _, row in found], np.uint32)
    if any(row not in snapshot.live for _, row in found):
        return None
    if with_vectors and bytes_maximum is not None and len(rows) * state.row_bytes > bytes_maximum:
        raise reply_too_large(bytes_maximum, len(rows) * state.row_bytes)
    texts = state.stored_payloads(rows, bytes_maximum)
    if None in texts:
        if state.snapshot is not snapshot:
            return None
        raise state.lost(f"the payload of row {int(rows[texts.index(None)])} is missing")
    ids = [decode_id(each) for each, _ in found]
    return _records(state, rows, ids, cast("list[bytes]", texts), with_vectors)


def _records(
    state: CollectionState, rows: RowNumbers, ids: list[Id], texts: list[bytes], with_vectors: bool
) -> list[Record]:
    payloads = [decode_payload(text) for text in texts]
    if not with_vectors:
        return [Record(id=each, payload=payload) for each, payload in zip(ids, payloads, strict=True)]
    check_rows(state, rows)
    arrays = {name: column.read(rows) for name, column in state.columns.items()}
    return [
        Record(id=each, payload=payload, vectors={name: array[place] for name, array in arrays.items()})
        for place, (each, payload) in enumerate(zip(ids, payloads, strict=True))
    ]


class Scan(Iterator[Record]):
    """The records of one snapshot; `total` is how many they are, None where a filter decides."""

    def __init__(self, records: Iterator[Record], total: int | None) -> None:
        self._records = records
        self.total = total

    def __iter__(self) -> Iterator[Record]:
        return self._records  # without a call of ours for each

    def __next__(self) -> Record:
        return next(self._records)


def scan(
    state: CollectionState,
    check: Callable[[], None],
    where: Expression | None,
    order_by: str | None,
    batch: int,
    with_vectors: bool,
) -> Scan:
    """The rows of one snapshot, `batch` at a time, payloads as of this call; `check` runs before each.

    In an order of their own all payloads are held until they have been given.
    """
    snapshot = state.snapshot
    batches = payload_batches(state, snapshot, where, batch)
    if order_by is not None:
        batches = _ordered(batches, order_by, batch)

    def records() -> Iterator[Record]:
        held = snapshot  # its rows stay as they are until the iterator ends
        check()
        for rows, texts in batches:
            yield from _records(state, rows, state.ids_of(rows), texts, with_vectors)
            check()
        del held

    return Scan(records(), len(snapshot.live) if where is None else None)


def _ordered(
    batches: Iterator[tuple[RowNumbers, list[bytes]]], order_by: str, batch: int
) -> Iterator[tuple[RowNumbers, list[bytes]]]:
    path, descending = order_of(order_by)
    keyed: list[tuple[tuple[int, Any], int, bytes]] = []
    last: list[tuple[int, bytes]] = []
    for rows, texts in batches:
        for row, text in zip(rows.tolist(), texts, strict=True):
            key = _sort_key(field_value(decode_payload(text), path))
            if key is None:
                last.append((row, text))
            else:
                keyed.append((key, row, text))
    keyed.sort(key=lambda each: each[0], reverse=descending)
    ordered = [(row, text) for _, row, text in keyed] + last

    def pages() -> Iterator[tuple[RowNumbers, list[bytes]]]:
        for first in range(0, len(ordered), batch):
            some = ordered[first : first + batch]
            yield np.array([row for row, _ in some], np.uint32), [text for _, text in some]

    return pages()


def _sort_key(value: Any) -> tuple[int, Any] | None:
    """Numbers, then text; of a list its first value. None for what has no order."""
    if isinstance(value, list):
        value = value[0] if value else None
    if value is MISSING or value is None or isinstance(value, dict | list):
        return None
    return (1, value) if isinstance(value, str) else (0, value)
