"""Every method is listed with its messages and its role; one without a role cannot be."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from tests.proto.proto_text import contract_of_sources
from vecdb.proto.methods import METHODS, Method, method_of
from vecdb.proto.v1 import search_pb2, types_pb2


def test_every_method_of_the_sources_is_there() -> None:
    expected = contract_of_sources()["methods"]
    found = {
        f"{method.service}.{method.name}": {
            "request": method.request.DESCRIPTOR.full_name,
            "response": method.response.DESCRIPTOR.full_name,
            "client_streaming": method.client_streaming,
            "server_streaming": method.server_streaming,
            "role": types_pb2.Role.Name(method.required_role).removeprefix("ROLE_").lower(),
        }
        for method in METHODS.values()
    }
    assert found == expected
    assert len(found) >= 20


def test_paths_are_those_of_grpc() -> None:
    assert all(path == f"/{method.service}/{method.name}" for path, method in METHODS.items())
    assert METHODS["/vecdb.v1.Search/Search"] == Method(
        path="/vecdb.v1.Search/Search",
        service="vecdb.v1.Search",
        name="Search",
        request=search_pb2.SearchRequest,
        response=search_pb2.SearchResponse,
        client_streaming=False,
        server_streaming=False,
        required_role=types_pb2.ROLE_READ,
    )


def test_nobody_changes_the_list() -> None:
    with pytest.raises(TypeError):
        METHODS["/a/b"] = METHODS["/vecdb.v1.Search/Search"]  # type: ignore[index]


def test_what_changes_data_is_not_for_readers() -> None:
    assert {method.name for method in METHODS.values() if method.required_role == types_pb2.ROLE_READ} == {
        "Count",
        "Get",
        "GetCapabilities",
        "GetCollection",
        "GetCollectionStats",
        "GetStats",
        "ListCollections",
        "MeasureRecall",
        "Scan",
        "Search",
        "SearchStream",
    }


@pytest.mark.parametrize("role", [None, 0, 9])
def test_a_method_without_a_role_is_refused(role: int | None) -> None:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"bare{role}.proto", package=f"bare{role}", dependency=["vecdb/v1/types.proto"], syntax="proto3"
    )
    method = file.service.add(name="Bare").method.add(
        name="Call", input_type=".vecdb.v1.Texts", output_type=".vecdb.v1.Texts"
    )
    if role is not None:
        # As it comes from a file made elsewhere: the option by its number, 50611, as a varint.
        method.options.MergeFromString(b"\x98\xdb\x18" + bytes([role]))
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindServiceByName(f"bare{role}.Bare").methods[0]
    with pytest.raises(TypeError, match=r"Bare\.Call declares no required_role"):
        method_of(descriptor)
