"""AsyncCollection: the verbs of one collection on a server, to be awaited."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack, overload

from vecdb.client.awaiting_driver import AwaitingDriver
from vecdb.client.awaiting_search_stream import AwaitingSearchStream
from vecdb.client.care_verbs import CareVerbs
from vecdb.client.database_verbs import Opened
from vecdb.client.file_thread import in_thread
from vecdb.client.point_verbs import PointVerbs
from vecdb.client.search_verbs import SearchVerbs, check_stream
from vecdb.client.upload import Upload
from vecdb.exchange.batches import BATCH_ROWS, row_batches
from vecdb.filters import Where
from vecdb.hits import Hits
from vecdb.hits_batch import HitsBatch
from vecdb.ids import IdBatch
from vecdb.progress import Progress, reporter
from vecdb.schema import CollectionSchema
from vecdb.search_options import AnyQuery, ManyQueries, OneQuery, SearchOptions
from vecdb.types import CollectionStats, RecallReport, Record, VerifyReport, WriteResult

Wheres = Where | Sequence[Where | None] | None


class AsyncCollection:
    """Rows of an id, one or more vectors and a payload, on a server; the verbs are those of vecdb.Collection.

    Handles are light, and any number of tasks may share one. Every call raises Closed after the database is closed,
    Forked in a child process, CollectionNotFound once the collection is dropped, Timeout when its time is over,
    Unavailable without an answer, Overloaded when the server has too much to do, and PermissionDenied.
    """

    __slots__ = ("_care", "_driver", "_opened", "_points", "_schema", "_searches")

    def __init__(self, driver: AwaitingDriver, opened: Opened) -> None:
        ref, schema = opened
        self._driver = driver
        self._opened = opened
        self._schema = schema
        self._points = PointVerbs(driver, ref, schema)
        self._searches = SearchVerbs(driver, ref, schema)
        self._care = CareVerbs(driver, ref, schema)

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._schema.name

    @property
    def number(self) -> int:
        """Tells it from others that have had its name: a collection made again has another number."""
        return self._opened[0].number

    @property
    def schema(self) -> CollectionSchema:
        """Its vectors and declared fields."""
        return self._schema

    def __repr__(self) -> str:
        return f"<vecdb.AsyncCollection {self.name!r} at {self._driver.target!r}>"

    # Writing

    async def upsert(
        self,
        ids: IdBatch,
        vectors: Any,
        payloads: Sequence[Mapping[str, Any] | None] | None = None,
        *,
        progress: Progress = None,
    ) -> WriteResult:
        """Inserts rows, or replaces those whose id is there: vectors (n, d), or a dict of them by vector name.

        Durable and found by every search when it returns. All or nothing: InvalidVector, InvalidId, InvalidPayload,
        DuplicateId, DimensionMismatch or LimitExceeded changes nothing. With `progress` (True, or a callback of done
        and total rows) the rows go in batches over one stream, each of them all or nothing.
        """
        if not progress:
            return await self._driver.run(self._points.upsert(ids, vectors, payloads))
        await self._driver.connect()
        total, batches = row_batches(ids, vectors, payloads, min(BATCH_ROWS, self._driver.capabilities.batch_rows))
        upload = Upload(self._points, batches, total, reporter(progress, "upsert"))
        return await self._driver.run(upload.verb())

    async def update(
        self,
        ids: IdBatch,
        set: Mapping[str, Any] | None = None,  # noqa: A002
        unset: Sequence[str] | None = None,
    ) -> WriteResult:
        """Sets and removes top-level payload fields of rows; their vectors stay. Missing ids are counted."""
        return await self._driver.run(self._points.update(ids, set, unset))

    async def delete(self, ids: IdBatch | None = None, *, where: Where | None = None) -> WriteResult:
        """Deletes rows by id, missing ones counted, or every row that matches a filter."""
        return await self._driver.run(self._points.delete(ids, where))

    async def drop(self) -> None:
        """Deletes the collection and its rows, durably."""
        await self._driver.run(self._care.drop())

    # Searching and reading

    @overload
    async def search(
        self, query: AnyQuery, k: int = 10, *, where: Wheres = None, **options: Unpack[SearchOptions]
    ) -> Any: ...
    @overload
    async def search(
        self, query: OneQuery, k: int = 10, *, where: Where | None = None, **options: Unpack[SearchOptions]
    ) -> Hits: ...
    @overload
    async def search(
        self, query: ManyQueries, k: int = 10, *, where: Wheres = None, **options: Unpack[SearchOptions]
    ) -> HitsBatch: ...
    async def search(
        self,
        query: Any,
        k: int = 10,
        *,
        where: Wheres = None,
        using: str | None = None,
        recall: float | None = None,
        ef: int | None = None,
        exact: bool = False,
        select: Sequence[str] | None = None,
        with_vectors: bool = False,
        min_score: float | None = None,
        timeout: float | None = None,
    ) -> Hits | HitsBatch:
        """The min(k, matching) best rows for a query (d,) as Hits, or for queries (nq, d) as a HitsBatch.

        `recall` is the share of the true best that should be found (default 0.95); `ef` (candidates kept) or `exact`
        say it otherwise. `where` filters by payload (for several queries, one filter or a list); `min_score` drops
        worse hits; `select` names payload fields to send; `timeout` is in seconds (default: the connection's). Timeout,
        InvalidVector, FilterError.
        """
        found: Hits | HitsBatch = await self._driver.run(
            self._searches.search(query, k, where, using, recall, ef, exact, select, with_vectors, min_score, timeout)
        )
        return found

    def search_stream(
        self,
        queries: Iterable[Any] | AsyncIterable[Any],
        k: int = 10,
        *,
        where: Where | None = None,
        using: str | None = None,
        recall: float | None = None,
        ef: int | None = None,
        exact: bool = False,
        select: Sequence[str] | None = None,
        with_vectors: bool = False,
        min_score: float | None = None,
        in_flight: int = 64,
    ) -> AsyncIterator[Hits]:
        """The Hits of each query (d,) in order, while later queries are taken ahead, `in_flight` of them at most.

        The queries may come from an iterable or an asynchronous one. One that comes alone is sent at once; those that
        wait while others are under way go together. The first that is refused ends the stream, after the hits of those
        before it.
        """
        check_stream(in_flight)
        request = self._searches.request(k, using, recall, ef, exact, select, with_vectors, min_score, where)
        return AwaitingSearchStream(self._driver, self._searches, request, using, in_flight).hits(queries)

    async def get(self, ids: IdBatch, *, with_vectors: bool = False) -> list[Record]:
        """The rows of these ids in the order asked, missing ones left out; vectors of unit length under cosine."""
        return await self._driver.run(self._points.get(ids, with_vectors))

    async def count(self, where: Where | None = None) -> int:
        """How many rows there are, or match."""
        return await self._driver.run(self._points.count(where))

    def scan(
        self,
        where: Where | None = None,
        *,
        order_by: str | None = None,
        batch: int = 1000,
        with_vectors: bool = False,
    ) -> AsyncIterator[Record]:
        """Every row, or every matching one, as of the first step; `batch` rows are fetched at a time.

        `order_by` sorts by a payload field, descending with a leading "-"; rows without it come last.
        """
        return self._driver.items(self._points.scan(where, order_by, batch, with_vectors))

    # Care

    async def stats(self) -> CollectionStats:
        """Rows, tail, memory and disk."""
        return await self._driver.run(self._care.stats())

    async def recall(
        self, sample: int = 100, k: int = 10, *, using: str | None = None, ef: int | None = None, seed: int = 0
    ) -> RecallReport:
        """Recall@k now, of the default search or one with `ef`, over `sample` stored vectors against exact search."""
        return await self._driver.run(self._care.recall(sample, k, using, ef, seed))

    async def verify(self) -> VerifyReport:
        """Reads everything: checksums, cross-references, links. Writers wait meanwhile; searches do not."""
        return await self._driver.run(self._care.verify())

    async def optimize(self, wait: bool = True, *, progress: Progress = None) -> None:
        """Absorbs the tail, heals the index and writes a checkpoint now, which the background does in its own time."""
        await self._driver.run(self._care.optimize(wait, progress))

    # Files, on this side

    async def export(self, path: str | Path, *, progress: Progress = None) -> int:
        """Writes every row to a .parquet, .jsonl or .npy file (the last with a .jsonl beside it); how many rows.

        It runs in a thread with a connection of its own, and so do calls of `progress`.
        """
        from vecdb.client.row_files import export

        self._driver.check()
        return await in_thread(
            self._driver.settings,
            lambda driver: export(driver, PointVerbs(driver, *self._opened), self._schema, path, progress),
        )

    async def import_(self, path: str | Path, *, batch: int = 1000, progress: Progress = None) -> WriteResult:
        """Upserts every row of a file in a form that export() writes, in batches over one stream.

        It runs in a thread with a connection of its own, and so do calls of `progress`.
        """
        from vecdb.client.row_files import import_

        self._driver.check()
        return await in_thread(
            self._driver.settings,
            lambda driver: import_(driver, PointVerbs(driver, *self._opened), self._schema, path, batch, progress),
        )
