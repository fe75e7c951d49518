"""The hits of an embedded search: rows and distances; ids and payloads are read from the store when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.hits import Floats, Hits
from vecdb.ids import Id, IdBatch
from vecdb.json_bytes import dumps_each
from vecdb.payload import decode_payload
from vecdb.types import Plan, Vectors

RowNumbers = npt.NDArray[np.uint32]


class StoredHits(Hits):
    """Rows of a snapshot. Ids and payloads are read on first use and kept; until then the rows are not reused.

    A payload that update() changed meanwhile is read as it is then. `select` names the payload fields to keep, None all
    of them.
    """

    __slots__ = ("_ids", "_payloads", "_rows", "_select", "_snapshot", "_state", "_vectors")

    def __init__(
        self,
        state: CollectionState,
        snapshot: Snapshot,
        rows: RowNumbers,
        distances: Floats,
        plan: Plan,
        select: Sequence[str] | None,
        vectors: Vectors | None,
        ids: list[Id] | None = None,
    ) -> None:
        self._distances = distances  # here and not by super(), which every search would pay for
        self.plan = plan
        self._state = state
        self._snapshot: Snapshot | None = snapshot
        self._rows = rows
        self._select = select
        self._ids = ids  # if they were read before
        self._payloads: list[dict[str, Any]] | None = None
        self._vectors = vectors

    @property
    def ids(self) -> list[Id]:
        """The ids, best first."""
        if self._ids is None:
            self._ids = self._state.ids_of(self._rows)
        return self._ids

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The payloads, best first."""
        held = self._snapshot  # another thread may let go of it meanwhile
        if self._payloads is None:
            ids = self.ids
            payloads = [decode_payload(text) for text in self._state.payloads_of(self._rows)]
            if self._select is not None:
                payloads = [_selected(each, self._select) for each in payloads]
            self._payloads = payloads
            self._snapshot = None  # nothing more to read: the rows may go
            assert len(ids) == len(payloads)
        del held
        return self._payloads

    @property
    def vectors(self) -> Vectors | None:
        """By vector name the vectors of the hits, (n, d), best first; None where the search was not asked for them."""
        return self._vectors

    def id_batch(self) -> IdBatch:
        """The ids, best first: an array if all are integers and they were not read before."""
        return self._state.id_batch_of(self._rows) if self._ids is None else self._ids

    def payload_texts(self, bytes_maximum: int | None = None) -> list[bytes]:
        """The payloads as JSON, best first; LimitExceeded as soon as what is read has more than `bytes_maximum`."""
        held = self._snapshot
        if self._payloads is not None:
            return dumps_each(self._payloads)
        texts = payload_texts_of(self._state, self._rows, self._select, bytes_maximum)
        del held
        return texts


def payload_texts_of(
    state: CollectionState, rows: RowNumbers, select: Sequence[str] | None, bytes_maximum: int | None
) -> list[bytes]:
    """The payloads of rows that a snapshot holds as JSON, of the fields that `select` names if it does, by one read.

    LimitExceeded as soon as what is read has more than `bytes_maximum`.
    """
    texts = state.payloads_of(rows, bytes_maximum)
    if select is None:
        return texts
    return dumps_each([_selected(decode_payload(text), select) for text in texts])


def vectors_of(state: CollectionState, rows: RowNumbers) -> Vectors:
    """By vector name the vectors of rows that a snapshot holds, (n, d)."""
    return {name: column.read(rows) for name, column in state.columns.items()}


def _selected(payload: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: payload[name] for name in names if name in payload}
