"""Exact search: every live row is scored."""

from __future__ import annotations

from pathlib import Path

from vecdb.index.vector_index import Floats, RowNumbers, View
from vecdb.native.index import RowMask, ThreadPool, search, search_many
from vecdb.native.rows import RowStore


class FlatIndex:
    """No structure at all: rows are found as they are stored."""

    absorbs = False

    def __init__(self, store: RowStore, pool: ThreadPool) -> None:
        self._store = store
        self._pool = pool

    def search(
        self,
        query: Floats,
        k: int,
        ef: int,  # noqa: ARG002
        view: View,
        exact: bool,  # noqa: ARG002
        normalise: bool,
        timeout_seconds: float,
    ) -> tuple[RowNumbers, Floats, bool]:
        """Scans the live rows; see VectorIndex."""
        return search(None, self._store, query, view.live, view.tail, k, k, False, normalise, timeout_seconds)

    def search_many(
        self,
        queries: Floats,
        k: int,
        ef: int,  # noqa: ARG002
        view: View,
        *,
        exact: bool,  # noqa: ARG002
        timeout_seconds: float,
        unmet: RowNumbers | None = None,  # noqa: ARG002
    ) -> tuple[RowNumbers, Floats, RowNumbers]:
        """Scans the live rows for all queries at once; see VectorIndex."""
        return search_many(None, self._store, queries, view.live, view.tail, k, k, False, self._pool, timeout_seconds)

    def insert(self, rows: RowNumbers, live: RowMask | None = None) -> None:
        """Nothing to take in."""

    def remove(self, rows: RowNumbers) -> None:
        """Nothing to take out."""

    def audit(self) -> None:
        """A scan finds every row."""

    @property
    def inserted_since_audit(self) -> int:
        """None."""
        return 0

    def members(self) -> RowMask:
        """No rows: there is no structure."""
        return RowMask()

    def save(self, path: Path) -> None:
        """Nothing to write."""

    def memory_bytes(self) -> int:
        """No memory."""
        return 0
