"""METHODS: every method of the protocol, by its path; read from the descriptors, so that no list is kept by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message_factory import GetMessageClass

from vecdb.proto.v1 import admin_pb2, collections_pb2, points_pb2, search_pb2, types_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of a service. `required_role` is the least types_pb2.Role that may call it, never unspecified."""

    path: str  # "/vecdb.v1.Search/Search"
    service: str  # "vecdb.v1.Search"
    name: str  # "Search"
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool
    required_role: types_pb2.Role


def method_of(descriptor: MethodDescriptor) -> Method:
    """The Method of a descriptor; TypeError if it declares no role: such a method must not be served to anybody."""
    service: str = descriptor.containing_service.full_name
    described: Any = descriptor  # its options and streaming are not in every release of its types
    role: types_pb2.Role = described.GetOptions().Extensions[types_pb2.required_role]
    if role not in _ROLES:
        raise TypeError(f"{service}.{descriptor.name} declares no required_role, or one that is not known: {role}")
    return Method(
        path=f"/{service}/{descriptor.name}",
        service=service,
        name=descriptor.name,
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        client_streaming=described.client_streaming,
        server_streaming=described.server_streaming,
        required_role=role,
    )


def _methods() -> Iterator[Method]:
    for file in (admin_pb2, collections_pb2, points_pb2, search_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from map(method_of, service.methods)


_ROLES: Final = (types_pb2.ROLE_READ, types_pb2.ROLE_WRITE, types_pb2.ROLE_ADMIN)

METHODS: Final[Mapping[str, Method]] = MappingProxyType({method.path: method for method in _methods()})
