"""BlockingDriver: carries out the steps of verbs in the calling thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

from vecdb.client.channel import channel_credentials, channel_options
from vecdb.client.connection import LEAST_SECONDS, Connection
from vecdb.client.grpc_module import grpc
from vecdb.client.retry import fate_unknown
from vecdb.client.settings import ClientSettings
from vecdb.client.steps import Begun, Call, CallInParts, Emit, Finish, Open, Pause, Receive, Send, Verb
from vecdb.errors import Closed, Error, Forked, ServerFailed, Timeout
from vecdb.proto.methods import METHODS, Method

T = TypeVar("T")


class BlockingDriver(Connection):
    """One channel; any number of threads may run verbs on it at the same time. An interrupt cancels the call."""

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        credentials, options = channel_credentials(settings), channel_options(settings.address)
        if credentials is None:
            self._channel = grpc.insecure_channel(settings.address.target, options)
        else:
            self._channel = grpc.secure_channel(settings.address.target, credentials, options)
        self.channels.append(self._channel)
        self._callables = {method.path: self._callable(method) for method in METHODS.values()}

    def run(self, verb: Verb[T]) -> T:
        """The result of a verb that emits nothing."""
        streams: list[_Stream] = []
        try:
            step = next(verb)
            while True:
                step = self._sent(verb, step, streams)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            self._cancel(streams)

    def items(self, verb: Verb[None]) -> Iterator[Any]:
        """What a verb emits, from Begun on; what comes before has been carried out when this returns."""
        found = self._items(verb)
        next(found)
        return found

    def close(self) -> None:
        """Ends the channel and the calls on it. May be called twice; does nothing in a forked child."""
        if self.trouble is None:
            self.trouble = Closed
            self._channel.close()

    def stream(self, path: str, request: Any) -> Any:
        """A streaming call of gRPC: of one request, or of those of an iterator, which a thread of gRPC's takes."""
        self.check()
        try:
            call = self._callables[path](request, None, self.metadata)
        except ValueError as error:  # closed in between
            raise self.failed(error) from None
        self.streams.add(call)
        return call

    def _items(self, verb: Verb[None]) -> Iterator[Any]:
        streams: list[_Stream] = []
        try:
            step = next(verb)
            while True:
                if step.__class__ is Begun:
                    yield None
                    step = next(verb)
                elif step.__class__ is Emit:
                    yield from step.items
                    step = next(verb)
                else:
                    step = self._sent(verb, step, streams)
        except StopIteration:
            return
        finally:
            self._cancel(streams)

    def _sent(self, verb: Verb[Any], step: Any, streams: list[_Stream]) -> Any:
        """The step after `step`, whose result or error the verb is sent."""
        try:
            result = self._call(step) if step.__class__ is Call else self._step(step, streams)
        except Error as error:
            return verb.throw(error)
        return verb.send(result)

    def _cancel(self, streams: list[_Stream]) -> None:
        if self.trouble is not Forked:  # else they are the parent's, and so are their locks
            for stream in streams:
                stream.cancel()

    def _call(self, call: Call) -> Any:
        if self.trouble is not None:
            self.check()
        left, started = self.seconds_left(call)
        self.policy.budget.earn()
        try:
            return self._callables[call.method.path](call.request, left, self.metadata)
        except (grpc.RpcError, ValueError) as error:
            found = self.failed(error, call.timeout_seconds)
        return self._again(call.method, lambda: call.request, call.timeout_seconds, call.safe_to_repeat, started, found)

    def _again(
        self, method: Method, request: Any, timeout: float | None, safe_to_repeat: bool, started: float, error: Error
    ) -> Any:
        tries = 1
        while True:
            left = None if timeout is None else timeout - (time.monotonic() - started)
            pause = self.policy.pause_seconds(error, tries, safe_to_repeat, left)
            if pause is None:
                raise error if safe_to_repeat else fate_unknown(error)
            time.sleep(pause)
            tries += 1
            left = None if timeout is None else max(timeout - (time.monotonic() - started), LEAST_SECONDS)
            self.check()
            try:
                answer = self._callables[method.path](request(), left, self.metadata)
                return _only(answer) if method.client_streaming else answer
            except (grpc.RpcError, ValueError) as failed:
                error = self.failed(failed, timeout)

    def _call_in_parts(self, call: CallInParts) -> Any:
        started = time.monotonic()
        self.policy.budget.earn()
        try:
            return _only(self._callables[call.method.path](call.messages(), call.timeout_seconds, self.metadata))
        except (grpc.RpcError, ValueError) as error:
            found = self.failed(error, call.timeout_seconds)
        return self._again(call.method, call.messages, call.timeout_seconds, False, started, found)

    def _step(self, step: Any, streams: list[_Stream]) -> Any:
        self.check()
        match step:
            case Call():
                return self._call(step)
            case CallInParts():
                return self._call_in_parts(step)
            case Open():
                streams.append(self._open(step))
                return streams[-1]
            case Send():
                return step.stream.send(step.message)
            case Finish():
                return step.stream.finish()
            case Receive():
                try:
                    return step.stream.receive(step.timeout_seconds)
                except grpc.RpcError as error:
                    raise self.failed(error) from None
            case Pause():
                return time.sleep(self.pause_seconds(step))
        raise AssertionError(f"no such step: {step}")

    def _open(self, step: Open) -> _Stream:
        if step.request is not None:
            return _Stream(self.stream(step.method.path, step.request), None)
        messages: SimpleQueue[Any] = SimpleQueue()
        return _Stream(self.stream(step.method.path, iter(messages.get, None)), messages)

    def _callable(self, method: Method) -> Any:
        kinds = {
            (False, False): self._channel.unary_unary,
            (False, True): self._channel.unary_stream,
            (True, True): self._channel.stream_stream,
        }
        make = kinds[method.client_streaming, method.server_streaming]
        return make(method.path, method.request.SerializeToString, method.response.FromString)


class _Stream:
    """One streaming call: messages are put into a queue that a thread of gRPC empties."""

    def __init__(self, call: Any, messages: SimpleQueue[Any] | None) -> None:
        self._call = call
        self._messages = messages

    def send(self, message: Any) -> None:
        assert self._messages is not None
        self._messages.put(message)

    def finish(self) -> None:
        assert self._messages is not None
        self._messages.put(None)

    def receive(self, timeout_seconds: float | None) -> Any:
        if timeout_seconds is None:
            return next(self._call, None)
        late = threading.Event()

        def expire() -> None:
            late.set()
            self._call.cancel()

        timer = threading.Timer(timeout_seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            return next(self._call, None)
        except grpc.RpcError:
            if late.is_set():
                raise Timeout(seconds=timeout_seconds) from None
            raise
        finally:
            timer.cancel()

    def cancel(self) -> None:
        if self._messages is not None:
            self._messages.put(None)  # lets gRPC's thread go
        self._call.cancel()


def _only(answers: Any) -> Any:
    """The one response of a stream, once its status is known to be good."""
    found = list(answers)
    if len(found) != 1:
        raise ServerFailed(reason=f"{len(found)} responses where there is one")
    return found[0]
