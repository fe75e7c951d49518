"""RemoteDatabase: a database on a server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from vecdb.client.blocking_driver import BlockingDriver
from vecdb.client.capabilities import handshake
from vecdb.client.collection import RemoteCollection
from vecdb.client.database_verbs import DatabaseVerbs
from vecdb.client.settings import ClientSettings
from vecdb.progress import Progress
from vecdb.schema import Dtype, FieldType, Index, Metric, Vector
from vecdb.types import DatabaseStats, SnapshotReport


class RemoteDatabase:
    """A connection to the database of a server; a context manager. Any number of threads may share it.

    The verbs are those of vecdb.Database. Unavailable, Unauthenticated or VersionMismatch if it cannot be made.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._driver = BlockingDriver(settings)
        self._verbs = DatabaseVerbs(self._driver)
        try:
            self._driver.capabilities = self._driver.run(handshake(settings))
        except BaseException:
            self._driver.close()
            raise

    def create_collection(
        self,
        name: str,
        dimension: int | None = None,
        *,
        vectors: Mapping[str, Vector] | None = None,
        metric: Metric | None = None,
        index: Index | None = None,
        dtype: Dtype | None = None,
        fields: Mapping[str, FieldType] | None = None,
    ) -> RemoteCollection:
        """Makes an empty collection, durably: of one unnamed vector (`dimension`, `metric`, ...) or of named ones.

        The default is cosine of float32 under Hnsw(). CollectionExists, InvalidName, InvalidSchema.
        """
        verb = self._verbs.create_collection(name, dimension, vectors, metric, index, dtype, fields)
        return RemoteCollection(self._driver, self._driver.run(verb))

    def __getitem__(self, name: str) -> RemoteCollection:
        """The collection of this name. CollectionNotFound."""
        return RemoteCollection(self._driver, self._driver.run(self._verbs.collection(name)))

    def __contains__(self, name: object) -> bool:
        return name in self.collections()

    def __len__(self) -> int:
        return len(self.collections())

    def __bool__(self) -> bool:
        """True: an empty database is one all the same."""
        return True

    def __iter__(self) -> Iterator[str]:
        """The names of the collections, sorted."""
        return iter(self.collections())

    def collections(self) -> list[str]:
        """The names of the collections, sorted."""
        return self._driver.run(self._verbs.collections())

    def drop_collection(self, name: str) -> None:
        """Deletes a collection and its rows, durably. CollectionNotFound."""
        self._driver.run(self._verbs.drop_collection(name))

    def stats(self) -> DatabaseStats:
        """Collections, rows, journal, memory and disk of the server; `path` is its address."""
        return self._driver.run(self._verbs.stats())

    def snapshot(self, path: str | os.PathLike[str], *, progress: Progress = None) -> SnapshotReport:
        """Writes one file here, for restore(), with the database as of one moment, durably.

        A file that is there is replaced once the new one is whole. `progress` is True, or a callback of done and total
        bytes. StorageFull, StorageFailed: nothing is left.
        """
        from vecdb.client.snapshot_file import write_snapshot

        self._driver.check()
        return write_snapshot(self._driver, self._verbs, path, progress)

    def close(self) -> None:
        """Lets go of the connection. Every later call raises Closed. May be called twice."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<vecdb.RemoteDatabase {self._driver.target!r}>"
