"""Clients and servers of other releases: what is unknown is ignored if that is harmless, else refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

import vecdb
from tests.client.served import scripted
from tests.server.hostile_messages import DIMENSION, REF, field, valid_messages
from tests.server.raw_client import RawClient, normal, upsert_request
from vecdb.proto.status import DETAIL_TYPE, DETAILS_KEY
from vecdb.proto.v1 import admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2
from vecdb.server import Server, ServerSettings

Code = grpc.StatusCode
NEW = field(15, b"of a later release") + b"\xf8\x3f\x01"  # two fields that nobody knows: 15 and 1023
QUERY = np.ones(2, np.float32)


def later(message: Any) -> Any:
    """The message with fields that are not known here."""
    made = type(message).FromString(message.SerializeToString() + NEW)
    assert made.SerializeToString().endswith(NEW), "the library dropped what this test is about"
    return made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawClient]:
    data = str(tmp_path_factory.mktemp("skew") / "db")  # with files, which a snapshot needs
    with Server(ServerSettings(data=data, port=0)) as server, RawClient(f"127.0.0.1:{server.port}") as client:
        client.create("docs", DIMENSION)
        client.call("Upsert", upsert_request(REF, list(range(50)), normal(50, DIMENSION)))
        yield client


@pytest.mark.parametrize("major", [0, 2, 99])
def test_another_major_version_is_refused_at_connect(major: int) -> None:
    answer = later(admin_pb2.Capabilities(protocol_major=major, protocol_minor=3, server_version="9.0"))
    with scripted({"GetCapabilities": lambda *_: answer}) as address:
        with pytest.raises(vecdb.VersionMismatch) as refused:
            vecdb.connect(address)
        assert (refused.value.found, refused.value.supported) == (major, 1)

        async def connect() -> None:
            await vecdb.connect_async(address)

        with pytest.raises(vecdb.VersionMismatch):
            asyncio.run(connect())


def test_a_later_minor_version_works() -> None:
    limits = {"MESSAGE_BYTES": 1 << 20, "NOT_KNOWN_HERE": 2**63}
    capabilities = admin_pb2.Capabilities(
        protocol_major=1,
        protocol_minor=99,
        server_version="1.99",
        limits=limits,
        stages=["near", "fuse"],
        role=types_pb2.ROLE_READ,
    )
    plan = search_pb2.Plan(strategy="quantum", rows_scanned=1, metric=collections_pb2.METRIC_DOT)
    found = search_pb2.SearchResponse(
        counts=[1], ids=types_pb2.Ids(integers=bytes(8)), scores=b"\0\0\0\0", payloads=b"[{}]", plans=[later(plan)]
    )
    written = points_pb2.WriteResponse(count=1, sequence=5)
    answers: dict[str, Any] = {
        "GetCapabilities": lambda *_: later(capabilities),
        "Search": lambda *_: later(found),
        "Upsert": lambda *_: later(written),
        "Scan": lambda *_: iter([later(types_pb2.Records(ids=types_pb2.Ids(integers=bytes(8)), payloads=b"[{}]"))]),
    }
    with scripted(answers) as address, vecdb.connect(address) as db:
        docs = db["docs"]
        hits = docs.search(QUERY)
        assert (hits.ids, hits.payloads, hits.plan.strategy) == ([0], [{}], "quantum")
        assert docs.upsert([0], QUERY[None]).sequence == 5
        assert [record.id for record in docs.scan()] == [0]


BY_CODE = {
    Code.INVALID_ARGUMENT: vecdb.Error,
    Code.RESOURCE_EXHAUSTED: vecdb.Overloaded,
    Code.UNAVAILABLE: vecdb.Unavailable,
    Code.NOT_FOUND: vecdb.Error,
    Code.PERMISSION_DENIED: vecdb.PermissionDenied,
    Code.ABORTED: vecdb.ServerFailed,
}


@pytest.mark.parametrize("code", BY_CODE)
def test_unknown_kinds_of_errors_are_told_by_their_code(code: grpc.StatusCode) -> None:
    """Names that Python has but the table has not make no difference."""
    for kind in ("TenantQuotaExceeded", "SystemExit", "Path", "os.system", "__init__", "", "Error\n"):
        with refusing(code, types_pb2.ErrorDetail(kind=kind)) as address, vecdb.connect(address, retries=0) as db:
            with pytest.raises(vecdb.Error) as refused:
                db.collections()
            assert isinstance(refused.value, BY_CODE[code])


def test_unknown_facts_of_known_errors_are_left_out() -> None:
    facts = [
        types_pb2.Fact(name="name", text="gone"),
        types_pb2.Fact(name="since", text="yesterday"),
        later(types_pb2.Fact(name="what")),
    ]
    detail = later(types_pb2.ErrorDetail(kind="CollectionNotFound", facts=facts))
    with refusing(Code.NOT_FOUND, detail) as address, vecdb.connect(address) as db:
        with pytest.raises(vecdb.CollectionNotFound) as refused:
            db.collections()
        assert vars(refused.value) == {"name": "gone"}


def refusing(code: grpc.StatusCode, detail: types_pb2.ErrorDetail) -> Any:
    def refuse(_request: Any, context: grpc.ServicerContext) -> Any:
        status = types_pb2.Status(code=code.value[0], message="of a later release")
        status.details.add(type_url=DETAIL_TYPE, value=detail.SerializeToString())
        context.set_trailing_metadata(((DETAILS_KEY, later(status).SerializeToString()),))
        context.abort(code, "of a later release")

    return scripted({"ListCollections": refuse})


def test_a_method_that_the_server_lacks_is_named_as_such() -> None:
    with scripted({}) as address, vecdb.connect(address) as db:
        docs = db["docs"]
        for attempt in (db.stats, docs.recall, docs.count, lambda: list(docs.scan()), lambda: docs.get([1])):
            with pytest.raises(vecdb.ServerFailed, match="does not know this call"):
                attempt()


@pytest.mark.parametrize("method", valid_messages())
def test_unknown_fields_of_requests_are_ignored(client: RawClient, method: str) -> None:
    message = valid_messages()[method].SerializeToString()
    if method == "DropCollection":
        client.attempt("CreateCollection", valid_messages()["CreateCollection"])
    if method == "CreateCollection":
        client.attempt("DropCollection", valid_messages()["DropCollection"])
    assert client.attempt(method, message + NEW).code is Code.OK
    if message.startswith(field(1, REF.SerializeToString())):  # and within the collection's reference
        assert client.attempt(method, field(1, NEW) + message).code is Code.OK


@pytest.mark.parametrize(
    "where", [NEW, field(1, field(1, NEW)), field(3, NEW), field(1, field(1, field(9, b"a")) + field(1, NEW))]
)
def test_a_filter_of_an_unknown_kind_is_refused_and_not_ignored(client: RawClient, where: bytes) -> None:
    """Ignored it would match every row, or rows that were not meant."""
    ref = field(1, REF.SerializeToString())
    requests = {
        "Count": ref + field(2, where),
        "Scan": ref + field(2, where) + b"\x20\x0a",
        "Delete": ref + field(3, where),
        "Search": ref + field(2, field(1, near() + field(4, where))),
    }
    for method, request in requests.items():
        outcome = client.attempt(method, request)
        assert outcome.code is Code.INVALID_ARGUMENT, (method, outcome)
    assert client.call("Count", points_pb2.CountRequest(collection=REF)).count == 50


def near() -> bytes:
    valid: Any = valid_messages()["Search"]
    plain = search_pb2.Near(queries=valid.query.near.queries, k=3)
    return plain.SerializeToString()


def test_stages_and_operations_of_an_unknown_kind_are_refused(client: RawClient) -> None:
    ref = field(1, REF.SerializeToString())
    for method, request in {
        "Search": ref + field(2, field(7, b"fuse")),
        "SearchStream": ref + field(2, field(7, b"fuse")),
        "Write": field(14, ref),
        "Delete": ref + field(14, b"tenant"),
        "Upsert": ref + field(2, field(14, b"ids of another kind")) + field(3, b""),
    }.items():
        outcome = client.attempt(method, request)
        assert outcome.code is Code.INVALID_ARGUMENT, (method, outcome)
    assert client.call("Count", points_pb2.CountRequest(collection=REF)).count == 50
