"""Batches of an upsert: what they become, and what is refused before a collection is asked."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from vecdb import errors, limits
from vecdb.ids import Id, decode_id
from vecdb.schema import CollectionSchema, Vector
from vecdb.write_batch import write_batch

ONE = CollectionSchema(name="docs", vectors={"": Vector(2)}, fields={"year": "integer"})
TWO = CollectionSchema(name="docs", vectors={"text": Vector(2, metric="l2"), "image": Vector(3)})


def test_rows_stay_in_their_order() -> None:
    ids: list[Id] = [7, "a", UUID(int=5)]
    image, text = np.arange(9, dtype=np.float32).reshape(3, 3), np.ones((3, 2), np.float32)
    batch = write_batch(TWO, ids, {"image": image, "text": text}, [{"a": 1}, None, {}])
    assert len(batch) == 3
    assert [decode_id(each) for each in batch.ids] == ids
    assert [json.loads(each) for each in batch.payloads] == [{"a": 1}, {}, {}]
    assert batch.vectors[0] is text
    assert batch.vectors[1] is image


def test_no_rows_are_a_batch() -> None:
    batch = write_batch(ONE, [], [], None)
    assert (len(batch), batch.payloads, batch.vectors[0].shape) == (0, [], (0, 2))


def test_numbers_are_left_to_the_collection() -> None:
    assert np.isnan(write_batch(ONE, [1], [[np.nan, 0]], None).vectors[0][0, 0])


@pytest.mark.parametrize(
    ("schema", "ids", "vectors", "payloads", "kind", "facts"),
    [
        (ONE, [1, 2, 1], np.ones((3, 2)), None, errors.DuplicateId, {"id": 1, "first_row": 0, "second_row": 2}),
        (ONE, [1, -2], np.ones((2, 2)), None, errors.InvalidId, {"row": 1}),
        (ONE, "ab", np.ones((2, 2)), None, errors.InvalidType, {"argument": "ids"}),
        (ONE, [1], np.ones((2, 2)), None, errors.InvalidValue, {"argument": "vectors", "received": 2}),
        (ONE, [1], np.ones((1, 3)), None, errors.DimensionMismatch, {"vector": "", "expected": 2, "received": 3}),
        (ONE, [1], {"x": np.ones((1, 2))}, None, errors.VectorNotFound, {"name": "x", "known": ("",)}),
        (ONE, [1], [["a", "b"]], None, errors.InvalidVector, {"vector": "", "collection": "docs"}),
        (ONE, [1], np.ones((1, 2)), [{}, {}], errors.InvalidValue, {"argument": "payloads", "received": 2}),
        (ONE, [1], np.ones((1, 2)), {"a": 1}, errors.InvalidType, {"argument": "payloads"}),
        (ONE, [1, 2], np.ones((2, 2)), [{}, {"year": "x"}], errors.InvalidPayload, {"row": 1, "field": "year"}),
        (TWO, [1], np.ones((1, 2)), None, errors.InvalidType, {"argument": "vectors"}),
        (TWO, [1], {"text": np.ones((1, 2))}, None, errors.InvalidValue, {"received": ["text"]}),
        (
            ONE,
            range(limits.BATCH_ROWS + 1),
            np.ones((1, 2)),
            None,
            errors.LimitExceeded,
            {"limit": "BATCH_ROWS", "received": limits.BATCH_ROWS + 1},
        ),
    ],
)
def test_what_is_refused(
    schema: CollectionSchema, ids: Any, vectors: Any, payloads: Any, kind: type[errors.Error], facts: dict[str, Any]
) -> None:
    with pytest.raises(kind) as raised:
        write_batch(schema, ids, vectors, payloads)
    assert {name: getattr(raised.value, name) for name in facts} == facts


def test_bytes_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = {"text": "x" * 90}
    size = 2 * 2 * 4 + len(json.dumps(payload, separators=(",", ":"))) + len("{}")
    monkeypatch.setattr(limits, "BATCH_BYTES", size)
    assert len(write_batch(ONE, [1, 2], np.ones((2, 2)), [payload, None])) == 2
    monkeypatch.setattr(limits, "BATCH_BYTES", size - 1)
    with pytest.raises(errors.LimitExceeded) as raised:
        write_batch(ONE, [1, 2], np.ones((2, 2)), [payload, None])
    assert raised.value.received == size
