"""The key-value store of a ":memory:" database."""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Iterator

from vecdb.errors import Closed
from vecdb.storage.key_value import PairScan, prefix_end


class MemoryKeyValue:
    """A dict, with its keys sorted when a scan needs them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[bytes, bytes] = {}
        # The keys in order are _sorted and _fresh without _stale; merged at the next scan.
        self._sorted: list[bytes] = []
        self._fresh: list[bytes] = []
        self._stale: set[bytes] = set()
        self._closed = False

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys."""
        with self._lock:
            self._check()
            return [self._values.get(key) for key in keys]

    def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes]) -> None:
        """Applies all at once."""
        with self._lock:
            self._check()
            for key, value in puts:
                if key not in self._values:
                    if key in self._stale:
                        self._stale.discard(key)
                    else:
                        self._fresh.append(key)
                self._values[key] = value
            self._delete(deletes)

    def delete_prefix(self, prefix: bytes) -> None:
        """Deletes every key that starts with `prefix`."""
        with self._lock:
            self._check()
            self._delete(self._keys(prefix, None))

    def scan(self, prefix: bytes, after: bytes | None = None) -> PairScan:
        """Keys that start with `prefix`, above `after`, ascending."""
        with self._lock:
            self._check()
            pairs = [(key, self._values[key]) for key in self._keys(prefix, after)]
        time.sleep(0)  # else a thread that scans on and on has the lock again before those that wait for it wake up
        return _MemoryScan(pairs, self._check)

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
            self._values, self._sorted, self._fresh, self._stale = {}, [], [], set()

    def _delete(self, keys: list[bytes]) -> None:
        for key in keys:
            if self._values.pop(key, None) is not None:
                self._stale.add(key)

    def _keys(self, prefix: bytes, after: bytes | None) -> list[bytes]:
        if self._fresh or self._stale:
            # Two sorted runs: the sort merges them in one pass.
            merged = self._sorted + sorted(self._fresh)
            merged.sort()
            self._sorted = [key for key in merged if key not in self._stale] if self._stale else merged
            self._fresh, self._stale = [], set()
        keys = self._sorted
        first = bisect.bisect_left(keys, prefix)
        if after is not None:
            first = max(first, bisect.bisect_right(keys, after))
        end = prefix_end(prefix)
        return keys[first : len(keys) if end is None else bisect.bisect_left(keys, end)]

    def _check(self) -> None:
        if self._closed:
            raise Closed(what="the key-value store in memory")


class _MemoryScan:
    """The pairs as they were: a list of what the store itself held."""

    def __init__(self, pairs: list[tuple[bytes, bytes]], check: Callable[[], None]) -> None:
        self._pairs = pairs
        self._check = check
        self._left = iter(pairs)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self

    def __next__(self) -> tuple[bytes, bytes]:
        self._check()
        return next(self._left)

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        self._check()
        return [self._value(key) for key in keys]

    def _value(self, key: bytes) -> bytes | None:
        place = bisect.bisect_left(self._pairs, key, key=lambda pair: pair[0])
        return self._pairs[place][1] if place < len(self._pairs) and self._pairs[place][0] == key else None
