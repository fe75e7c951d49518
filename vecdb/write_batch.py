"""Rows of one upsert, checked as far as it goes without the collection's rows: the same at every door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vecdb import limits
from vecdb.errors import InvalidType, InvalidValue, LimitExceeded, VectorNotFound
from vecdb.ids import IdBatch, encode_distinct
from vecdb.payload import encode_payloads
from vecdb.schema import CollectionSchema
from vecdb.vector_input import Rows, rows_of


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """For each row an id, its payload as JSON and a row of each (n, d) array, in the order of the schema's vectors."""

    ids: list[bytes]  # as vecdb.ids encodes them
    vectors: list[Rows]  # of any numbers: the collection refuses NaN, infinity, and zero under cosine
    payloads: list[bytes]

    def __len__(self) -> int:
        return len(self.ids)


def write_batch(
    schema: CollectionSchema, ids: IdBatch, vectors: Any, payloads: Sequence[Mapping[str, Any] | None] | None
) -> WriteBatch:
    """The batch of an upsert call; `vectors` is (n, d), or a dict of them by vector name.

    InvalidId, DuplicateId, VectorNotFound, InvalidVector, DimensionMismatch, InvalidPayload, InvalidType, InvalidValue,
    LimitExceeded.
    """
    encoded = encode_distinct(ids, "BATCH_ROWS", remedy="progress=True upserts more of them in batches")
    arrays = _arrays(schema, vectors, len(encoded))
    texts = [b"{}"] * len(encoded) if payloads is None else encode_payloads(payloads, schema.fields)
    if len(texts) != len(encoded):
        raise InvalidValue(argument="payloads", expected=f"{len(encoded)} payloads", received=len(texts))
    size = sum(array.nbytes for array in arrays) + sum(map(len, texts))
    if size > limits.BATCH_BYTES:
        raise LimitExceeded(limit="BATCH_BYTES", maximum=limits.BATCH_BYTES, received=size)
    return WriteBatch(encoded, arrays, texts)


def _arrays(schema: CollectionSchema, vectors: Any, count: int) -> list[Rows]:
    """One (count, d) array for each vector of the schema, in its order."""
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
