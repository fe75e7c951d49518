"""BlockingSearchStream: queries sent ahead of their answers, from a thread that reads them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from vecdb.client.blocking_driver import BlockingDriver
from vecdb.client.grpc_module import grpc
from vecdb.client.received_hits import SearchAnswer
from vecdb.client.received_hits_batch import ReceivedHitsBatch
from vecdb.client.search_verbs import STREAM, SearchVerbs, packed
from vecdb.errors import Error, Forked, InvalidArgument, ServerFailed
from vecdb.hits import Hits
from vecdb.proto.v1 import search_pb2


class BlockingSearchStream:
    """One run of queries. A thread reads them, a thread of gRPC sends them, the caller's thread takes the hits."""

    def __init__(
        self,
        driver: BlockingDriver,
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
        self._changed = threading.Condition()
        self._attempt = 0  # which gRPC call is the one that counts; -1: none any more
        self._trouble: BaseException | None = None  # of the query after all that were taken

    def hits(self, queries: Iterator[Any]) -> Iterator[Hits]:
        """The hits of each query, in order."""
        k, with_vectors = self._request.query.near.k, self._request.with_vectors
        self._driver.check()
        threading.Thread(target=self._read, args=(queries,), name="vecdb-queries", daemon=True).start()
        call = None
        tries = 0
        try:
            while True:
                self._driver.check()
                call = call or self._driver.stream(STREAM.path, self._messages(self._attempt))
                try:
                    response = next(call, None)
                except (grpc.RpcError, ValueError) as error:
                    call, tries = None, tries + 1
                    yield from self._recovered(self._driver.failed(error), tries)
                    continue
                if response is None:
                    if not self._packing.is_answered:
                        raise ServerFailed(reason="the stream ended before every query was answered")
                    break
                tries = 0
                with self._changed:
                    count = len(self._packing.answered())
                    self._changed.notify_all()
                yield from ReceivedHitsBatch([SearchAnswer(response, with_vectors).part(count, k)])
        finally:
            if self._driver.trouble is not Forked:  # else threads, locks and call are the parent's
                self._end(call)
        if self._trouble is not None:
            raise self._trouble

    def _end(self, call: Any) -> None:
        with self._changed:
            self._attempt = -1
            self._changed.notify_all()
        if call is not None:
            call.cancel()

    def _recovered(self, error: Error, tries: int) -> Iterator[Hits]:
        """Goes on after a failure where it can. A refusal of several queries is told for the one it is about."""
        if isinstance(error, InvalidArgument):
            for query in next(iter(self._packing.unanswered), []):
                yield self._driver.run(self._verbs.lone(self._request, query))
            raise error
        pause = self._driver.policy.pause_seconds(error, tries, True, None)
        if pause is None:
            raise error
        time.sleep(pause)
        with self._changed:
            self._attempt += 1
            self._changed.notify_all()

    def _read(self, queries: Iterator[Any]) -> None:
        """Takes queries while there is room."""
        packing = self._packing
        try:
            for each in queries:
                query = self._verbs.lone_query(each, self._using)
                with self._changed:
                    while not packing.has_room and self._attempt >= 0:
                        self._changed.wait()
                    if self._attempt < 0:
                        return
                    packing.add(query)
                    self._changed.notify_all()
        except BaseException as error:
            self._trouble = error
        finally:
            with self._changed:
                packing.ended = True
                self._changed.notify_all()

    def _messages(self, attempt: int) -> Iterator[search_pb2.SearchRequest]:
        """What a call of gRPC sends: first what an earlier one was not answered."""
        with self._changed:
            again = self._packing.unanswered
        for some in again:
            yield packed(self._request, some)
        while True:
            with self._changed:
                while attempt == self._attempt and (taken := self._packing.take()) is None:
                    if self._packing.is_done:
                        return
                    self._changed.wait()
                if attempt != self._attempt:
                    return
            assert taken is not None
            yield packed(self._request, taken)
