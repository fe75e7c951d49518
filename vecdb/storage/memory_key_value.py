"""The key-value store of a ":memory:" database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from vecdb.errors import Closed
from vecdb.native.pairs import PairMap, PairVersion
from vecdb.storage.key_value import PairScan

_SCAN_ROWS: Final = 256  # read at once


class MemoryKeyValue:
    """A packed ordered map: a small part of the memory that objects of Python would take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pairs = PairMap()
        self._closed = False

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys."""
        with self._lock:
            self._check()
            return self._pairs.get_many(keys)

    def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes]) -> None:
        """Applies all at once."""
        with self._lock:
            self._check()
            self._pairs.write(puts, deletes)

    def delete_prefix(self, prefix: bytes) -> None:
        """Deletes every key that starts with `prefix`."""
        with self._lock:
            self._check()
            self._pairs.delete_prefix(prefix)

    def scan(self, prefix: bytes, after: bytes | None = None) -> PairScan:
        """Keys that start with `prefix`, above `after`, ascending."""
        with self._lock:
            self._check()
            version = self._pairs.version()
        time.sleep(0)  # else a thread that scans on and on has the lock again before those that wait for it wake up
        return _MemoryScan(version, prefix, after, self._check)

    def flush(self) -> int:
        """Memory is as durable as it gets."""
        self._check()
        return 0

    def bytes_on_disk(self) -> int:
        """None of it."""
        return 0

    def close(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._closed = True
            self._pairs = PairMap()

    def _check(self) -> None:
        if self._closed:
            raise Closed(what="the key-value store in memory")


class _MemoryScan:
    """The pairs as they were, read in chunks."""

    def __init__(self, version: PairVersion, prefix: bytes, after: bytes | None, check: Callable[[], None]) -> None:
        self._version = version
        self._prefix = prefix
        self._after = after
        self._check = check
        self._left: list[tuple[bytes, bytes]] = []  # what was read ahead, last first

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self

    def __next__(self) -> tuple[bytes, bytes]:
        self._check()
        if not self._left:
            self._left = self._version.pairs(self._prefix, self._after, _SCAN_ROWS)
            if not self._left:
                raise StopIteration
            self._after = self._left[-1][0]
            self._left.reverse()
        return self._left.pop()

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        self._check()
        return self._version.get_many(keys)
