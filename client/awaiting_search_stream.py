"""AwaitingSearchStream: queries sent ahead of their answers, by tasks of the caller's loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any

from vecdb.client.awaiting_driver import AwaitingDriver
from vecdb.client.awaiting_stream import AwaitingStream
from vecdb.client.received_hits import SearchAnswer
from vecdb.client.received_hits_batch import ReceivedHitsBatch
from vecdb.client.search_verbs import STREAM, SearchVerbs, packed
from vecdb.errors import Error, InvalidArgument, ServerFailed
from vecdb.hits import Hits
from vecdb.proto.v1 import search_pb2


class AwaitingSearchStream:
    """One run of queries. A task reads them, a task sends them, the caller's takes the hits."""

    def __init__(
        self,
        driver: AwaitingDriver,
        verbs: SearchVerbs,
        request: search_pb2.SearchRequest,
        using: str | None,
        in_flight: int,
    ) -> None:
        self._driver = driver
        self._verbs = verbs
        self._request = request
        self._using = using
        self._packing = verbs.packing(request, using, in_flight)
        self._changed = asyncio.Condition()
        self._trouble: Exception | None = None  # of the query after all that were taken

    async def hits(self, queries: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Hits]:
        """The hits of each query, in order."""
        k, with_vectors = self._request.query.near.k, self._request.with_vectors
        await self._driver.connect()
        reader = asyncio.ensure_future(self._read(queries))
        call, sender, tries = None, None, 0
        try:
            while True:
                if call is None:
                    call = self._driver.stream(STREAM.path)
                    sender = asyncio.ensure_future(self._send(call))
                try:
                    response = await self._driver.receive(call)
                except Error as error:
                    await _cancel(sender)
                    call, tries = None, tries + 1
                    async for hits in self._recovered(error, tries):
                        yield hits
                    continue
                if response is None:
                    if not self._packing.is_answered:
                        raise ServerFailed(reason="the stream ended before every query was answered")
                    break
                tries = 0
                async with self._changed:
                    count = len(self._packing.answered())
                    self._changed.notify_all()
                for hits in ReceivedHitsBatch([SearchAnswer(response, with_vectors).part(count, k)]):
                    yield hits
        finally:
            if call is not None:
                call.cancel()
            await _cancel(reader, sender)
        if self._trouble is not None:
            raise self._trouble

    async def _recovered(self, error: Error, tries: int) -> AsyncIterator[Hits]:
        """Goes on after a failure where it can. A refusal of several queries is told for the one it is about."""
        if isinstance(error, InvalidArgument):
            for query in next(iter(self._packing.unanswered), []):
                yield await self._driver.run(self._verbs.lone(self._request, query))
            raise error
        pause = self._driver.policy.pause_seconds(error, tries, True, None)
        if pause is None:
            raise error
        await asyncio.sleep(pause)

    async def _read(self, queries: Iterable[Any] | AsyncIterable[Any]) -> None:
        """Takes queries while there is room."""
        packing = self._packing
        try:
            async for each in _asynchronous(queries):
                query = self._verbs.lone_query(each, self._using)
                async with self._changed:
                    await self._changed.wait_for(lambda: packing.has_room)
                    packing.add(query)
                    self._changed.notify_all()
        except Exception as error:
            self._trouble = error
        async with self._changed:
            packing.ended = True
            self._changed.notify_all()

    async def _send(self, call: AwaitingStream) -> None:
        """What a call of gRPC sends: first what an earlier one was not answered."""
        for some in self._packing.unanswered:
            await call.send(packed(self._request, some))
        while not self._packing.is_done:
            async with self._changed:
                while (taken := self._packing.take()) is None and not self._packing.is_done:
                    await self._changed.wait()
            if taken is not None:
                await call.send(packed(self._request, taken))
        await call.finish()


async def _asynchronous(queries: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(queries, AsyncIterable):
        async for query in queries:
            yield query
    else:
        for query in queries:
            yield query


async def _cancel(*tasks: asyncio.Future[None] | None) -> None:
    some = [task for task in tasks if task is not None]
    for task in some:
        task.cancel()
    if some:
        await asyncio.wait(some)
