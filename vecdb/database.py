"""connect(), restore() and Database: the embedded door."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Literal, Self

from vecdb import limits
from vecdb.collection.checkpoint import checkpoint
from vecdb.collection.collection import Collection
from vecdb.collection.inspect import collection_stats
from vecdb.collection.records import Create
from vecdb.collection.recovery import check_contents, open_folder, open_memory, open_read_only
from vecdb.collection.restore import restore_folder
from vecdb.collection.session import Session
from vecdb.collection.snapshot_parts import SnapshotParts
from vecdb.collection.state import CollectionState
from vecdb.errors import Forked, InvalidType, InvalidValue, LimitExceeded, StorageFailed
from vecdb.exchange.piece_file import file_target, write_pieces
from vecdb.native.index import ThreadPool
from vecdb.progress import Progress, reporter
from vecdb.schema import Dtype, FieldType, Index, Metric, Vector, safe_name, schema_of
from vecdb.storage.directory_lock import DirectoryLock, SharedReaders
from vecdb.storage.disk import disk_error
from vecdb.types import DatabaseStats, SnapshotReport

Durability = Literal["sync", "async"]

_BACKGROUND_NICE = 10


def connect(
    path: str | os.PathLike[str],
    *,
    durability: Durability = "sync",
    read_only: bool = False,
    threads: int | None = None,
) -> Database:
    """Opens the database in a folder, making it if there is none, or an empty one in memory at ":memory:".

    `durability="async"` acknowledges writes before they are on disk: a crash of the machine may lose the last of them.
    `read_only` shows the last checkpoint of an existing one, for as long as it is open, beside any writer.
    `threads` is how many share a batch of queries or build an index: VECDB_THREADS, or the cores this process may use.
    Locked names the process that has it open; Corrupted, VersionMismatch, StorageFull, StorageFailed.
    """
    if durability not in ("sync", "async"):
        raise InvalidValue(argument="durability", expected="'sync' or 'async'", received=durability)
    _path_text("path", path, "the path of a folder, or ':memory:'")
    if not isinstance(read_only, bool):
        raise InvalidType(argument="read_only", expected="a bool", received=read_only)
    if read_only and path == ":memory:":
        raise InvalidValue(argument="read_only", expected="False for ':memory:', which starts empty", received=True)
    return Database(path, durability, _thread_count(threads), read_only)


def restore(snapshot: str | os.PathLike[str], path: str | os.PathLike[str], *, progress: Progress = None) -> None:
    """Makes the database that a snapshot() file holds, durably, at `path`: nothing yet, or an empty folder.

    `progress` is True, or a callback of done and total bytes. Corrupted if a byte of the file is not what it was,
    VersionMismatch, StorageFull, StorageFailed: then nothing is left.
    """
    source = Path(_path_text("snapshot", snapshot, "the path of a file"))
    target = Path(_path_text("path", path, "the path of a folder"))
    if not source.is_file():
        raise InvalidValue(argument="snapshot", expected="a file that is there", received=str(source))
    restore_folder(source, target, reporter(progress, "restore"))


class Database:
    """An open database; a context manager. One process writes at a time; any number of threads may share it."""

    def __init__(
        self, path: str | os.PathLike[str], durability: Durability, threads: int, read_only: bool = False
    ) -> None:
        pool = ThreadPool(threads)
        background = ThreadPool(threads, _BACKGROUND_NICE)
        self._path = os.fspath(path)
        self._lock: DirectoryLock | SharedReaders | None = None
        self._changing = threading.Lock()
        self._read_only = read_only
        if self._path == ":memory:":
            catalog, commits = open_memory(pool, background)
        else:
            folder = Path(self._path).absolute()
            _require_folder(folder, make=not read_only)
            self._lock = SharedReaders(folder) if read_only else DirectoryLock(folder)
            try:
                if read_only:
                    catalog, commits = open_read_only(folder, pool, background)
                else:
                    catalog, commits = open_folder(folder, pool, background, sync=durability == "sync")
            except BaseException:
                self._lock.close()
                raise
        self._catalog = catalog
        self._session = Session(self._path, catalog, commits, read_only=read_only)
        self._handles: dict[int, Collection] = {}
        self._snapshots: weakref.WeakSet[SnapshotParts] = weakref.WeakSet()
        self._closed = False
        handles = self._handles

        def forget(state: CollectionState) -> None:
            handles.pop(state.number, None)

        catalog.dropped = forget

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
    ) -> Collection:
        """Makes an empty collection, durably: of one unnamed vector (`dimension`, `metric`, ...) or of named ones.

        The default is cosine of float32 under Hnsw(). CollectionExists, InvalidName, InvalidSchema.
        """
        self._session.check_write()
        schema = schema_of(name, dimension, vectors=vectors, metric=metric, index=index, dtype=dtype, fields=fields)
        with self._changing:
            commits = self._session.commits
            commits.settle()  # a creation of this name may have been cut short
            number = self._catalog.new_number(schema.name)
            if len(self._catalog.numbers) >= limits.COLLECTIONS_MAXIMUM:
                raise LimitExceeded(
                    limit="COLLECTIONS_MAXIMUM",
                    maximum=limits.COLLECTIONS_MAXIMUM,
                    received=len(self._catalog.numbers) + 1,
                )
            commits.commit(commits.append(Create(number, schema.to_json())))
        return self[name]

    def __getitem__(self, name: str) -> Collection:
        """The collection of this name. CollectionNotFound."""
        self._session.check()
        state = self._catalog.state_of(safe_name(name))
        handle = self._handles.get(state.number)
        if handle is None:
            # One handle a collection: its writer serialises, its searcher remembers.
            handle = self._handles.setdefault(state.number, Collection(self._session, state))
            if state.dropped:
                self._handles.pop(state.number, None)
        return handle

    def __contains__(self, name: object) -> bool:
        self._session.check()
        return name in self._catalog.numbers

    def __len__(self) -> int:
        self._session.check()
        return len(self._catalog.numbers)

    def __bool__(self) -> bool:
        """True: an empty database is one all the same."""
        return True

    def __iter__(self) -> Iterator[str]:
        """The names of the collections, sorted."""
        return iter(self.collections())

    def collections(self) -> list[str]:
        """The names of the collections, sorted."""
        self._session.check()
        return self._catalog.names()

    def drop_collection(self, name: str) -> None:
        """Deletes a collection and its rows, durably. CollectionNotFound."""
        self._session.check_write()
        with self._changing:
            self[name].drop()

    def stats(self) -> DatabaseStats:
        """Collections, rows, journal, memory and disk; opens every collection."""
        self._session.check()
        each = []
        for number in list(self._catalog.entries):
            with contextlib.suppress(KeyError):  # dropped meanwhile
                each.append(collection_stats(self._catalog.state(number)))
        commits = self._session.commits
        journal_bytes = commits.journal.bytes_since(self._catalog.checkpoint_sequence)
        store_bytes = self._catalog.key_value.bytes_on_disk()
        return DatabaseStats(
            path=self._path,
            collections=len(each),
            rows=sum(one.rows for one in each),
            sequence=commits.applied_sequence,
            checkpoint_sequence=self._catalog.checkpoint_sequence,
            journal_bytes=journal_bytes,
            memory_bytes=sum(one.memory_bytes for one in each),
            disk_bytes=sum(one.disk_bytes for one in each) + store_bytes + journal_bytes,
        )

    def snapshot(self, path: str | os.PathLike[str], *, progress: Progress = None) -> SnapshotReport:
        """Writes one file, for restore(), with the database as of one moment, durably; searches and writes go on.

        A file that is there is replaced once the new one is whole. A database opened to be read gives what it shows.
        `progress` is True, or a callback of done and total bytes. StorageFull, StorageFailed: nothing is left.
        """
        self._session.check()
        target = file_target(path)
        folder = self._catalog.folder
        if folder is not None and target.resolve().is_relative_to(folder.resolve()):
            raise InvalidValue(argument="path", expected="a path outside the database", received=str(target))
        with self._parts(target.parent) as parts:
            write_pieces(target, parts, parts.report.bytes, reporter(progress, "snapshot"))
        return parts.report

    def snapshot_parts(self) -> SnapshotParts:
        """The bytes of the file that snapshot() writes, as of this call, in pieces; close it, or use it in a `with`.

        A database opened to be read makes a copy of its key-value store meanwhile, in the folder for temporary files.
        """
        return self._parts(Path(gettempdir()))

    def _parts(self, scratch: Path) -> SnapshotParts:
        self._session.check()
        parts = SnapshotParts(self._session, scratch)
        try:
            with self._changing:
                self._session.check()  # close() knows no snapshot that comes after it
                self._snapshots.add(parts)
        except BaseException:
            parts.close()
            raise
        return parts

    def close(self) -> None:
        """Writes a checkpoint and lets go. Every later call raises Closed. May be called twice, also if interrupted."""
        with self._changing:
            if self._closed or self._session.trouble is Forked:
                return
            self._session.close()
            for parts in self._snapshots:
                parts.close()
            self._closed = True
            with contextlib.ExitStack() as last:  # run in reverse, each of them whatever the others raise
                if self._lock is not None:
                    last.callback(self._lock.close)
                last.callback(self._catalog.close)
                last.callback(self._catalog.key_value.close)
                last.callback(self._session.commits.journal.close)
                # A journal that failed has nothing more to say; what it holds is redone at the next open.
                with contextlib.suppress(StorageFailed):
                    self._session.commits.close(self._session.what)
                    if not self._read_only:
                        checkpoint(self._catalog, self._session.commits, save_indexes=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<vecdb.Database {self._path!r}>"


def _require_folder(folder: Path, make: bool) -> None:
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
            check_contents(folder)
        elif not (folder / "FORMAT").is_file():
            raise InvalidValue(argument="path", expected="an existing database", received=str(folder))
    except FileExistsError:
        raise InvalidValue(argument="path", expected="a folder, not a file", received=str(folder)) from None
    except FileNotFoundError as error:
        raise StorageFailed(path=str(folder), detail="no folder can be made there") from error
    except OSError as error:
        raise disk_error(folder, error) from error


def _path_text(argument: str, path: object, expected: str) -> str:
    if not isinstance(path, str | os.PathLike):
        raise InvalidType(argument=argument, expected=expected, received=path)
    text = os.fspath(path)
    if not isinstance(text, str):
        raise InvalidType(argument=argument, expected="a path of text", received=path)
    if not text or "\0" in text or "://" in text:
        raise InvalidValue(argument=argument, expected=expected, received=text)
    return text


def _thread_count(threads: int | None) -> int:
    if threads is None:
        text = os.environ.get("VECDB_THREADS", "")
        if not text:
            return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if not text.isdigit():
            raise InvalidValue(argument="VECDB_THREADS", expected="a number of threads", received=text)
        threads = int(text)
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise InvalidType(argument="threads", expected="an int", received=threads)
    if not 1 <= threads <= limits.THREADS_MAXIMUM:
        raise InvalidValue(argument="threads", expected=f"1 .. {limits.THREADS_MAXIMUM}", received=threads)
    return threads
