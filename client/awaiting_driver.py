"""AwaitingDriver: carries out the steps of verbs by awaiting them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

from vecdb.client.awaiting_stream import AwaitingStream
from vecdb.client.capabilities import handshake
from vecdb.client.channel import channel_credentials, channel_options
from vecdb.client.connection import LEAST_SECONDS, Connection
from vecdb.client.grpc_module import grpc
from vecdb.client.retry import fate_unknown
from vecdb.client.settings import ClientSettings
from vecdb.client.steps import Begun, Call, CallInParts, Emit, Finish, Open, Pause, Receive, Send, Verb
from vecdb.errors import Closed, Error, Forked, ServerFailed, Timeout
from vecdb.proto.methods import METHODS, Method

T = TypeVar("T")

_Loop = asyncio.AbstractEventLoop


class AwaitingDriver(Connection):
    """A channel for each event loop, made when a call comes from it. Cancelling a task cancels its call."""

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._channels: dict[_Loop, _Channel] = {}
        self._connected = False

    async def connect(self) -> None:
        """Asks the server for its capabilities, once."""
        if not self._connected:
            self.capabilities = await self._run(handshake(self.settings))
            self._connected = True

    async def run(self, verb: Verb[T]) -> T:
        """The result of a verb that emits nothing."""
        if not self._connected:
            self.check()
            await self.connect()
        return await self._run(verb)

    async def items(self, verb: Verb[None]) -> AsyncIterator[Any]:
        """What a verb emits."""
        self.check()
        await self.connect()
        streams: list[Any] = []
        try:
            step = next(verb)
            while True:
                if step.__class__ is Emit:
                    for item in step.items:
                        yield item
                    step = next(verb)
                elif step.__class__ is Begun:
                    step = next(verb)
                else:
                    step = _after(verb, *await self._outcome(step, streams))
        except StopIteration:
            return
        finally:
            self._cancel(streams)

    async def close(self) -> None:
        """Ends the channels and the calls on them. May be called twice; does nothing in a forked child."""
        if self.trouble is not None:
            return
        self.trouble = Closed
        here = asyncio.get_running_loop()
        for loop, channel in list(self._channels.items()):
            if loop is here:
                await channel.close()
            elif not loop.is_closed():
                with contextlib.suppress(RuntimeError):  # closed in between
                    asyncio.run_coroutine_threadsafe(channel.close(), loop)
        self._channels.clear()

    def stream(self, path: str, *request: Any, timeout_seconds: float | None = None) -> AwaitingStream:
        """A call of several messages, from this side too if there is no `request`."""
        self.check()
        call = self._callables()[path](*request, timeout=timeout_seconds, metadata=self.metadata)
        self.streams.add(call)
        return AwaitingStream(call)

    async def receive(self, stream: AwaitingStream) -> Any:
        """The next message of a stream, None at its end."""
        try:
            return await stream.receive()
        except (grpc.RpcError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and (self.trouble is None or _is_cancelled()):
                raise
            raise self.failed(error) from None

    async def _run(self, verb: Verb[T]) -> T:
        streams: list[Any] = []
        try:
            step = next(verb)
            while True:
                step = _after(verb, *await self._outcome(step, streams))
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            self._cancel(streams)

    async def _outcome(self, step: Any, streams: list[AwaitingStream]) -> tuple[Any, Error | None]:
        """The result of a step, or its error."""
        try:
            return await self._step(step, streams), None
        except Error as error:
            return None, error

    def _cancel(self, streams: list[Any]) -> None:
        if self.trouble is not Forked:  # else they are the parent's
            for stream in streams:
                stream.cancel()

    async def _step(self, step: Any, streams: list[Any]) -> Any:
        self.check()
        match step:
            case Call():
                left, started = self.seconds_left(step)
                return await self._tried(
                    step.method, lambda: step.request, step.timeout_seconds, step.safe_to_repeat, started, left
                )
            case CallInParts():
                now = time.monotonic()
                return await self._tried(
                    step.method, step.messages, step.timeout_seconds, False, now, step.timeout_seconds
                )
            case Open():
                request = () if step.request is None else (step.request,)
                streams.append(self.stream(step.method.path, *request))
                return streams[-1]
            case Send():
                return await step.stream.send(step.message)
            case Finish():
                return await step.stream.finish()
            case Receive():
                try:
                    async with asyncio.timeout(step.timeout_seconds):
                        return await self.receive(step.stream)
                except TimeoutError as error:
                    if isinstance(error, Error):
                        raise
                    raise Timeout(seconds=step.timeout_seconds or 0.0) from None
            case Pause():
                return await asyncio.sleep(self.pause_seconds(step))
        raise AssertionError(f"no such step: {step}")

    async def _tried(
        self,
        method: Method,
        request: Any,
        timeout: float | None,
        safe_to_repeat: bool,
        started: float,
        left: float | None,
    ) -> Any:
        tries = 0
        self.policy.budget.earn()
        while True:
            try:
                if method.client_streaming:
                    return await self._in_parts(self.stream(method.path, timeout_seconds=left), request())
                return await self._callables()[method.path](request(), timeout=left, metadata=self.metadata)
            except (grpc.RpcError, grpc.aio.UsageError) as failed:
                error = self.failed(failed, timeout)
            except asyncio.CancelledError:
                if not _is_cancelled():
                    self.check()  # close() cancels calls as well
                raise
            tries += 1
            left = None if timeout is None else timeout - (time.monotonic() - started)
            pause = self.policy.pause_seconds(error, tries, safe_to_repeat, left)
            if pause is None:
                raise error if safe_to_repeat else fate_unknown(error)
            await asyncio.sleep(pause)
            self.check()
            left = None if timeout is None else max(timeout - (time.monotonic() - started), LEAST_SECONDS)

    async def _in_parts(self, stream: AwaitingStream, messages: Iterator[Any]) -> Any:
        """The one response to several messages, once its status is known to be good."""
        try:
            for message in messages:
                await stream.send(message)
            await stream.finish()
            found = []
            while (answer := await stream.receive()) is not None:
                found.append(answer)
        finally:
            stream.cancel()
        if len(found) != 1:
            raise ServerFailed(reason=f"{len(found)} responses where there is one")
        return found[0]

    def _callables(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        channel = self._channels.get(loop)
        if channel is None:
            for other in list(self._channels):  # a copy: other threads have loops as well
                if other.is_closed():
                    self._channels.pop(other, None)
            channel = self._channels[loop] = _Channel(self.settings)
            self.channels = list(self._channels.values())
        return channel.callables


def _after(verb: Verb[Any], result: Any, error: Error | None) -> Any:
    """The verb's next step. Not in a coroutine: the StopIteration at its end could not leave one."""
    return verb.send(result) if error is None else verb.throw(error)


def _is_cancelled() -> bool:
    """Whether it is the task that was told to stop, and not only its call."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Channel:
    """A channel of gRPC, with a callable for each method. It belongs to the loop that is running."""

    def __init__(self, settings: ClientSettings) -> None:
        credentials, options = channel_credentials(settings), channel_options(settings.address)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(settings.address.target, options)
        else:
            self._channel = grpc.aio.secure_channel(settings.address.target, credentials, options)
        kinds = {
            (False, False): self._channel.unary_unary,
            (False, True): self._channel.unary_stream,
            (True, True): self._channel.stream_stream,
        }
        self.callables: dict[str, Any] = {
            each.path: kinds[each.client_streaming, each.server_streaming](
                each.path, each.request.SerializeToString, each.response.FromString
            )
            for each in METHODS.values()
        }

    async def close(self) -> None:
        await self._channel.close()
