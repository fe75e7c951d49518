"""Vectors survive the wire bit for bit, and a message whose shape and bytes disagree is refused."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vecdb import limits
from vecdb.errors import InvalidValue, LimitExceeded
from vecdb.proto.convert.matrices import (
    fill_named_matrices,
    from_named_matrices,
    matrix_from_message,
    matrix_to_message,
    named_matrices,
)
from vecdb.proto.v1 import points_pb2, types_pb2

FLOAT32 = types_pb2.COMPONENT_TYPE_FLOAT32
matrices = st.sampled_from([np.float32, np.float16]).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=2, max_dims=2, max_side=6))
)


@given(matrices)
def test_matrices_come_back_bit_for_bit(array: Any) -> None:
    message = types_pb2.Matrix.FromString(matrix_to_message(array).SerializeToString())
    found = matrix_from_message(message, "queries")
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert not found.flags.writeable


def test_components_are_little_endian() -> None:
    message = matrix_to_message(np.array([[1, -2], [0.5, 3]], np.float32))
    assert message.data == struct.pack("<4f", 1, -2, 0.5, 3)
    assert matrix_to_message(np.array([1, -2], np.float16)).data == struct.pack("<2e", 1, -2)
    assert matrix_to_message(np.array([1, -2], ">f4")).data == struct.pack("<2f", 1, -2)


def test_one_vector_is_one_row() -> None:
    message = matrix_to_message(np.zeros(3, np.float32))
    assert (message.rows, message.dimension) == (1, 3)


@pytest.mark.parametrize("order", ["F", "strided"])
def test_the_layout_in_memory_does_not_matter(order: str) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    given_array = np.asfortranarray(array) if order == "F" else np.repeat(array, 2, axis=0)[::2]
    assert matrix_to_message(given_array).data == array.tobytes()


def test_other_types_are_the_callers_fault() -> None:
    with pytest.raises(KeyError):
        matrix_to_message(np.zeros((1, 2)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "rows", "dimension", "size"),
    [
        (types_pb2.COMPONENT_TYPE_UNSPECIFIED, 1, 1, 4),
        (9, 1, 1, 4),
        (FLOAT32, 1, 1, 3),
        (FLOAT32, 1, 1, 8),
        (FLOAT32, 2, 3, 4 * 5),
        (types_pb2.COMPONENT_TYPE_FLOAT16, 1, 1, 4),
        (FLOAT32, 2**32 - 1, 2**32 - 1, 4),
        (FLOAT32, 2**32 - 1, 0, 0),
        (FLOAT32, 1, 0, 0),
        (FLOAT32, 0, 1, 4),
    ],
)
def test_shapes_that_the_bytes_do_not_have_are_refused(kind: Any, rows: int, dimension: int, size: int) -> None:
    message = types_pb2.Matrix(type=kind, rows=rows, dimension=dimension, data=bytes(size))
    with pytest.raises(InvalidValue) as caught:
        matrix_from_message(message, "queries")
    assert caught.value.argument == "queries"


def test_no_rows_are_a_matrix() -> None:
    assert matrix_from_message(matrix_to_message(np.zeros((0, 5), np.float32)), "queries").shape == (0, 5)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), matrices, max_size=4))
def test_named_matrices_keep_names_and_order(vectors: dict[str, Any]) -> None:
    request = points_pb2.UpsertRequest()
    fill_named_matrices(request.vectors, vectors)
    assert list(request.vectors) == named_matrices(vectors)
    found = from_named_matrices(request.vectors, "vectors")
    assert [(name, each.tobytes()) for name, each in found.items()] == [
        (name, each.tobytes()) for name, each in vectors.items()
    ]


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(InvalidValue) as caught:
        from_named_matrices(named_matrices({"a": np.zeros((1, 2), np.float32)}) * 2, "vectors")
    assert (caught.value.argument, caught.value.received) == ("vectors", "a")


def test_more_names_than_a_collection_can_have_are_refused() -> None:
    messages = [types_pb2.NamedMatrix(name=str(n)) for n in range(limits.VECTORS_MAXIMUM + 1)]
    with pytest.raises(LimitExceeded):
        from_named_matrices(messages, "vectors")
