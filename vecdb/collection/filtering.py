"""The rows that match a filter, found by reading payloads: exact, and slow on many rows."""

from __future__ import annotations

from typing import Final

import numpy as np

from vecdb.collection.keys import row_of_key, unpack_row
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.filters import Expression, compile_filter
from vecdb.filters.expression import HasId
from vecdb.ids import Id, encode_ids
from vecdb.native.index import RowMask
from vecdb.payload import decode_payload

_CHUNK_ROWS: Final = 256


def matching_rows(state: CollectionState, snapshot: Snapshot, where: Expression) -> RowMask:
    """The live rows whose payload and id match. FilterError before anything is read."""
    predicate = compile_filter(where, state.schema.fields)
    if isinstance(where, HasId):
        values = state.key_value.get_many(state.keys.ids(encode_ids(list(where.ids))))
        found = [unpack_row(value) for value in values if value is not None]
        # A row that is not live tells of a write that moves an id on just now; the scan below knows what was.
        if state.snapshot is snapshot and all(row in snapshot.live for row in found):
            return RowMask.of(np.array(found, np.uint32))
    needs_ids = _has_id(where)
    matching: list[int] = []
    rows: list[int] = []
    texts: list[bytes] = []

    def test() -> None:
        ids: list[Id] = state.ids_of(np.array(rows, np.uint32)) if needs_ids else [0] * len(rows)
        for row, text, each in zip(rows, texts, ids, strict=True):
            if predicate(decode_payload(text), each):
                matching.append(row)
        rows.clear()
        texts.clear()

    live = snapshot.live
    for key, text in state.key_value.scan(state.keys.payload_prefix):
        row = row_of_key(key)
        if row in live:
            rows.append(row)
            texts.append(text)
            if len(rows) == _CHUNK_ROWS:
                test()
    test()
    return RowMask.of(np.array(matching, np.uint32))


def _has_id(where: Expression) -> bool:
    return isinstance(where, HasId) or any(map(_has_id, where.parts))
