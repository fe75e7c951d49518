"""Ordered map of bytes to bytes, and RocksKeyValue, the one on disk. The only user of rocksdict."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from vecdb.errors import Corrupted, Error, Locked, ReadOnly, StorageFailed, StorageFull
from vecdb.storage.call_gate import CallGate
from vecdb.storage.process_end import watch

if TYPE_CHECKING:
    from rocksdict import Rdict, RdictIter, WriteBatch

# The engine flushes at checkpoints, and at 32 MiB of writes at the latest: with a buffer four times that, RocksDB never
# flushes by itself, and so never makes durable what the journal has not.
WRITE_BUFFER_BYTES: Final = 128 << 20
CACHE_BYTES: Final = 32 << 20
_SCAN_ROWS: Final = 256
_COPY_ROWS: Final = 1024
_STALL_SECONDS: Final = 0.002


class PairScan(Iterator[tuple[bytes, bytes]], Protocol):
    """Pairs of one moment, in the order of their keys."""

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values that these keys had at that moment, once its pairs have been read. Corrupted."""


class KeyValue(Protocol):
    """An ordered map of bytes to bytes for many threads. Every call after close() is Closed."""

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys, None where there is none. Corrupted."""

    def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes]) -> None:
        """Applies all or nothing, deletes after puts; durable after flush(). StorageFull, StorageFailed."""

    def delete_prefix(self, prefix: bytes) -> None:
        """Deletes every key that starts with `prefix`; all of them if it is empty."""

    def scan(self, prefix: bytes, after: bytes | None = None) -> PairScan:
        """Keys that start with `prefix`, above `after`, ascending, as of this call. Corrupted, never an early end."""

    def flush(self) -> int:
        """Makes every write so far durable, as one; the position, for `at_least`. StorageFull, StorageFailed."""

    def bytes_on_disk(self) -> int:
        """What its files take."""

    def close(self) -> None:
        """Waits for the calls in flight, closes, flushed or not; scans end with Closed. May be called twice."""


def prefix_end(prefix: bytes) -> bytes | None:
    """The first key after all that start with `prefix`; None if there is no such key."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


class RocksKeyValue:
    """One RocksDB in `folder`, one column family, without its own log: what was not flushed is redone from our journal.

    `create` makes a new one if there is none; without it a missing or incomplete one is Corrupted. So is one that ends
    before `at_least`, what the last flush() gave: RocksDB takes a manifest that was cut for an older state and opens
    it in silence. `read_only` sees what was flushed when it opened, beside a writer in any process.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        create: bool = False,
        read_only: bool = False,
        at_least: int = 0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        from rocksdict import AccessType, Rdict, WriteBatch, WriteOptions

        self._path = str(folder)
        self._read_only = read_only
        self._batch = WriteBatch
        # cast: the stub takes this property for a method.
        self._write_options = cast(Any, WriteOptions())
        self._write_options.disable_wal = True
        # A stalled write would stop the whole process, for it holds the GIL: it fails at once, and we wait outside.
        self._write_options.no_slowdown = True
        # rocksdict fails with "Already borrowed" where a close meets a call.
        self._gate = CallGate(f"key-value store '{folder}'")
        self._ending = False
        self._scans: weakref.WeakSet[_RocksScan] = weakref.WeakSet()
        access = AccessType.read_only(False) if read_only else AccessType.read_write()
        try:
            self._rocks: Rdict = Rdict(self._path, _options(create and not read_only, cache_bytes), access_type=access)
        except Exception as error:  # rocksdict raises nothing more specific
            raise _mapped(self._path, error) from error
        watch(self)
        self.position = position = self._rocks.latest_sequence_number()  # as opened
        if position < at_least:
            self.close()
            raise Corrupted(path=self._path, detail=f"ends at position {position}, {at_least} was flushed")

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys; the GIL is released."""
        if not keys:
            return []
        with self._gate:
            try:
                if self._ending:
                    return [self._rocks.get(key) for key in keys]
                values: list[bytes | None] = self._rocks[keys]  # type: ignore[index, assignment]  # list of bytes only
            except Exception as error:
                raise _mapped(self._path, error) from error
        return values

    def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes]) -> None:
        """Applies all or nothing; holds the GIL for about a microsecond a key."""

        def fill(batch: WriteBatch) -> None:
            put, delete = batch.put, batch.delete
            for key, value in puts:
                put(key, value)
            for key in deletes:
                delete(key)

        self._apply(fill)

    def delete_prefix(self, prefix: bytes) -> None:
        """Deletes every key that starts with `prefix`, by one range: its cost does not grow with them."""
        end = prefix_end(prefix)
        if end is None:
            with self._gate:
                cursor = self._rocks.iter()
                cursor.seek_to_last()
                last = cursor.key() if cursor.valid() else None
                self._status(cursor)
            if last is None or last < prefix:
                return
            end = last + b"\0"
        self._apply(lambda batch: batch.delete_range(prefix, end))

    def scan(self, prefix: bytes, after: bytes | None = None) -> PairScan:
        """Keys that start with `prefix`, above `after`, ascending; reads ahead in chunks."""
        start = prefix if after is None or after < prefix else after + b"\0"
        with self._gate:
            # No upper bound in read options: their memory does not outlive the call, and scans then end anywhere.
            cursor = self._rocks.iter()
            cursor.seek(start)
            scan = _RocksScan(self, cursor, prefix)
            self._scans.add(scan)
        return scan

    def flush(self) -> int:
        """Writes the memtable out and syncs it; the GIL is released."""
        self._check_writable()
        with self._gate:
            try:
                position = self._rocks.latest_sequence_number()
                self._rocks.flush(True)
                return position
            except Exception as error:
                raise _mapped(self._path, error) from error

    def copy_to(self, folder: Path) -> int:
        """Makes a store at `folder`, which must not exist, of what is here; its position. Not durable by itself.

        After flush() it costs a few milliseconds, for the files are linked. The files of a read-only store belong to
        the writer, who may have removed them: its pairs are written anew, as long as that takes.
        """
        from rocksdict import Checkpoint

        if self._read_only:
            return self._rewrite(folder)
        with self._gate:
            try:
                Checkpoint(self._rocks).create_checkpoint(str(folder))
                return self._rocks.latest_sequence_number()
            except Exception as error:
                raise _mapped(self._path, error) from error

    def bytes_on_disk(self) -> int:
        """Blocks that all files of the folder take."""
        total = 0
        with self._gate, os.scandir(self._path) as entries:
            for entry in entries:
                # RocksDB removes files of its own beside us.
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat().st_blocks * 512
        return total

    def close(self) -> None:
        """Waits for the calls in flight and closes. RocksDB flushes on the way: sync the journal before."""
        if not self._gate.shut():
            return
        # A live iterator would keep the folder locked.
        for scan in list(self._scans):
            scan.cursor = None
        try:
            self._rocks.close()
        except Exception as error:
            raise _mapped(self._path, error) from error
        finally:
            del self._rocks

    def handle(self) -> Rdict | None:
        """The object of rocksdict, None once it is closed."""
        return getattr(self, "_rocks", None)

    def keep_lock(self) -> None:
        """From here on no read lets go of the GIL; returns when none is under way that did."""
        self._ending = True
        gate = self._gate
        if not gate.is_shut:
            # Those who come from now on use another gate, or this one might never be empty.
            self._gate = CallGate(f"key-value store '{self._path}'")
            gate.wait_until_empty()

    def read_chunk(self, scan: _RocksScan) -> list[tuple[bytes, bytes]]:
        """The next pairs of a scan, none at its end."""
        with self._gate:
            cursor = scan.cursor
            assert cursor is not None, "a scan of an open store has its cursor"
            pairs: list[tuple[bytes, bytes]] = []
            valid, key, value, advance = cursor.valid, cursor.key, cursor.value, cursor.next
            while len(pairs) < _SCAN_ROWS and valid() and (name := key()).startswith(scan.prefix):
                pairs.append((name, value()))
                advance()
            # Damage looks like the end until one asks.
            self._status(cursor)
        return pairs

    def values_of(self, scan: _RocksScan, keys: list[bytes]) -> list[bytes | None]:
        """Values as the scan saw them, which goes on from nowhere then."""
        with self._gate:
            cursor = scan.cursor
            assert cursor is not None, "a scan of an open store has its cursor"
            values: list[bytes | None] = []
            for key in keys:
                cursor.seek(key)
                values.append(cursor.value() if cursor.valid() and cursor.key() == key else None)
                self._status(cursor)
        return values

    def _status(self, cursor: RdictIter) -> None:
        try:
            cursor.status()
        except Exception as error:
            raise _mapped(self._path, error) from error

    def _apply(self, fill: Callable[[WriteBatch], None]) -> None:
        self._check_writable()
        while True:
            # A batch that was refused is spent all the same.
            batch = self._batch(raw_mode=True)
            fill(batch)
            with self._gate:
                try:
                    self._rocks.write(batch, self._write_options)
                    return
                except Exception as error:
                    if not _is_stall(error):
                        raise _mapped(self._path, error) from error
            time.sleep(_STALL_SECONDS)

    def _rewrite(self, folder: Path) -> int:
        scan = self.scan(b"")
        copy = RocksKeyValue(folder, create=True)
        try:
            while pairs := list(itertools.islice(scan, _COPY_ROWS)):
                copy.write(pairs, [])
            return copy.flush()
        finally:
            copy.close()

    def _check_writable(self) -> None:
        if self._read_only:
            raise ReadOnly(path=self._path)


class _RocksScan:
    """An iterator over a cursor that close() can take away."""

    def __init__(self, store: RocksKeyValue, cursor: RdictIter, prefix: bytes) -> None:
        self._store = store
        self.prefix = prefix
        self.cursor: RdictIter | None = cursor
        self._pairs: list[tuple[bytes, bytes]] = []  # what was read ahead, last first

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self

    def __next__(self) -> tuple[bytes, bytes]:
        if not self._pairs:
            self._pairs = self._store.read_chunk(self)
            self._pairs.reverse()
            if not self._pairs:
                raise StopIteration
        return self._pairs.pop()

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        return self._store.values_of(self, keys)


def _options(create: bool, cache_bytes: int) -> Any:
    from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options

    table = BlockBasedOptions()
    table.set_bloom_filter(10, False)
    table.set_format_version(5)
    table.set_block_cache(Cache(cache_bytes))
    # raw_mode: the default mode would unpickle values.
    options = Options(raw_mode=True)
    options.create_if_missing(create)
    options.set_block_based_table_factory(table)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    # Only the thread that applies journal records writes; the plain skip list is a fifth faster.
    options.set_allow_concurrent_memtable_write(False)
    # Most ids of an upsert are new: a filter over the memtable answers for them.
    options.set_memtable_prefix_bloom_ratio(0.01)
    options.set_memtable_whole_key_filtering(True)
    options.set_max_background_jobs(2)
    options.set_skip_stats_update_on_db_open(True)
    # An information log of one small file, and no thread that dumps statistics into it.
    options.set_keep_log_file_num(1)
    options.set_max_log_file_size(1 << 20)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    return options


def _is_stall(error: Exception) -> bool:
    return "Write stall" in str(error)


def _mapped(path: str, error: Exception) -> Error:
    """Our error for one of RocksDB, which has only a text. Everything unknown is StorageFailed."""
    text = str(error)
    if isinstance(error, Error):
        return error
    if "While lock file" in text or "lock hold by" in text:
        return Locked(path=path, pid=None)
    if "No space left" in text or "File too large" in text or "Disk quota" in text:
        return StorageFull(path=path, detail=text)
    if any(sign in text for sign in ("Corruption", "does not exist", "No such file", "checksum")):
        return Corrupted(path=path, detail=text)
    return StorageFailed(path=path, detail=text)
