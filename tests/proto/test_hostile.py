"""Messages of any content, from anybody: what reads them answers or raises an error of vecdb, and does so soon."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from vecdb.errors import Error
from vecdb.proto.convert import filters, ids, matrices, payloads, records, results, schemas
from vecdb.proto.methods import METHODS
from vecdb.proto.status import error_of
from vecdb.proto.v1 import admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2

SECONDS = 2.0  # for one message of a few KB; a machine that does other things too

READERS: dict[type[Message], Callable[[Any], object]] = {
    types_pb2.Ids: ids.ids_from_message,
    types_pb2.Id: ids.id_from_message,
    types_pb2.Matrix: lambda message: matrices.matrix_from_message(message, "queries"),
    types_pb2.Filter: filters.filter_from_message,
    types_pb2.Value: lambda message: filters.value_from_message(message, "a"),
    types_pb2.Records: records.records_from_message,
    collections_pb2.CollectionSchema: schemas.schema_from_message,
    points_pb2.UpsertRequest: lambda message: matrices.from_named_matrices(message.vectors, "vectors"),
    points_pb2.WriteResponse: results.write_result_from_message,
    search_pb2.Plan: results.plan_from_message,
    admin_pb2.CollectionStats: results.collection_stats_from_message,
    admin_pb2.DatabaseStats: lambda message: results.database_stats_from_message(message, "here"),
    admin_pb2.RecallReport: results.recall_report_from_message,
    admin_pb2.VerifyReport: results.verify_report_from_message,
}
KINDS = sorted(
    {each for method in METHODS.values() for each in (method.request, method.response)},
    key=lambda kind: kind.DESCRIPTOR.full_name,
)


def parts(message: Message) -> Iterator[Message]:
    """A message and all below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else [value]:
            yield from parts(each)


def read(message: Message, what: str) -> int:
    """Calls every reader on every part; how many of them answered. Anything but an answer or an Error fails."""
    answered = 0
    for part in parts(message):
        reader = READERS.get(type(part))
        if reader is None:
            continue
        began = time.perf_counter()
        raised: BaseException | None = None
        try:
            reader(part)
            answered += 1
        except BaseException as error:
            raised = error
        assert raised is None or isinstance(raised, Error), f"{what}: {type(part).__name__} raised {raised!r}"
        assert len(str(raised)) < 2_000, what
        assert time.perf_counter() - began < SECONDS, what
    return answered


def filled(kind: type[Message], source: random.Random, depth: int = 0) -> Message:
    """A message with any of its fields set to any of what they can hold; the deeper it is, the fewer below it."""
    message = kind()
    oneofs: Any = kind.DESCRIPTOR.oneofs
    chosen = {source.choice(oneof.fields).name for oneof in oneofs}
    for field in kind.DESCRIPTOR.fields:
        described: Any = field
        if described.containing_oneof is not None and field.name not in chosen:
            continue
        if source.random() < (0.2 + 0.05 * depth if described.message_type is not None else 0.2):
            continue
        if described.message_type is not None and described.message_type.GetOptions().map_entry:
            getattr(message, field.name)["K_MAXIMUM"] = source.getrandbits(64)
        elif described.is_repeated:
            values = [value(described, source, depth) for _ in range(source.choice([0, 1, 1, 1, 2, 3]))]
            getattr(message, field.name).extend(values)
        elif described.message_type is not None:
            getattr(message, field.name).CopyFrom(value(described, source, depth))
        else:
            setattr(message, field.name, value(described, source, depth))
    return message


def value(field: Any, source: random.Random, depth: int) -> Any:
    if field.message_type is not None:
        return filled(field.message_type._concrete_class, source, depth + 1)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return source.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return source.choice([0.0, 1.5, float("nan"), float("inf"), -1e308])
        case FieldDescriptor.CPPTYPE_ENUM:
            return source.choice([0, 1, 2, 3, 77])
        case FieldDescriptor.CPPTYPE_INT64:
            return source.choice([0, 1, -1, 2**63 - 1, -(2**63), source.getrandbits(50)])
        case FieldDescriptor.CPPTYPE_UINT64:
            return source.choice([0, 1, 2**64 - 1, source.getrandbits(64)])
        case FieldDescriptor.CPPTYPE_UINT32:
            return source.choice([0, 1, 2, 3, 2**32 - 1])
        case FieldDescriptor.CPPTYPE_INT32:
            return source.choice([0, 1, -1, 2**31 - 1])
    if field.type == FieldDescriptor.TYPE_BYTES:
        json = [b"[]", b"[{}]", b"[{},null]", b"{}", b"[" * 2000, b'[{"a":NaN}]']
        return source.choice([*json, b"", bytes(4), bytes(8), bytes(16), source.randbytes(source.randrange(40))])
    any_text = "".join(source.choices(string.printable, k=9))
    return source.choice(["", "a", "a.b", "..", "../x", "\x00", "é" * 300, "$and", any_text])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_messages_of_any_fields(kind: type[Message]) -> None:
    for seed in range(60):
        source = random.Random(seed)
        message = filled(kind, source)
        read(message, f"{kind.DESCRIPTOR.name}, seed {seed}")
        data = bytearray(message.SerializeToString())
        for _ in range(min(len(data), 5)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            damaged = kind.FromString(bytes(data))
        except DecodeError:
            continue
        read(damaged, f"{kind.DESCRIPTOR.name}, damaged, seed {seed}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_random_bytes(kind: type[Message]) -> None:
    for seed in range(300):
        data = random.Random(seed).randbytes(seed // 4)
        try:
            message = kind.FromString(data)
        except DecodeError:
            continue
        read(message, f"{kind.DESCRIPTOR.name}, seed {seed}")


def test_the_readers_are_reached() -> None:
    """The tests above would be happy with messages that nothing reads, or that nothing accepts."""
    reached: set[type[Message]] = set()
    answered = 0
    for kind in KINDS:
        for seed in range(60):
            message = filled(kind, random.Random(seed))
            reached |= {type(part) for part in parts(message)}
            answered += read(message, f"{kind.DESCRIPTOR.name}, seed {seed}")
    assert reached >= set(READERS)
    assert answered > 500


def test_json_of_any_bytes() -> None:
    alphabet = b'[]{}",:\\0123456789.eE+-truefalsn \xff\xed\xa0\x80'
    for seed in range(3_000):
        source = random.Random(seed)
        data = bytes(source.choices(alphabet, k=source.randrange(30)))
        for wrapped in (data, b"[" + data + b"]", b'[{"a":' + data + b"}]"):
            try:
                payloads.payloads_from_bytes(wrapped, 1)
                payloads.object_from_bytes(wrapped, "set")
            except Error:
                continue
            except BaseException as error:
                raise AssertionError(f"seed {seed}: {wrapped!r}") from error


def test_error_details_of_any_bytes() -> None:
    for seed in range(2_000):
        source = random.Random(seed)
        status = filled(types_pb2.Status, source)
        detail = filled(types_pb2.ErrorDetail, source)
        status.details.add(type_url="x/vecdb.v1.ErrorDetail", value=detail.SerializeToString())  # type: ignore[attr-defined]
        data = bytearray(status.SerializeToString())
        data[source.randrange(len(data))] = source.randrange(256)
        error = error_of(grpc.StatusCode.INTERNAL, "m", bytes(data), target="t", timeout_seconds=None)
        assert str(error), f"seed {seed}"


def test_a_large_claim_takes_no_memory() -> None:
    """Four bytes that say they are 2**64 components."""
    message = types_pb2.Matrix(type="COMPONENT_TYPE_FLOAT32", rows=2**32 - 1, dimension=2**32 - 1, data=bytes(4))
    with pytest.raises(Error):
        matrices.matrix_from_message(message, "queries")
    message = types_pb2.Matrix(type="COMPONENT_TYPE_FLOAT32", rows=0, dimension=2**32 - 1)
    assert matrices.matrix_from_message(message, "queries").nbytes == 0


def test_numbers_that_are_none_pass_as_they_came() -> None:
    """NaN in a matrix is for the engine to refuse, which names its row."""
    array = np.array([[np.nan, np.inf]], np.float32)
    assert matrices.matrix_from_message(matrices.matrix_to_message(array), "q").tobytes() == array.tobytes()
