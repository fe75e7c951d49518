"""Reading the payloads of a snapshot, and the rows among them that match a filter: exact, and slow on many rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from math import inf

import numpy as np
import numpy.typing as npt

from vecdb.collection.keys import row_of_key, unpack_row
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.filters import Expression, compile_filter
from vecdb.filters.expression import HasId
from vecdb.ids import Id, encode_ids
from vecdb.native.index import RowMask
from vecdb.payload import decode_payload

RowNumbers = npt.NDArray[np.uint32]

_CHUNK_ROWS = 256


def payload_batches(
    state: CollectionState,
    snapshot: Snapshot,
    where: Expression | None,
    batch: int = _CHUNK_ROWS,
    deadline: float = inf,
) -> Iterator[tuple[RowNumbers, list[bytes]]]:
    """Live rows, ascending, with their payloads, up to `batch` at a time; those that match if there is a filter.

    All payloads are as of this call, whatever is updated while they are read. FilterError before anything is read;
    TimeoutError once time.monotonic() passes `deadline`; Corrupted at the end if a row had none.
    """
    predicate = None if where is None else compile_filter(where, state.schema.fields)
    needs_ids = where is not None and _has_id(where)
    pairs = state.key_value.scan(state.keys.payload_prefix)

    def batches() -> Iterator[tuple[RowNumbers, list[bytes]]]:
        live, seen = snapshot.live, 0
        found = ((row, text) for row, text in ((row_of_key(key), text) for key, text in pairs) if row in live)
        while some := list(islice(found, batch)):
            if time.monotonic() > deadline:
                raise TimeoutError
            seen += len(some)
            if predicate is not None:
                ids: list[Id] = [0] * len(some)
                if needs_ids:
                    ids = state.ids_of(np.array([row for row, _ in some], np.uint32))
                some = [pair for pair, each in zip(some, ids, strict=True) if predicate(decode_payload(pair[1]), each)]
            if some:
                yield np.array([row for row, _ in some], np.uint32), [text for _, text in some]
        if seen != len(live):
            raise state.lost(f"payloads of {len(live) - seen} rows are missing")

    return batches()


def matching_rows(state: CollectionState, snapshot: Snapshot, where: Expression, deadline: float = inf) -> RowMask:
    """The live rows whose payload and id match. FilterError before anything is read; TimeoutError: payload_batches."""
    if isinstance(where, HasId):
        values = state.key_value.get_many(state.keys.ids(encode_ids(list(where.ids))))
        found = [unpack_row(value) for value in values if value is not None]
        # A row that is not live tells of a write that moves an id on just now; the scan below knows what was.
        if state.snapshot is snapshot and all(row in snapshot.live for row in found):
            return RowMask.of(np.array(found, np.uint32))
    rows = [rows for rows, _ in payload_batches(state, snapshot, where, deadline=deadline)]
    return RowMask.of(np.concatenate(rows) if rows else np.empty(0, np.uint32))


def _has_id(where: Expression) -> bool:
    return isinstance(where, HasId) or any(map(_has_id, where.parts))
