"""AsyncDatabase: a database on a server, for asyncio."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Generator, Mapping
from types import TracebackType
from typing import Any, Self

from vecdb.client.async_collection import AsyncCollection
from vecdb.client.awaiting_driver import AwaitingDriver
from vecdb.client.database_verbs import DatabaseVerbs
from vecdb.client.file_thread import in_thread
from vecdb.client.settings import ClientSettings
from vecdb.progress import Progress
from vecdb.schema import Dtype, FieldType, Index, Metric, Vector
from vecdb.types import DatabaseStats, SnapshotReport


class AsyncDatabase:
    """A connection to the database of a server; an asynchronous context manager. Any number of tasks may share it.

    The verbs are those of vecdb.Database, awaited; `await db["docs"]` is a collection. `await` the database itself to
    connect now, else the first call does: Unavailable, Unauthenticated or VersionMismatch. It needs no running loop to
    be made, and may be used from several, one after the other or at once.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._driver = AwaitingDriver(settings)
        self._verbs = DatabaseVerbs(self._driver)

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._connected().__await__()

    async def create_collection(
        self,
        name: str,
        dimension: int | None = None,
        *,
        vectors: Mapping[str, Vector] | None = None,
        metric: Metric | None = None,
        index: Index | None = None,
        dtype: Dtype | None = None,
        fields: Mapping[str, FieldType] | None = None,
    ) -> AsyncCollection:
        """Makes an empty collection, durably: of one unnamed vector (`dimension`, `metric`, ...) or of named ones.

        The default is cosine of float32 under Hnsw(). CollectionExists, InvalidName, InvalidSchema.
        """
        verb = self._verbs.create_collection(name, dimension, vectors, metric, index, dtype, fields)
        return AsyncCollection(self._driver, await self._driver.run(verb))

    def __getitem__(self, name: str) -> Awaitable[AsyncCollection]:
        """The collection of this name, to be awaited. CollectionNotFound."""
        return self._collection(name)

    async def collections(self) -> list[str]:
        """The names of the collections, sorted."""
        return await self._driver.run(self._verbs.collections())

    async def drop_collection(self, name: str) -> None:
        """Deletes a collection and its rows, durably. CollectionNotFound."""
        await self._driver.run(self._verbs.drop_collection(name))

    async def stats(self) -> DatabaseStats:
        """Collections, rows, journal, memory and disk of the server; `path` is its address."""
        return await self._driver.run(self._verbs.stats())

    async def snapshot(self, path: str | os.PathLike[str], *, progress: Progress = None) -> SnapshotReport:
        """Writes one file here, for restore(), with the database as of one moment, durably.

        A file that is there is replaced once the new one is whole. `progress` is True, or a callback of done and total
        bytes; it runs in a thread. StorageFull, StorageFailed: nothing is left.
        """
        from vecdb.client.snapshot_file import write_snapshot

        self._driver.check()
        return await in_thread(
            self._driver.settings, lambda driver: write_snapshot(driver, DatabaseVerbs(driver), path, progress)
        )

    async def close(self) -> None:
        """Lets go of the connection. Every later call raises Closed. May be called twice."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return await self._connected()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<vecdb.AsyncDatabase {self._driver.target!r}>"

    async def _connected(self) -> Self:
        self._driver.check()
        await self._driver.connect()
        return self

    async def _collection(self, name: str) -> AsyncCollection:
        return AsyncCollection(self._driver, await self._driver.run(self._verbs.collection(name)))
