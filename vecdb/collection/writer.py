"""Writing to one collection: check everything, assign rows, journal, commit."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.filtering import matching_rows
from vecdb.collection.keys import unpack_row
from vecdb.collection.records import Delete, Drop, Update, Upsert
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.collection.vector_input import stored_rows
from vecdb.errors import CollectionNotFound, LimitExceeded, StorageFull
from vecdb.filters import Expression
from vecdb.ids import IdBatch, encode_distinct, encode_ids
from vecdb.payload import decode_payload, encode_payload, encode_payloads
from vecdb.types import WriteResult
from vecdb.write_batch import write_batch

_ABSENT: Final = -1


class Writer:
    """The write verbs of a collection. Calls from many threads are serialised up to the journal and share its sync."""

    def __init__(self, state: CollectionState, commits: CommitQueue) -> None:
        self._state = state
        self._commits = commits
        self._lock = threading.Lock()
        # Ids appended to the journal and not yet applied: (sequence, row or _ABSENT).
        self._pending: dict[bytes, tuple[int, int]] = {}
        self._unsure = False  # an interrupt may have come between a record and its ids in _pending

    def upsert(self, ids: IdBatch, vectors: Any, payloads: Sequence[Mapping[str, Any] | None] | None) -> WriteResult:
        """Inserts rows, or replaces those whose id is there. All or nothing."""
        schema = self._state.schema
        batch = write_batch(schema, ids, vectors, payloads)
        encoded, texts = batch.ids, batch.payloads
        data = [
            stored_rows(array, vector, schema.name, name)
            for array, (name, vector) in zip(batch.vectors, schema.vectors.items(), strict=True)
        ]
        del batch  # arrays that were copied may go
        if not encoded:
            return WriteResult(count=0, sequence=self._state.snapshot.sequence)
        with self._lock:
            self._check_open()
            replaced = self._rows_of(encoded)
            rows = self._state.free_rows.assign(len(encoded))
            retired = replaced[replaced >= 0].astype(np.uint32)
            change = Upsert(self._state.number, rows, retired, encoded, texts, data)
            try:
                sequence = self._append(change, encoded, rows.tolist())
            except (StorageFull, LimitExceeded):
                self._state.free_rows.give_back(rows)
                raise
        self._commit(sequence, encoded)
        return WriteResult(count=len(encoded), sequence=sequence)

    def update(self, ids: IdBatch, changes: Mapping[str, Any], unset: Sequence[str]) -> WriteResult:
        """Sets and removes top-level payload fields of the rows that are there."""
        encoded = encode_distinct(ids)
        encode_payload(dict(changes))  # refused whether or not there are rows to change
        with self._lock:
            self._check_open()
            self._commits.settle()
            rows, present = self._present(encoded)
            if len(rows) == 0:
                return WriteResult(count=0, sequence=self._state.snapshot.sequence, missing=len(encoded))
            payloads = []
            for text in self._state.payloads_of(rows):
                payload = decode_payload(text)
                payload.update(changes)
                payloads.append({key: value for key, value in payload.items() if key not in unset})
            texts = encode_payloads(payloads, self._state.schema.fields)
            sequence = self._commits.append(Update(self._state.number, rows, texts))
            self._commits.commit(sequence)
        return WriteResult(count=len(present), sequence=sequence, missing=len(encoded) - len(present))

    def delete(self, ids: IdBatch) -> WriteResult:
        """Deletes the rows that are there."""
        encoded = encode_distinct(ids)
        with self._lock:
            self._check_open()
            rows, present = self._present(encoded)
            if len(rows) == 0:
                self._commits.settle()
                return WriteResult(count=0, sequence=self._state.snapshot.sequence, missing=len(encoded))
            sequence = self._append_delete(rows, present)
        self._commit(sequence, present)
        return WriteResult(count=len(present), sequence=sequence, missing=len(encoded) - len(present))

    def delete_where(self, where: Expression) -> WriteResult:
        """Deletes the rows that match. Other writers wait, so that what matched is what goes."""
        with self._lock:
            self._check_open()
            self._commits.settle()
            snapshot = self._state.snapshot
            rows = matching_rows(self._state, snapshot, where).rows()
            if len(rows) == 0:
                return WriteResult(count=0, sequence=snapshot.sequence)
            encoded = encode_ids(self._state.ids_of(rows))
            sequence = self._append_delete(rows, encoded)
        self._commit(sequence, encoded)
        return WriteResult(count=len(encoded), sequence=sequence)

    def drop(self) -> None:
        """Deletes the collection. Writes that wait for their turn meanwhile find it gone."""
        with self._lock:
            self._check_open()
            self._commits.commit(self._commits.append(Drop(self._state.number)))

    def _append_delete(self, rows: RowNumbers, encoded: list[bytes]) -> int:
        return self._append(Delete(self._state.number, rows, encoded), encoded, [_ABSENT] * len(encoded))

    def _append(self, change: Upsert | Delete, encoded: list[bytes], rows: list[int]) -> int:
        try:
            sequence = self._commits.append(change)
            self._pending.update(zip(encoded, ((sequence, row) for row in rows), strict=True))
        except (StorageFull, LimitExceeded):
            raise  # nothing was written
        except BaseException:
            self._unsure = True
            raise
        return sequence

    def _commit(self, sequence: int, encoded: list[bytes]) -> None:
        self._commits.commit(sequence)
        with self._lock:
            for each in encoded:
                waiting = self._pending.get(each)
                if waiting is not None and waiting[0] == sequence:
                    del self._pending[each]

    def _present(self, encoded: list[bytes]) -> tuple[RowNumbers, list[bytes]]:
        found = self._rows_of(encoded)
        present = [each for each, row in zip(encoded, found.tolist(), strict=True) if row >= 0]
        return found[found >= 0].astype(np.uint32), present

    def _rows_of(self, encoded: list[bytes]) -> npt.NDArray[np.int64]:
        """The row each id has once everything appended is applied; _ABSENT where it has none."""
        values = self._state.key_value.get_many(self._state.keys.ids(encoded))
        rows = np.fromiter((_ABSENT if value is None else unpack_row(value) for value in values), np.int64, len(values))
        if self._pending:
            for place, each in enumerate(encoded):
                waiting = self._pending.get(each)
                if waiting is not None:
                    rows[place] = waiting[1]
        return rows

    def _check_open(self) -> None:
        if self._state.dropped:
            raise CollectionNotFound(name=self._state.schema.name)
        if self._unsure:
            self._commits.settle()  # then the store knows every id
            self._pending.clear()
            self._unsure = False
