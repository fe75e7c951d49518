"""Reading rows: by id, and those of a page."""

from __future__ import annotations

from typing import Final, cast

import numpy as np

from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.keys import unpack_row
from vecdb.collection.reply_bytes import reply_too_large
from vecdb.collection.scrub import check_rows
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.ids import Id, IdBatch, decode_id, encode_within
from vecdb.payload import decode_payload
from vecdb.types import Record

_ATTEMPTS: Final = 3


def get(
    state: CollectionState,
    commits: CommitQueue,
    ids: IdBatch,
    with_vectors: bool,
    bytes_maximum: int | None = None,
    deadline: Deadline = NEVER,
) -> list[Record]:
    """The rows of ids in the order asked, all as of one moment; missing ones left out. Corrupted, Timeout.

    LimitExceeded as soon as they have more than `bytes_maximum`: one small request may name much.
    """
    encoded = encode_within(ids)
    for _ in range(_ATTEMPTS):
        before = state.snapshot
        records = _get(state, encoded, with_vectors, bytes_maximum, deadline)
        if records is not None and state.snapshot is before:
            return records
    # Writes keep coming: hold them off for one read. One that was interrupted half way is finished first.
    with deadline.holding(commits.apply_lock):
        commits.settle()
        records = _get(state, encoded, with_vectors, bytes_maximum, deadline)
    if records is None:
        raise state.lost("an id leads to a row that is not there")
    return records


def records_of(
    state: CollectionState,
    rows: RowNumbers,
    ids: list[Id],
    texts: list[bytes],
    with_vectors: bool,
    deadline: Deadline,
) -> list[Record]:
    """The records of rows whose ids and payloads were read; their vectors are checked. Corrupted, Timeout."""
    payloads = [decode_payload(text) for text in deadline.each(texts)]
    if not with_vectors:
        return [Record(id=each, payload=payload) for each, payload in zip(ids, payloads, strict=True)]
    check_rows(state, rows)
    arrays = {name: column.read(rows) for name, column in state.columns.items()}
    return [
        Record(id=each, payload=payload, vectors={name: array[place] for name, array in arrays.items()})
        for place, (each, payload) in enumerate(zip(ids, payloads, strict=True))
    ]


def _get(
    state: CollectionState, encoded: list[bytes], with_vectors: bool, bytes_maximum: int | None, deadline: Deadline
) -> list[Record] | None:
    """None when a write came between."""
    deadline.check()
    snapshot = state.snapshot
    values = state.key_value.get_many(state.keys.ids(encoded))
    found = [(each, unpack_row(value)) for each, value in zip(encoded, values, strict=True) if value is not None]
    if not found:
        return []
    rows = np.array([row for _, row in found], np.uint32)
    if any(row not in snapshot.live for _, row in found):
        return None
    if with_vectors and bytes_maximum is not None and len(rows) * state.read_row_bytes > bytes_maximum:
        raise reply_too_large(bytes_maximum, len(rows) * state.read_row_bytes)
    texts = state.stored_payloads(rows, bytes_maximum, deadline)
    if None in texts:
        if state.snapshot is not snapshot:
            return None
        raise state.lost(f"the payload of row {int(rows[texts.index(None)])} is missing")
    ids = [decode_id(each) for each, _ in found]
    return records_of(state, rows, ids, cast("list[bytes]", texts), with_vectors, deadline)
