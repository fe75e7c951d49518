"""AwaitingStream: one streaming call of grpc.aio, whose failure is always the one that the server told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from vecdb.client.grpc_module import grpc

_ENDED = (grpc.aio.InternalError, grpc.RpcError, asyncio.InvalidStateError)


class AwaitingStream:
    """Messages to the server and from it. Of a call that has failed receive() says why, and sending does nothing."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, message: Any) -> None:
        """One more message to the server, once there is room for it."""
        with contextlib.suppress(*_ENDED):
            await self._call.wait_for_connection()
            if not self._call.done():
                # Not by write(): where the server ends the call meanwhile, that puts an INTERNAL of its own in place of
                # the server's status, which is then lost.
                await self._call._cython_call.send_serialized_message(message.SerializeToString())

    async def finish(self) -> None:
        """No more messages to the server."""
        with contextlib.suppress(*_ENDED):
            await self._call.done_writing()

    async def receive(self) -> Any:
        """The next message of the server, None at the end. What grpc.aio raises."""
        message = await self._call.read()
        return None if message is grpc.aio.EOF else message

    def cancel(self) -> None:
        """Ends the call, if it has not ended."""
        self._call.cancel()
