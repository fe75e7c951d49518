"""A batch of rows that came in one message or in several, put together."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from vecdb.errors import InvalidValue, LimitExceeded
from vecdb.ids import IdBatch
from vecdb.proto.convert.ids import ids_count, ids_from_message
from vecdb.proto.convert.matrices import check_number_of_matrices, from_named_matrices
from vecdb.proto.convert.payloads import payloads_from_bytes
from vecdb.proto.v1 import points_pb2, types_pb2
from vecdb.server.engine import Engine

Batch = tuple[types_pb2.CollectionRef, IdBatch, dict[str, npt.NDArray[Any]], list[Any] | None]


class UpsertParts:
    """The parts so far; true if there are any. Their bytes count as under way until clear()."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._parts: list[points_pb2.UpsertRequest] = []
        self._held_bytes = 0
        self._data_bytes = 0  # as the engine counts a batch
        self._rows = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()

    def add(self, part: points_pb2.UpsertRequest, taken_bytes: int) -> None:
        """Keeps a part and what was taken from the budget for its message, which clear() gives back.

        LimitExceeded; InvalidValue: another collection. Then what was taken stays the caller's.
        """
        if self._parts and part.collection != self._parts[0].collection:
            raise InvalidValue(argument="collection", expected="the same in each part", received=part.collection.name)
        # Each has a cost of its own, however few bytes it came in.
        self._engine.check_at_most("BATCH_ROWS", len(self._parts) + 1)
        self._rows += ids_count(part.ids)
        self._engine.check_at_most("BATCH_ROWS", self._rows)
        check_number_of_matrices(part.vectors)
        self._data_bytes += sum(len(each.matrix.data) for each in part.vectors) + len(part.payloads)
        self._engine.check_at_most("BATCH_BYTES", self._data_bytes)
        self._held_bytes += taken_bytes
        self._parts.append(part)

    def check_room(self, size: int) -> None:
        """LimitExceeded where the parts and a message of `size` bytes are more than all calls may have together.

        Such a batch is not refused as Overloaded: there would never be room for it.
        """
        maximum, received = self._engine.in_flight.maximum, self._held_bytes + size
        if received > maximum:
            raise LimitExceeded(limit="BATCH_BYTES", maximum=maximum, received=received)

    def joined(self) -> Batch:
        """The collection, ids, vectors by name and payloads of all parts in order."""
        ids: list[Any] = []
        vectors: list[dict[str, npt.NDArray[Any]]] = []
        payloads: list[list[Any] | None] = []
        for part in self._parts:
            ids.append(ids_from_message(part.ids, limit="BATCH_ROWS"))
            vectors.append(from_named_matrices(part.vectors, "vectors"))
            payloads.append(payloads_from_bytes(part.payloads, len(ids[-1]), "payloads") if part.payloads else None)
        ref = self._parts[0].collection
        if len(self._parts) == 1:
            return ref, ids[0], vectors[0], payloads[0]
        names = vectors[0].keys()
        if any(each.keys() != names for each in vectors):
            raise InvalidValue(argument="vectors", expected="the same names in each part", received=sorted(names))
        every: IdBatch = np.concatenate(ids) if all(isinstance(each, np.ndarray) for each in ids) else _listed(ids)
        given = any(each is not None for each in payloads)
        texts = [row for each, some in zip(payloads, ids, strict=True) for row in (each or [None] * len(some))]
        try:
            joined = {name: np.concatenate([each[name] for each in vectors]) for name in names}
        except ValueError:
            shapes = [each[name].shape for name in names for each in vectors]
            raise InvalidValue(argument="vectors", expected="one dimension in all parts", received=shapes) from None
        return ref, every, joined, texts if given else None

    def clear(self) -> None:
        """Forgets the parts."""
        self._engine.in_flight.give_back(self._held_bytes)
        self._held_bytes = self._data_bytes = self._rows = 0
        self._parts.clear()


def _listed(ids: list[Any]) -> list[Any]:
    return [each for some in ids for each in (some.tolist() if isinstance(some, np.ndarray) else some)]
