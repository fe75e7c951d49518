"""The hits of an embedded search: rows and distances; ids and payloads are read from the store when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, TypeVar

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
_T = TypeVar("_T")


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
        with_vectors: bool,
    ) -> None:
        self._distances = distances  # here and not by super(), which every search would pay for
        self.plan = plan
        self._state = state
        self._snapshot: Snapshot | None = snapshot
        self._rows = rows
        self._select = select
        self._ids: list[Id] | None = None
        self._payloads: list[dict[str, Any]] | None = None
        self._vectors = self._read_vectors() if with_vectors else None

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
    def payload_texts(self) -> list[bytes]:
        """The payloads as JSON, best first, as they are stored where `select` does not say otherwise."""
        return gathered_payloads([self])

    @property
    def vectors(self) -> Vectors | None:
        """By vector name the vectors of the hits, (n, d), best first; None where the search was not asked for them."""
        return self._vectors

    def _read_vectors(self) -> Vectors:
        return {name: column.read(self._rows) for name, column in self._state.columns.items()}


def gathered(hits: Sequence[StoredHits]) -> tuple[IdBatch, Floats, list[int]]:
    """All ids of the hits of one collection, all ranking distances (the negated scores), and how many each has.

    What has not been read yet is read by one call for all. Ids that are all integers are an array where none was read.
    """
    if not hits:
        return [], np.empty(0, np.float32), []
    held = [each._snapshot for each in hits]
    known = [each._ids for each in hits]
    state = hits[0]._state
    ids: IdBatch
    if known.count(None) == len(hits):
        assert all(each._state is state for each in hits), "hits of two collections"
        ids = state.id_batch_of(hits[0]._rows if len(hits) == 1 else np.concatenate([each._rows for each in hits]))
    else:
        listed: list[Id] = _filled(hits, known, state.ids_of)
        ids = listed
    del held
    distances = [each._distances for each in hits]
    return ids, distances[0] if len(hits) == 1 else np.concatenate(distances), list(map(len, distances))


def gathered_payloads(hits: Sequence[StoredHits], bytes_maximum: int | None = None) -> list[bytes]:
    """The payloads of the hits of one collection as JSON, one after the other, by one read of the store for all.

    LimitExceeded as soon as what is read has more than `bytes_maximum`.
    """
    if not hits:
        return []
    held = [each._snapshot for each in hits]
    known = [None if each._payloads is None else dumps_each(each._payloads) for each in hits]
    payloads_of = hits[0]._state.payloads_of
    texts = _filled(hits, known, lambda rows: payloads_of(rows, bytes_maximum))
    del held
    place = 0
    for each, written in zip(hits, known, strict=True):
        if written is None and each._select is not None:
            own = slice(place, place + len(each))
            texts[own] = dumps_each([_selected(decode_payload(text), each._select) for text in texts[own]])
        place += len(each)
    return texts


def _filled(
    hits: Sequence[StoredHits], known: list[list[_T] | None], read: Callable[[RowNumbers], list[_T]]
) -> list[_T]:
    """What is known of each hit, and where nothing is, what `read` gives for its rows."""
    if len(hits) == 1:
        return read(hits[0]._rows) if known[0] is None else known[0]
    assert all(each._state is hits[0]._state for each in hits), "hits of two collections"
    rows = [each._rows for each, have in zip(hits, known, strict=True) if have is None]
    found = iter(read(np.concatenate(rows))) if rows else iter(())
    filled: list[_T] = []
    for each, have in zip(hits, known, strict=True):
        filled += islice(found, len(each)) if have is None else have
    return filled


def _selected(payload: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: payload[name] for name in names if name in payload}
