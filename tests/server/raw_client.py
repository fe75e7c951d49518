"""The protocol without the client library: requests as messages or as any bytes, statuses as they come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import grpc
import numpy as np
import numpy.typing as npt
import orjson

import vecdb
from vecdb.errors import Error
from vecdb.proto.convert.ids import ids_to_message
from vecdb.proto.convert.matrices import matrix_to_message, named_matrices
from vecdb.proto.convert.records import records_from_message
from vecdb.proto.convert.schemas import schema_to_message
from vecdb.proto.methods import METHODS, Method
from vecdb.proto.status import DETAILS_KEY, error_of
from vecdb.proto.v1 import collections_pb2, points_pb2, search_pb2, types_pb2

BY_NAME = {method.name: method for method in METHODS.values()}
Metadata = tuple[tuple[str, str | bytes], ...]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Outcome:
    """How a call ended: its replies as bytes, its status, the error in its details, and how long it took."""

    code: grpc.StatusCode
    message: str
    error: Error | None
    replies: list[bytes]
    seconds: float


class RawClient:
    """One connection of its own. Calls are named as in the protocol: "Search"."""

    def __init__(
        self,
        target: str,
        metadata: Metadata = (),
        credentials: grpc.ChannelCredentials | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        settings: list[tuple[str, Any]] = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
            *options,
        ]
        self.metadata = metadata
        # Any: without a serializer gRPC's types know no type of request.
        self.channel: Any = (
            grpc.insecure_channel(target, settings)
            if credentials is None
            else grpc.secure_channel(target, credentials, settings)
        )

    def call(
        self, name: str, request: Any, timeout_seconds: float | None = 30, metadata: Metadata | None = None
    ) -> Any:
        """The one reply as a message. grpc.RpcError."""
        method = BY_NAME[name]
        make = self.channel.unary_unary(method.path)
        reply = make(bytes_of(request), timeout_seconds, self.metadata if metadata is None else metadata)
        return method.response.FromString(reply)

    def stream(
        self, name: str, requests: Any, timeout_seconds: float | None = 30, metadata: Metadata | None = None
    ) -> Any:
        """The call: an iterator of replies as bytes, with cancel(). `requests`: one, or an iterable of them."""
        method = BY_NAME[name]
        sent = self.metadata if metadata is None else metadata
        if not method.client_streaming:
            return self.channel.unary_stream(method.path)(bytes_of(requests), timeout_seconds, sent)
        return self.channel.stream_stream(method.path)(map(bytes_of, requests), timeout_seconds, sent)

    def attempt(
        self, name: str, request: Any, timeout_seconds: float | None = 30, metadata: Metadata | None = None
    ) -> Outcome:
        """Sends one request to a method of any form, and reads all that comes."""
        return self.attempt_path(BY_NAME[name].path, [bytes_of(request)], timeout_seconds, metadata)

    def attempt_path(
        self, path: str, requests: Iterable[bytes], timeout_seconds: float | None, metadata: Metadata | None = None
    ) -> Outcome:
        """Any path, with any requests: on the wire all forms of call are alike."""
        started = time.perf_counter()
        replies: list[bytes] = []
        sent = self.metadata if metadata is None else metadata
        call = self.channel.stream_stream(path)(iter(requests), timeout_seconds, sent)
        try:
            replies.extend(call)
        except grpc.RpcError as failed:
            seconds = time.perf_counter() - started
            return Outcome(failed.code(), failed.details() or "", error_in(failed), replies, seconds)
        return Outcome(grpc.StatusCode.OK, "", None, replies, time.perf_counter() - started)

    def create(self, name: str = "docs", dimension: int = 8) -> types_pb2.CollectionRef:
        """A collection with one unnamed vector, compared by l2: what is stored are the very numbers."""
        vector = vecdb.Vector(dimension, metric="l2", index=vecdb.Flat())
        schema = schema_to_message(vecdb.CollectionSchema(name=name, vectors={"": vector}))
        ref: types_pb2.CollectionRef = self.call(
            "CreateCollection", collections_pb2.CreateCollectionRequest(schema=schema)
        ).ref
        return ref

    def scan(self, ref: types_pb2.CollectionRef) -> list[vecdb.Record]:
        """Every row with its vectors, in no order."""
        request = points_pb2.ScanRequest(collection=ref, batch=1_000, with_vectors=True)
        pages = self.stream("Scan", request, 60)
        return [record for page in pages for record in records_from_message(types_pb2.Records.FromString(page))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.channel.close()


def bytes_of(request: Any) -> bytes:
    data: bytes = request if isinstance(request, bytes) else request.SerializeToString()
    return data


def error_in(failed: Any) -> Error | None:
    """The error that the details of a failed call name; None if it has none."""
    return meaning(failed) if _details(failed) else None


def meaning(failed: Any) -> Error:
    """What the client library would raise."""
    return error_of(failed.code(), failed.details() or "", _details(failed), target="test", timeout_seconds=None)


def _details(failed: Any) -> bytes | None:
    return next((value for key, value in failed.trailing_metadata() or () if key == DETAILS_KEY), None)


def upsert_request(
    ref: types_pb2.CollectionRef, ids: Sequence[Any], X: Array, payloads: Sequence[Any] | None = None
) -> points_pb2.UpsertRequest:
    return points_pb2.UpsertRequest(
        collection=ref,
        ids=ids_to_message(ids),
        vectors=named_matrices({"": X}),
        payloads=b"" if payloads is None else orjson.dumps(list(payloads)),
    )


def search_request(
    ref: types_pb2.CollectionRef, queries: Array, k: int = 3, *, exact: bool = False
) -> search_pb2.SearchRequest:
    near = search_pb2.Near(queries=matrix_to_message(queries), k=k)
    if exact:
        near.exact = True
    return search_pb2.SearchRequest(collection=ref, query=search_pb2.Query(near=near))


def normal(rows: int, dimension: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32)


def methods() -> Iterator[Method]:
    """Every method of the protocol."""
    yield from METHODS.values()
