"""The rows of one upsert as messages: one, or several where they are too large for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from vecdb.client.message_size import ROW_BYTES, cut
from vecdb.ids import IdBatch
from vecdb.proto.convert.ids import fill_ids
from vecdb.proto.convert.matrices import Matrix, fill_named_matrices
from vecdb.proto.convert.payloads import payloads_to_bytes
from vecdb.proto.v1 import points_pb2, types_pb2
from vecdb.schema import CollectionSchema
from vecdb.write_batch import write_batch

_FLOAT16: Final = np.dtype(np.float16)


class UpsertMessages:
    """A checked batch of rows, ready to be sent. What write_batch refuses is refused here."""

    def __init__(
        self,
        ref: types_pb2.CollectionRef,
        schema: CollectionSchema,
        ids: IdBatch,
        vectors: Any,
        payloads: Sequence[Mapping[str, Any] | None] | None,
        message_bytes: int,
    ) -> None:
        batch = write_batch(schema, ids, vectors, payloads)
        self._ref = ref
        self._ids = ids if isinstance(ids, np.ndarray) else list(ids)
        self._vectors = {
            name: _sent(vectors, name, array) for name, array in zip(schema.vectors, batch.vectors, strict=True)
        }
        self._texts = None if payloads is None else batch.payloads
        self.rows = len(batch)
        self.slices = [slice(0, self.rows)]
        id_bytes = sum(map(len, batch.ids))
        self.bytes = id_bytes + sum(map(len, batch.payloads)) + sum(array.nbytes for array in self._vectors.values())
        if self.bytes + self.rows * ROW_BYTES > message_bytes:
            row_bytes = np.fromiter(map(len, batch.ids), np.int64, self.rows)
            row_bytes += np.fromiter(map(len, batch.payloads), np.int64, self.rows) + ROW_BYTES
            row_bytes += sum(array.dtype.itemsize * array.shape[1] for array in self._vectors.values())
            self.slices = cut(row_bytes, message_bytes)

    def whole(self) -> points_pb2.UpsertRequest:
        """All rows in one request."""
        request = points_pb2.UpsertRequest()
        self._fill(request, self.slices[0])
        return request

    def parts(self) -> Iterator[points_pb2.WriteRequest]:
        """All rows for the Write stream, in as many messages as they need, which are one batch."""
        for some in self.slices:
            message = points_pb2.WriteRequest(more=some is not self.slices[-1])
            self._fill(message.upsert, some)
            yield message

    def _fill(self, request: points_pb2.UpsertRequest, some: slice) -> None:
        request.collection.CopyFrom(self._ref)
        fill_ids(request.ids, self._ids[some])
        fill_named_matrices(request.vectors, {name: array[some] for name, array in self._vectors.items()})
        if self._texts is not None:
            request.payloads = payloads_to_bytes(self._texts[some])


def _sent(vectors: Any, name: str, checked: Matrix) -> Matrix:
    """An array of float16 goes as it is, in half the bytes; anything else as the float32 that was made of it."""
    given = vectors[name] if isinstance(vectors, Mapping) else vectors
    if isinstance(given, np.ndarray) and given.dtype == _FLOAT16 and given.ndim == 2:
        return given
    return checked
