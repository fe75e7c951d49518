"""What a request becomes is bounded: messages of as many small fields as 60 MiB hold do not take a gigabyte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

import vecdb
from tests.server.hostile_messages import REF, field
from tests.server.raw_client import RawClient
from tests.server.server_process import ServerProcess
from vecdb.limits import MESSAGE_FIELDS
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.v1 import points_pb2, types_pb2

SIZE = 60 << 20
REF_FIELD = field(1, REF.SerializeToString())
# (method, request); parsed it has up to 28 times its bytes
REQUESTS = {
    "ids": ("Get", REF_FIELD + field(2, field(4, b"\x0a\x00" * (SIZE // 2)))),
    "filters": ("Count", REF_FIELD + field(2, field(1, b"\x0a\x00" * (SIZE // 2)))),
    "matrices": ("Upsert", REF_FIELD + b"\x1a\x00" * (SIZE // 2)),
    "matrices of a stream": ("Write", field(1, REF_FIELD + b"\x1a\x00" * (SIZE // 2)) + b"\x20\x01"),
}


@pytest.fixture(scope="module")
def client() -> Iterator[tuple[ServerProcess, RawClient]]:
    with ServerProcess(":memory:") as server, RawClient(server.target) as client:
        client.create("docs", 8)
        yield server, client


def peak_bytes(server: ServerProcess) -> int:
    """The most memory that it ever had."""
    found = re.search(r"^VmHWM:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


@pytest.mark.parametrize("name", REQUESTS)
def test_a_message_of_small_fields_is_refused_before_it_is_parsed(
    client: tuple[ServerProcess, RawClient], name: str
) -> None:
    server, raw = client
    method, data = REQUESTS[name]
    outcome = raw.attempt(method, data)
    assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT, outcome
    assert isinstance(outcome.error, vecdb.LimitExceeded)
    assert (outcome.error.limit, outcome.error.maximum) == ("MESSAGE_FIELDS", MESSAGE_FIELDS)
    assert peak_bytes(server) < 600 << 20, "gRPC itself has the message about three times"


def test_as_many_ids_and_values_as_are_allowed_are_not_too_many_fields(
    client: tuple[ServerProcess, RawClient],
) -> None:
    _, raw = client
    ids = ids_to_message([f"{row}" if row % 2 else row for row in range(100_000)])
    assert ids.WhichOneof("kind") == "mixed"
    get = points_pb2.GetRequest(collection=REF, ids=ids)
    assert raw.attempt("Get", get).code is grpc.StatusCode.OK
    values = [types_pb2.Value(integer=number) for number in range(100_000)]
    listed = types_pb2.Filter(any_of=types_pb2.Listed(field="a", values=values))
    both = types_pb2.Filter(conjunction=types_pb2.Filters(operands=[listed, listed]))
    assert raw.attempt("Count", points_pb2.CountRequest(collection=REF, where=both)).code is grpc.StatusCode.OK
