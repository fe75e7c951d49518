"""Statuses through gRPC itself, with a client that has gRPC's own limits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from vecdb import errors
from vecdb.errors import Error
from vecdb.proto.status import DETAILS_KEY, error_of, status_of

LONG = "é/ \n" * 10**5
PATH = "/test.Echo/Fail"


class _Failing(grpc.GenericRpcHandler):
    """Fails every call with `error`, or answers with the bytes that came."""

    error: BaseException | None = None

    def service(self, handler_call_details: Any) -> Any:  # noqa: ARG002
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _answer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        if self.error is None:
            return request
        code, message, details = status_of(self.error)
        context.set_trailing_metadata(((DETAILS_KEY, details),))
        context.abort(code, message)
        raise AssertionError("abort raises")


@pytest.fixture(name="failing")
def _failing() -> _Failing:
    return _Failing()


@pytest.fixture(name="port")
def _port(failing: _Failing) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", 5_000)])
    server.add_generic_rpc_handlers((failing,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def received(port: int, request: bytes = b"", **options: int) -> Error:
    with grpc.insecure_channel(f"127.0.0.1:{port}", [(f"grpc.{key}", value) for key, value in options.items()]) as made:
        call: Any = made.unary_unary(PATH)
        with pytest.raises(grpc.RpcError) as caught:
            call(request, timeout=20)
        error: Any = caught.value
        details = dict(error.trailing_metadata()).get(DETAILS_KEY)
        return error_of(error.code(), error.details(), details, target="t", timeout_seconds=20.0)


@pytest.mark.parametrize(
    "error",
    [
        errors.CollectionNotFound(name="docs"),
        errors.InvalidName(name="é\n\x00", reason="no"),
        errors.Overloaded(what="reads", retry_after_seconds=0.25),
    ],
)
def test_errors_arrive_as_they_were_raised(failing: _Failing, port: int, error: Error) -> None:
    failing.error = error
    found = received(port)
    assert (type(found), vars(found)) == (type(error), vars(error))


@pytest.mark.parametrize(
    "error",
    [
        errors.VectorNotFound(collection=LONG, name=LONG, known=(LONG,) * 20),
        errors.InvalidValue(argument=LONG, expected=LONG, received=LONG),
        errors.Corrupted(path=LONG, detail=LONG),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_longest_errors_arrive_at_a_client_with_default_limits(failing: _Failing, port: int, error: Error) -> None:
    failing.error = error
    for _ in range(20):  # gRPC begins to refuse by chance above its soft limit
        assert type(received(port)) is type(error)


def test_a_request_above_the_limit_is_a_limit_exceeded(port: int) -> None:
    found = received(port, bytes(6_000))
    assert isinstance(found, errors.LimitExceeded)
    assert (found.limit, found.maximum, found.received) == ("MESSAGE_BYTES", 5_000, 6_000)


def test_a_reply_above_the_limit_is_a_limit_exceeded(port: int) -> None:
    found = received(port, bytes(4_000), max_receive_message_length=3_000)
    assert isinstance(found, errors.LimitExceeded)
    assert (found.limit, found.maximum, found.received) == ("MESSAGE_BYTES", 3_000, 4_000)
