"""Writing to one collection: check everything, assign rows, journal, commit."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb import limits
from vecdb.collection.commit_queue import CommitQueue
from vecdb.collection.filtering import matching_rows
from vecdb.collection.keys import unpack_row
from vecdb.collection.records import Delete, Drop, Update, Upsert
from vecdb.collection.state import CollectionState, RowNumbers
from vecdb.collection.vector_input import rows_of
from vecdb.errors import (
    CollectionNotFound,
    DuplicateId,
    InvalidType,
    InvalidValue,
    LimitExceeded,
    StorageFull,
    VectorNotFound,
)
from vecdb.filters import Expression
from vecdb.ids import IdBatch, decode_id, encode_ids, first_duplicate
from vecdb.payload import decode_payload, encode_payloads
from vecdb.types import WriteResult

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
        encoded = _encoded(ids, "BATCH_ROWS", remedy="progress=True upserts more of them in batches")
        arrays = self._vectors(vectors, len(encoded))
        texts = [b"{}"] * len(encoded) if payloads is None else encode_payloads(payloads, self._state.schema.fields)
        if len(texts) != len(encoded):
            raise InvalidValue(argument="payloads", expected=f"{len(encoded)} payloads", received=len(texts))
        size = sum(array.nbytes for array in arrays) + sum(map(len, texts))
        if size > limits.BATCH_BYTES:
            raise LimitExceeded(limit="BATCH_BYTES", maximum=limits.BATCH_BYTES, received=size)
        if not encoded:
            return WriteResult(count=0, sequence=self._state.snapshot.sequence)
        data = [array.view(np.uint8).reshape(len(encoded), -1) for array in arrays]
        with self._lock:
            self._check_open()
            replaced = self._rows_of(encoded)
            rows = self._state.free_rows.assign(len(encoded))
            change = Upsert(self._state.number, rows, replaced[replaced >= 0].astype(np.uint32), encoded, texts, data)
            try:
                sequence = self._append(change, encoded, rows.tolist())
            except (StorageFull, LimitExceeded):
                self._state.free_rows.give_back(rows)
                raise
        self._commit(sequence, encoded)
        return WriteResult(count=len(encoded), sequence=sequence)

    def update(self, ids: IdBatch, changes: Mapping[str, Any], unset: Sequence[str]) -> WriteResult:
        """Sets and removes top-level payload fields of the rows that are there."""
        encoded = _encoded(ids)
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
        encoded = _encoded(ids)
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

    def _vectors(self, vectors: Any, count: int) -> list[npt.NDArray[np.float32]]:
        """One (count, d) array for each vector of the schema, in its order."""
        schema = self._state.schema
        if not isinstance(vectors, Mapping):
            if set(schema.vectors) != {""}:
                raise InvalidType(
                    argument="vectors", expected=f"a dict with {', '.join(map(repr, schema.vectors))}", received=vectors
                )
            vectors = {"": vectors}
        for name in vectors:
            if name not in schema.vectors:
                raise VectorNotFound(collection=schema.name, name=str(name), known=tuple(schema.vectors))
        arrays = []
        for name, vector in schema.vectors.items():
            if name not in vectors:
                raise InvalidValue(argument="vectors", expected=f"rows for vector '{name}'", received=sorted(vectors))
            array = rows_of(vectors[name], vector, schema.name, name)
            if len(array) != count:
                raise InvalidValue(argument="vectors", expected=f"{count} rows, one an id", received=len(array))
            arrays.append(array)
        return arrays

    def _check_open(self) -> None:
        if self._state.dropped:
            raise CollectionNotFound(name=self._state.schema.name)
        if self._unsure:
            self._commits.settle()  # then the store knows every id
            self._pending.clear()
            self._unsure = False


def _encoded(ids: IdBatch, limit: str = "IDS_MAXIMUM", remedy: str = "") -> list[bytes]:
    encoded = encode_ids(ids)
    maximum = getattr(limits, limit)
    if len(encoded) > maximum:
        raise LimitExceeded(limit=limit, maximum=maximum, received=len(encoded), remedy=remedy)
    twice = first_duplicate(encoded)
    if twice is not None:
        raise DuplicateId(id=decode_id(encoded[twice[0]]), first_row=twice[0], second_row=twice[1])
    return encoded
