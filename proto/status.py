"""Errors as gRPC statuses and back: the one table, for the server (status_of) and the client (error_of).

A failed call carries a status code, a message for people, and in the trailing metadata `grpc-status-details-bin` a
google.rpc.Status with one vecdb.v1.ErrorDetail: the name of the error's class in vecdb.errors and its facts, typed. The
client makes the same error of it. A detail is data: its class is looked up in the table below and its facts are checked
for their types, so that the worst a server can do is an error that says ServerFailed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import grpc
from google.protobuf.message import DecodeError

from vecdb import errors
from vecdb.errors import (
    Error,
    LimitExceeded,
    Overloaded,
    PermissionDenied,
    ServerFailed,
    Timeout,
    Unauthenticated,
    Unavailable,
)
from vecdb.proto.facts import detail_of, facts_of
from vecdb.proto.v1 import types_pb2

DETAILS_KEY: Final = "grpc-status-details-bin"
DETAIL_TYPE: Final = "type.googleapis.com/vecdb.v1.ErrorDetail"

_Code = grpc.StatusCode

CODES: Final[Mapping[type[Error], grpc.StatusCode]] = MappingProxyType(
    {
        errors.Error: _Code.INTERNAL,
        errors.InvalidArgument: _Code.INVALID_ARGUMENT,
        errors.InvalidValue: _Code.INVALID_ARGUMENT,
        errors.InvalidType: _Code.INVALID_ARGUMENT,
        errors.LimitExceeded: _Code.INVALID_ARGUMENT,
        errors.DimensionMismatch: _Code.INVALID_ARGUMENT,
        errors.InvalidVector: _Code.INVALID_ARGUMENT,
        errors.InvalidPayload: _Code.INVALID_ARGUMENT,
        errors.InvalidId: _Code.INVALID_ARGUMENT,
        errors.DuplicateId: _Code.INVALID_ARGUMENT,
        errors.InvalidName: _Code.INVALID_ARGUMENT,
        errors.InvalidSchema: _Code.INVALID_ARGUMENT,
        errors.FilterError: _Code.INVALID_ARGUMENT,
        errors.NotFound: _Code.NOT_FOUND,
        errors.CollectionNotFound: _Code.NOT_FOUND,
        errors.VectorNotFound: _Code.NOT_FOUND,
        errors.CollectionExists: _Code.ALREADY_EXISTS,
        errors.Timeout: _Code.DEADLINE_EXCEEDED,
        errors.Overloaded: _Code.RESOURCE_EXHAUSTED,
        errors.Unavailable: _Code.UNAVAILABLE,
        errors.Unauthenticated: _Code.UNAUTHENTICATED,
        errors.PermissionDenied: _Code.PERMISSION_DENIED,
        errors.ServerFailed: _Code.INTERNAL,
        errors.Closed: _Code.UNAVAILABLE,
        errors.Forked: _Code.INTERNAL,
        errors.ReadOnly: _Code.FAILED_PRECONDITION,
        errors.Locked: _Code.FAILED_PRECONDITION,
        errors.Corrupted: _Code.DATA_LOSS,
        errors.VersionMismatch: _Code.FAILED_PRECONDITION,
        errors.StorageFull: _Code.RESOURCE_EXHAUSTED,
        errors.StorageFailed: _Code.INTERNAL,
    }
)


def status_of(error: BaseException) -> tuple[grpc.StatusCode, str, bytes]:
    """Code, message and details of an error; of one that is not vecdb's nothing is told but that it is INTERNAL.

    Together they fit into what every gRPC client takes as metadata, 8 KiB: texts are cut. Folders are left out.
    """
    kind = next((each for each in type(error).__mro__ if each in CODES), None)
    if kind is None or not isinstance(error, Error):
        detail, shown = detail_of(ServerFailed, ServerFailed(reason="internal error"))[0], "internal error"
        code = _Code.INTERNAL
    else:
        detail, shown = detail_of(kind, error)
        code = CODES[kind]
    status = types_pb2.Status(code=code.value[0], message=shown)
    status.details.add(type_url=DETAIL_TYPE, value=detail.SerializeToString())
    return code, shown, status.SerializeToString()


def error_of(
    code: grpc.StatusCode, message: str, details: bytes | None, *, target: str, timeout_seconds: float | None
) -> Error:
    """The error of a failed call: the one that its details name, else one by its code.

    `target` is the server as the caller knows it, `timeout_seconds` what the caller gave the call.
    """
    error = _detailed(details) if details else None
    if error is None:
        return _by_code(code, message, target, timeout_seconds)
    if isinstance(error, Timeout) and timeout_seconds is not None:
        error.seconds = timeout_seconds  # the server knows only what was left of it
    if isinstance(error, Unavailable) and not error.target:
        error.target = target
    return error


def _detailed(details: bytes) -> Error | None:
    try:
        status = types_pb2.Status.FromString(details)
        for each in status.details:
            if each.type_url.rpartition("/")[2] == _DETAIL_NAME:
                detail = types_pb2.ErrorDetail.FromString(each.value)
                kind = _KINDS.get(detail.kind)
                facts = None if kind is None else facts_of(kind, detail)
                return None if kind is None or facts is None else kind(**facts)
    except DecodeError:
        pass
    return None


def _by_code(code: grpc.StatusCode, message: str, target: str, timeout_seconds: float | None) -> Error:
    match code:
        case _Code.UNAVAILABLE | _Code.CANCELLED:
            # A server that stops cancels what it has not begun. Who cancels a call of his own asks for no error.
            return Unavailable(target=target, reason=message)
        case _Code.DEADLINE_EXCEEDED:
            return Timeout(seconds=timeout_seconds or 0.0)
        case _Code.RESOURCE_EXHAUSTED:
            if sizes := _TOO_LARGE.search(message):
                received, maximum = map(int, sizes.groups())
                return LimitExceeded(limit="MESSAGE_BYTES", maximum=maximum, received=received)
            return Overloaded(what=f"server '{target}'")
        case _Code.UNAUTHENTICATED:
            return Unauthenticated(reason=message)
        case _Code.PERMISSION_DENIED:
            return PermissionDenied(action=message or "the call", role="unknown", required="unknown")
        case _Code.UNIMPLEMENTED:
            return ServerFailed(reason=f"it does not know this call, so it may be of another version: {message}")
    return ServerFailed(reason=f"{code.name}: {message}")


# What gRPC itself says of a message above the limit of either side.
_TOO_LARGE: Final = re.compile(r"message larger than max \(([0-9]{1,18}) vs\. ([0-9]{1,18})\)")
_DETAIL_NAME: Final = DETAIL_TYPE.rpartition("/")[2]
_KINDS: Final = {kind.__name__: kind for kind in CODES}
