"""Reading the payloads of a snapshot, and the rows among them that match a filter: exact, and slow on many rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.keys import row_of_key, unpack_row
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.filters import Expression, compile_filter
from vecdb.filters.expression import HasId
from vecdb.ids import Id, encode_ids
from vecdb.native.index import RowMask
from vecdb.payload import decode_payload

RowNumbers = npt.NDArray[np.uint32]

_CHUNK_ROWS: Final = 256
_CHUNK_BYTES: Final = 4 << 20  # of payloads that are read before the filter sees them


def payload_batches(
    state: CollectionState,
    snapshot: Snapshot,
    where: Expression | None,
    batch: int = _CHUNK_ROWS,
    deadline: Deadline = NEVER,
    *,
    bytes_maximum: float = inf,
    pairs: Iterable[tuple[bytes, bytes]] | None = None,
) -> Iterator[tuple[RowNumbers, list[bytes]]]:
    """Live rows, ascending, with their payloads, up to `batch` at a time; those that match if there is a filter.

    Fewer where their payloads have `bytes_maximum` together. All payloads are as of this call, whatever is updated
    while they are read, or as of `pairs`, a scan of them. FilterError before anything is read; Timeout between rows;
    Corrupted at the end if a row had none.
    """
    predicate = None if where is None else compile_filter(where, state.schema.fields)
    needs_ids = where is not None and _has_id(where)
    if pairs is None:
        pairs = state.key_value.scan(state.keys.payload_prefix)

    def batches() -> Iterator[tuple[RowNumbers, list[bytes]]]:
        live, seen = snapshot.live, 0
        for rows, texts in deadline.each(_chunks(pairs, live, batch, bytes_maximum)):
            seen += len(rows)
            if predicate is None:
                yield np.array(rows, np.uint32), texts
                continue
            ids: list[Id] = state.ids_of(np.array(rows, np.uint32)) if needs_ids else [0] * len(rows)
            matched = [
                place
                for place, (text, each) in enumerate(deadline.each(zip(texts, ids, strict=True)))
                if predicate(decode_payload(text), each)
            ]
            if matched:
                yield np.array([rows[place] for place in matched], np.uint32), [texts[place] for place in matched]
        if seen != len(live):
            raise state.lost(f"payloads of {len(live) - seen} rows are missing")

    return batches()


def matching_rows(state: CollectionState, snapshot: Snapshot, where: Expression, deadline: float = inf) -> RowMask:
    """The live rows whose payload and id match. FilterError before anything is read.

    TimeoutError once time.monotonic() passes `deadline`.
    """
    if isinstance(where, HasId):
        values = state.key_value.get_many(state.keys.ids(encode_ids(list(where.ids))))
        found = [unpack_row(value) for value in values if value is not None]
        # A row that is not live tells of a write that moves an id on just now; the scan below knows what was.
        if state.snapshot is snapshot and all(row in snapshot.live for row in found):
            return RowMask.of(np.array(found, np.uint32))
    until = NEVER if deadline == inf else Deadline(deadline - time.monotonic())
    batches = payload_batches(state, snapshot, where, _CHUNK_ROWS, until, bytes_maximum=_CHUNK_BYTES)
    rows = [rows for rows, _ in batches]
    return RowMask.of(np.concatenate(rows) if rows else np.empty(0, np.uint32))


def _chunks(
    pairs: Iterable[tuple[bytes, bytes]], live: RowMask, rows_maximum: int, bytes_maximum: float
) -> Iterator[tuple[list[int], list[bytes]]]:
    rows: list[int] = []
    texts: list[bytes] = []
    size = 0
    for key, text in pairs:
        row = row_of_key(key)
        if row in live:
            rows.append(row)
            texts.append(text)
            size += len(text)
            if len(rows) == rows_maximum or size >= bytes_maximum:
                yield rows, texts
                rows, texts, size = [], [], 0
    if rows:
        yield rows, texts


def _has_id(where: Expression) -> bool:
    return isinstance(where, HasId) or any(map(_has_id, where.parts))
