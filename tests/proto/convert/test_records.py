"""Records survive the wire as columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proto.convert.test_ids import batches
from tests.proto.convert.test_payloads import objects
from vecdb.errors import InvalidValue
from vecdb.proto.convert.matrices import named_matrices
from vecdb.proto.convert.records import records_from_message, records_to_message
from vecdb.proto.v1 import types_pb2
from vecdb.types import Record


@st.composite
def record_lists(draw: st.DrawFn) -> list[Record]:
    ids = draw(batches)
    names = draw(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, unique=True))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return [
        Record(
            id=each,
            payload=draw(objects),
            vectors={name: random.standard_normal(2 + len(name)).astype(np.float32) for name in names},
        )
        for each in ids
    ]


def sent(records: list[Record], with_vectors: bool) -> list[Record]:
    message = records_to_message(records, with_vectors)
    return records_from_message(types_pb2.Records.FromString(message.SerializeToString()))


@given(record_lists(), st.booleans())
def test_records_come_back_equal(records: list[Record], with_vectors: bool) -> None:
    found = sent(records, with_vectors)
    assert found == records
    for one, other in zip(found, records, strict=True):
        assert (one.vectors is not None) == with_vectors
        if one.vectors is not None and other.vectors is not None:
            assert {name: each.tolist() for name, each in one.vectors.items()} == {
                name: each.tolist() for name, each in other.vectors.items()
            }
            assert list(one.vectors) == list(other.vectors)


def test_vectors_are_read_only_rows_of_one_array() -> None:
    records = [Record(id=n, payload={}, vectors={"": np.full(4, n, np.float32)}) for n in range(3)]
    found = sent(records, with_vectors=True)
    bases = {id(each.vectors[""].base) for each in found if each.vectors is not None}
    assert len(bases) == 1
    assert all(not each.vectors[""].flags.writeable for each in found if each.vectors is not None)


def test_payloads_of_another_server_may_be_null_or_absent() -> None:
    message = types_pb2.Records(ids=types_pb2.Ids(integers=bytes(16)), payloads=b'[null, {"a": 1}]')
    assert [each.payload for each in records_from_message(message)] == [{}, {"a": 1}]
    message.payloads = b""
    assert [each.payload for each in records_from_message(message)] == [{}, {}]


@pytest.mark.parametrize(
    "message",
    [
        types_pb2.Records(payloads=b"[{}]"),
        types_pb2.Records(ids=types_pb2.Ids(integers=bytes(8)), payloads=b"[]"),
        types_pb2.Records(vectors=named_matrices({"": np.zeros((1, 2), np.float32)})),
        types_pb2.Records(
            ids=types_pb2.Ids(integers=bytes(8)),
            vectors=named_matrices({"": np.zeros((1, 2), np.float32), "a": np.zeros((2, 2), np.float32)}),
        ),
    ],
)
def test_columns_of_different_length_are_refused(message: Any) -> None:
    with pytest.raises(InvalidValue, match=r"records\."):
        records_from_message(message)


def test_payloads_are_one_json_array() -> None:
    message = records_to_message([Record(id=1, payload={"a": [1.5, None]}), Record(id=2, payload={})], False)
    assert json.loads(message.payloads) == [{"a": [1.5, None]}, {}]
