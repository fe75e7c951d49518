"""Running a call: the service's function, with its errors as statuses, counted and logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NoReturn

from google.protobuf.message import DecodeError

from vecdb.client.grpc_module import grpc
from vecdb.errors import Error, InvalidValue
from vecdb.proto.status import DETAILS_KEY, status_of
from vecdb.server.call import Call
from vecdb.server.engine import Engine
from vecdb.server.lane import Lane
from vecdb.server.open_streams import OpenStreams
from vecdb.server.principal import ANYONE, Principal
from vecdb.server.record import CallRecord, Recorder

Serve = Callable[[Call, Any], Any]

_SMALL_BYTES: Final = 16 << 10  # of a reply that is not worth counting
_OPEN_SECONDS: Final = 5.0  # in which the request of a caller without credentials has to come
_UNREADABLE: Final = InvalidValue(argument="request", expected="a message of this method", received="other bytes")


class Runner:
    """What every entry needs of the server."""

    __slots__ = ("engine", "longest_seconds", "recorder", "streams")

    def __init__(self, engine: Engine, streams: OpenStreams, recorder: Recorder) -> None:
        self.engine = engine
        self.streams = streams
        self.recorder = recorder
        self.longest_seconds = engine.settings.timeout_seconds


class UnaryEntry:
    """One request, one reply. Made for one call; gRPC reads the pool it runs in from the attribute of that name."""

    __slots__ = ("_lane", "_name", "_principal", "_runner", "_serve", "_started", "experimental_thread_pool")

    def __init__(
        self,
        runner: Runner,
        lane: Lane,
        pool: ThreadPoolExecutor,
        name: str,
        principal: Principal,
        started: float,
        serve: Serve,
    ) -> None:
        self._runner = runner
        self._lane = lane
        self._name = name
        self._principal = principal
        self._started = started
        self._serve = serve
        self.experimental_thread_pool = pool

    def __call__(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """The reply's bytes, or an abort."""
        runner = self._runner
        call = Call(context, self._principal, runner.longest_seconds)
        record = CallRecord(self._name, self._principal, self._started)
        try:
            data = runner.streams.only_request(call, requests)
        except grpc.RpcError:  # the caller is gone, or was silent for too long
            runner.recorder.cancelled(record, context, call.ended)
            return b""
        except Error as error:
            runner.recorder.failed(record, context, error)
            _abort(context, error)
        record.bytes_in = len(data)
        lane = self._lane
        in_flight = runner.engine.in_flight
        held = 0
        began = lane.begin()
        try:
            call.seconds_left()
            in_flight.take(len(data))
            held = len(data)
            reply: bytes = self._serve(call, data).SerializeToString()
        except BaseException as error:
            record.collection = call.collection
            runner.recorder.failed(record, context, error)
            _abort(context, error)
        finally:
            in_flight.give_back(held)
            lane.end(began)
        record.collection = call.collection
        record.bytes_out = len(reply)
        if len(reply) > _SMALL_BYTES:
            _hold_until_taken(runner, call, len(reply))
        runner.recorder.done(record, context)
        return reply


class StreamEntry(UnaryEntry):
    """Replies one after the other, to a stream of requests."""

    __slots__ = ()

    def __call__(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:  # type: ignore[override]
        """The replies' bytes, or an abort."""
        runner = self._runner
        call = Call(context, self._principal, runner.longest_seconds)
        record = CallRecord(self._name, self._principal, self._started)
        runner.streams.add(call)
        try:
            for message in self._serve(call, self._source(call, requests, record)):
                reply = message.SerializeToString()
                record.bytes_out += len(reply)
                call.waits()
                yield reply
                call.works()
        except GeneratorExit:
            runner.recorder.cancelled(record, context, call.ended)
            raise
        except BaseException as error:
            record.collection = call.collection
            if not context.is_active():
                runner.recorder.cancelled(record, context, call.ended)
                return
            runner.recorder.failed(record, context, error)
            _abort(context, error)
        else:
            record.collection = call.collection
            runner.recorder.done(record, context)
        finally:
            runner.streams.remove(call)

    def _source(self, call: Call, requests: Iterator[bytes], record: CallRecord) -> Any:
        return self._runner.streams.requests(call, _counted(requests, record))


class ReplyStreamEntry(StreamEntry):
    """Replies one after the other, to one request."""

    __slots__ = ()

    def _source(self, call: Call, requests: Iterator[bytes], record: CallRecord) -> Any:
        data = self._runner.streams.only_request(call, requests)
        record.bytes_in = len(data)
        return data


class Refusal:
    """The answer to a call that does not pass the gate."""

    __slots__ = ("_error", "_name", "_principal", "_runner", "_started", "experimental_thread_pool")

    def __init__(
        self, runner: Runner, lane: Lane, name: str, principal: Principal | None, started: float, error: Error
    ) -> None:
        self._runner = runner
        self._name = name
        self._principal = principal
        self._started = started
        self._error = error
        self.experimental_thread_pool = lane

    def __call__(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> NoReturn:  # noqa: ARG002
        """An abort."""
        self._runner.recorder.failed(CallRecord(self._name, self._principal, self._started), context, self._error)
        _abort(context, self._error)


class OpenEntry:
    """A call that anybody may make, answered by a handler of gRPC's own; bounded like the others, and not counted."""

    __slots__ = ("_handler", "_runner", "experimental_thread_pool")

    def __init__(self, runner: Runner, lane: Lane, handler: Any) -> None:
        self._runner = runner
        self._handler = handler
        self.experimental_thread_pool = lane

    def __call__(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """The reply's bytes, or an abort."""
        handler = self._handler
        try:
            data = self._runner.streams.only_request(Call(context, ANYONE, _OPEN_SECONDS), requests)
            request = handler.request_deserializer(data)
        except grpc.RpcError:  # the caller is gone, or was silent for too long
            return b""
        except (DecodeError, Error) as error:
            _abort(context, error if isinstance(error, Error) else _UNREADABLE)
        reply: bytes = handler.response_serializer(handler.unary_unary(request, context))
        return reply


def _counted(requests: Iterator[bytes], record: CallRecord) -> Iterator[bytes]:
    for data in requests:
        record.bytes_in += len(data)
        yield data


def _hold_until_taken(runner: Runner, call: Call, count: int) -> None:
    """gRPC keeps a reply for as long as its caller does not read it, when the place in the lane is long given back."""

    def taken() -> None:
        runner.streams.remove(call)
        runner.engine.in_flight.give_back(count)

    runner.engine.in_flight.add(count)
    runner.streams.reply(call)
    if not call.context.add_callback(taken):  # the call is over
        taken()


def _abort(context: grpc.ServicerContext, error: BaseException) -> NoReturn:
    code, message, details = status_of(error)
    if details:
        context.set_trailing_metadata(((DETAILS_KEY, details),))
    context.abort(code, message)
    raise AssertionError("abort raises")
