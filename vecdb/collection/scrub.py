"""Checking stored vectors against the checksums in the heads of their rows."""

from __future__ import annotations

from typing import Final

import numpy as np

from vecdb.collection.row_heads import joined_checksums
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.errors import Corrupted
from vecdb.native.rows import stored_checksums

_CHUNK_ROWS: Final = 1024


def scrub(state: CollectionState, bytes_maximum: int) -> bool:
    """Checks live rows from where the last call stopped, about `bytes_maximum` of them; True when all were checked.

    Corrupted names the file of the first vector or head that does not match; it is kept in state.damage.
    """
    left = bytes_maximum
    while left > 0:
        snapshot = state.snapshot
        rows = snapshot.live.rows(state.scrubbed_rows, _CHUNK_ROWS)
        if len(rows) == 0:
            state.scrubbed_rows = max(state.scrubbed_rows, state.opened_rows)
            return True
        check_rows(state, rows)
        state.scrubbed_rows = int(rows[-1]) + 1
        left -= len(rows) * state.row_bytes
    return False


def check_rows(state: CollectionState, rows: RowNumbers) -> None:
    """Corrupted if a vector of these rows is not what was written."""
    try:
        expected = state.heads.checksums(rows)
        found = joined_checksums([stored_checksums(column.store, rows) for column in state.columns.values()])
        wrong = np.flatnonzero(found != expected)
        if len(wrong):
            row = int(rows[wrong[0]])
            files = [column.rows.path_of(row) for column in state.columns.values()]
            also = f" (or its vector in {', '.join(files[1:])})" if len(files) > 1 else ""
            raise Corrupted(path=files[0], detail=f"the vector of row {row} does not match its checksum{also}")
    except Corrupted as error:
        state.damage = error
        raise
