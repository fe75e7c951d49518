"""field_count against a count over what the library parses, and on bytes of any content."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.server.hostile_messages import field, valid_messages
from vecdb.proto.field_count import field_count
from vecdb.proto.methods import METHODS
from vecdb.proto.v1 import points_pb2, search_pb2, types_pb2

BY_NAME = {method.name: method.request for method in METHODS.values()}
MANY = 1 << 20


def counted(message: Message) -> int:
    """The fields of a message, by what the library says is set."""
    total = 0
    for descriptor, value in message.ListFields():
        values = value if descriptor.is_repeated else [value]
        total += len(values)
        if descriptor.message_type is not None:
            total += sum(counted(each) for each in values)
    return total


@pytest.mark.parametrize("name", sorted(valid_messages()))
def test_the_fields_are_those_that_are_parsed(name: str) -> None:
    message = valid_messages()[name]
    data = message.SerializeToString()
    count = counted(message)
    assert field_count(BY_NAME[name], data, MANY) == count
    assert field_count(BY_NAME[name], data, count) == count
    if count:
        assert field_count(BY_NAME[name], data, count - 1) == count


def test_texts_and_bytes_are_one_field_whatever_is_in_them() -> None:
    inner = b"\x0a\x00" * 1_000
    assert field_count(points_pb2.UpsertRequest, field(4, inner), MANY) == 1
    ids = types_pb2.Ids(texts=types_pb2.Texts(values=["\n\0"] * 1_000))
    request = points_pb2.GetRequest(ids=ids)
    assert field_count(points_pb2.GetRequest, request.SerializeToString(), MANY) == 1_002
    unknown = field(15, inner) + b"\xc8\x0c\x01"  # fields 15 and 201, which a later release may have
    assert field_count(points_pb2.GetRequest, unknown, MANY) == 2


def test_what_it_says_bounds_what_parsing_takes() -> None:
    """Each request of many small fields, in the places where there may be any number, has as many by count."""
    empty = b"\x0a\x00" * 5_000
    places: list[tuple[Any, bytes]] = [
        (points_pb2.CountRequest, field(2, field(1, empty))),  # filters
        (points_pb2.GetRequest, field(2, field(2, empty))),  # texts
        (points_pb2.GetRequest, field(2, field(4, empty))),  # ids of any kind
        (points_pb2.UpsertRequest, b"\x1a\x00" * 5_000),  # matrices
        (points_pb2.WriteRequest, field(1, b"\x1a\x00" * 5_000)),
        (points_pb2.UpdateRequest, b"\x22\x00" * 5_000),  # names
        (search_pb2.SearchRequest, field(2, field(1, b"\x22\x00" * 5_000))),  # filters
        (search_pb2.SearchRequest, field(3, empty)),  # names
        (points_pb2.CountRequest, field(2, field(5, b"\x12\x00" * 5_000))),  # values
        (points_pb2.GetRequest, b"\x18\x01" * 5_000),  # one field, again and again
    ]
    for kind, data in places:
        kind().ParseFromString(data)
        assert 5_000 <= field_count(kind, data, MANY) <= 5_003
        assert field_count(kind, data, 4_000) == 4_001


def test_no_request_has_numbers_packed_into_one_field() -> None:
    """They would take more than their bytes, and count as one."""
    seen: set[str] = set()

    def numbers(kind: Any) -> list[str]:
        if kind.full_name in seen:
            return []
        seen.add(kind.full_name)
        found = [each.full_name for each in kind.fields if each.is_packed]
        return found + [one for each in kind.fields if each.message_type for one in numbers(each.message_type)]

    assert [one for method in METHODS.values() for one in numbers(method.request.DESCRIPTOR)] == []
    assert "vecdb.v1.Value" in seen


def test_bytes_of_any_content_have_a_count_soon() -> None:
    choose = random.Random(seed := 19)
    kinds = sorted(BY_NAME)
    messages = {name: message.SerializeToString() for name, message in valid_messages().items()}
    started = time.perf_counter()
    for turn in range(3_000):
        name = choose.choice(kinds)
        data = bytearray(messages.get(name, b"") + choose.randbytes(choose.randrange(20)))
        for _ in range(choose.randrange(4)):
            if data:
                data[choose.randrange(len(data))] = choose.randrange(256)
        count = field_count(BY_NAME[name], bytes(data), MANY)
        assert 0 <= count <= len(data), f"seed {seed}, turn {turn}"
    for text in (b"\xff" * (1 << 22), b"\x0a" + b"\x80" * (1 << 22), b"\x0b" * (1 << 20), field(2, b"\xff" * 100)):
        field_count(points_pb2.GetRequest, text, MANY)
    assert time.perf_counter() - started < 20
