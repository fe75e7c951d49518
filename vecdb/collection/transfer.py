"""The rows of one snapshot on their way out to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vecdb.collection.filtering import payload_batches
from vecdb.collection.scrub import check_rows
from vecdb.collection.state import CollectionState
from vecdb.exchange import files
from vecdb.exchange.form import RowBatch
from vecdb.payload import decode_payload
from vecdb.progress import Progress


def export(state: CollectionState, check: Callable[[], None], path: str | Path, progress: Progress) -> int:
    """Writes every row of one snapshot, durably; how many. See vecdb.exchange.files.

    `check` runs before each batch and stops the export by what it raises; nothing is left behind then.
    """

    def open_rows(step: int) -> tuple[int, Iterator[RowBatch]]:
        snapshot = state.snapshot
        found = payload_batches(state, snapshot, None, step)

        def batches() -> Iterator[RowBatch]:
            held = snapshot  # its rows are not reused until the last is written
            for rows, texts in found:
                check()
                check_rows(state, rows)
                vectors = {name: column.read(rows) for name, column in state.columns.items()}
                yield RowBatch(state.ids_of(rows), [decode_payload(text) for text in texts], vectors)
            del held

        return len(snapshot.live), batches()

    return files.export(open_rows, state.schema, path, progress)
