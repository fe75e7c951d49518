"""The verbs of one collection: what `database["name"]` gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Unpack, overload

from vecdb.call_checks import check_call, check_either, check_number, check_recall, field_names, payload_changes
from vecdb.collection import inspect, pages, scanner, transfer
from vecdb.collection.filtering import matching_rows
from vecdb.collection.searcher import Searcher
from vecdb.collection.session import Session
from vecdb.collection.state import CollectionState
from vecdb.collection.writer import Writer
from vecdb.errors import CollectionNotFound
from vecdb.exchange import files
from vecdb.exchange.batches import upsert_in_batches
from vecdb.filters import Where, parse_filter
from vecdb.hits import Hits
from vecdb.hits_batch import HitsBatch
from vecdb.ids import IdBatch
from vecdb.progress import Progress
from vecdb.schema import CollectionSchema
from vecdb.search_options import AnyQuery, ManyQueries, OneQuery, SearchOptions, Wheres
from vecdb.types import CollectionStats, RecallReport, Record, VerifyReport, WriteResult
from vecdb.vector_input import lone_query_of, query_of


class Collection:
    """Rows of an id, one or more vectors and a payload. Handles are light, and any number of threads may share one.

    Every call raises Closed after the database is closed, Forked in a child process, CollectionNotFound once the
    collection is dropped, and Corrupted when its files are damaged.
    """

    __slots__ = ("_default_column", "_searcher", "_session", "_state", "_writer")

    def __init__(self, session: Session, state: CollectionState) -> None:
        self._session = session
        self._state = state
        self._writer = Writer(state, session.commits)
        self._searcher = Searcher(state)
        self._default_column = next(iter(state.columns.values())) if len(state.columns) == 1 else None

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._state.schema.name

    @property
    def number(self) -> int:
        """Tells it from others that have had its name: a collection made again has another number."""
        return self._state.number

    @property
    def schema(self) -> CollectionSchema:
        """Its vectors and declared fields."""
        return self._state.schema

    def __repr__(self) -> str:
        return f"<vecdb.Collection {self.name!r}>"

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        """True: an empty collection is one all the same."""
        return True

    # Writing

    def upsert(
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
        and total rows) the rows go in batches, each of them all or nothing.
        """
        self._check_write()
        if progress:
            return upsert_in_batches(self.upsert, ids, vectors, payloads, progress)
        result = self._writer.upsert(ids, vectors, payloads)
        self._session.wrote(self._state)
        return result

    def update(
        self,
        ids: IdBatch,
        set: Mapping[str, Any] | None = None,  # noqa: A002
        unset: Sequence[str] | None = None,
    ) -> WriteResult:
        """Sets and removes top-level payload fields of rows; their vectors stay. Missing ids are counted."""
        self._check_write()
        return self._writer.update(ids, *payload_changes(set, unset))

    def delete(self, ids: IdBatch | None = None, *, where: Where | None = None) -> WriteResult:
        """Deletes rows by id, missing ones counted, or every row that matches a filter."""
        self._check_write()
        check_either(ids, where)
        if ids is not None:
            result = self._writer.delete(ids)
        else:
            assert where is not None
            result = self._writer.delete_where(parse_filter(where))
        self._session.wrote(self._state)
        return result

    def drop(self) -> None:
        """Deletes the collection and its rows, durably."""
        self._check_write()
        self._writer.drop()

    # Searching and reading

    @overload
    def search(
        self, query: AnyQuery, k: int = 10, *, where: Wheres = None, **options: Unpack[SearchOptions]
    ) -> Any: ...
    @overload
    def search(
        self, query: OneQuery, k: int = 10, *, where: Where | None = None, **options: Unpack[SearchOptions]
    ) -> Hits: ...
    @overload
    def search(
        self, query: ManyQueries, k: int = 10, *, where: Wheres = None, **options: Unpack[SearchOptions]
    ) -> HitsBatch: ...
    def search(
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
        worse hits; `select` names payload fields to keep; `timeout` is in seconds. Timeout, InvalidVector, FilterError.
        """
        state = self._state
        if self._session.trouble or state.dropped or state.damage is not None:
            self._check()
        check_call(k, ef, recall, exact, min_score, timeout)
        if select is not None:
            field_names("select", select)
        searcher = self._searcher
        column = self._default_column if using is None and self._default_column is not None else searcher.column(using)
        queries = query_of(query, column.vector, state.schema.name, column.name)
        run = searcher.search_one if queries.ndim == 1 else searcher.search_many
        # By position: by name they would take longer than all their checks.
        return run(queries, column, k, where, ef, recall, exact, select, with_vectors, min_score, timeout)  # type: ignore[arg-type]

    def search_stream(
        self,
        queries: Iterable[Any],
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
    ) -> Iterator[Hits]:
        """The Hits of each query (d,) in order; the first that is refused ends the stream.

        `in_flight` is how many queries a database on a server may take ahead; here each is answered when it is taken.
        """
        self._check()
        check_call(k, ef, recall, exact, min_score, None)
        check_number("in_flight", in_flight, "QUERIES_MAXIMUM")
        field_names("select", select)
        column = self._searcher.column(using)
        expression = None if where is None else parse_filter(where)

        def hits() -> Iterator[Hits]:
            for each in queries:
                query = lone_query_of(each, column.vector, self.name, column.name)
                self._check()
                yield self._searcher.search_one(
                    query, column, k, expression, ef, recall, exact, select, with_vectors, min_score, None
                )

        return hits()

    def get(self, ids: IdBatch, *, with_vectors: bool = False) -> list[Record]:
        """The rows of these ids in the order asked, missing ones left out; vectors of unit length under cosine."""
        self._check()
        return scanner.get(self._state, self._session.commits, ids, with_vectors)

    def count(self, where: Where | None = None) -> int:
        """How many rows there are, or match."""
        self._check()
        snapshot = self._state.snapshot
        if where is None:
            return len(snapshot.live)
        return len(matching_rows(self._state, snapshot, parse_filter(where)))

    def scan(
        self,
        where: Where | None = None,
        *,
        order_by: str | None = None,
        batch: int = 1000,
        with_vectors: bool = False,
    ) -> Iterator[Record]:
        """Every row, or every matching one, as of this call; at most `batch` rows are read at a time.

        `order_by` sorts by a payload field, descending with a leading "-"; rows without it come last.
        """
        self._check()
        check_number("batch", batch, "SCAN_BATCH_ROWS")
        expression = None if where is None else parse_filter(where)
        return chain.from_iterable(pages.scan(self._state, self._check, expression, order_by, batch, with_vectors))

    # Care

    def stats(self) -> CollectionStats:
        """Rows, tail, memory and disk."""
        self._check()
        return inspect.collection_stats(self._state)

    def recall(
        self, sample: int = 100, k: int = 10, *, using: str | None = None, ef: int | None = None, seed: int = 0
    ) -> RecallReport:
        """Recall@k now, of the default search or one with `ef`, over `sample` stored vectors against exact search."""
        self._check()
        check_recall(sample, k, ef, seed)
        return inspect.recall_report(self._state, self._searcher.column(using), sample, k, ef, seed)

    def verify(self) -> VerifyReport:
        """Reads everything: checksums, cross-references, links. Writers wait meanwhile; searches do not."""
        self._check()
        return inspect.verify(self._state, self._session.commits)

    def optimize(self, wait: bool = True, *, progress: Progress = None) -> None:
        """Absorbs the tail, heals the index and writes a checkpoint now, which the background does in its own time."""
        self._check_write()
        self._session.optimize(self._state, wait, progress)

    # Files

    def export(self, path: str | Path, *, progress: Progress = None) -> int:
        """Writes every row to a .parquet, .jsonl or .npy file (the last with a .jsonl beside it); how many rows."""
        self._check()
        return transfer.export(self._state, self._check, path, progress)

    def import_(self, path: str | Path, *, batch: int = 1000, progress: Progress = None) -> WriteResult:
        """Upserts every row of a file in a form that export() writes."""
        self._check_write()
        return files.import_(self.upsert, self.schema, path, batch, progress)

    def _check(self) -> None:
        self._session.check()
        if self._state.dropped:
            raise CollectionNotFound(name=self.name)
        if self._state.damage is not None:
            raise self._state.damage.with_traceback(None)  # else each call adds its frames, and keeps them

    def _check_write(self) -> None:
        self._check()
        self._session.check_write(self._state)


def vector_bytes(collection: Collection, rows: int) -> int:
    """What the vectors of `rows` rows take in memory once they are read, of no more than there are."""
    state = collection._state
    return min(rows, len(state.snapshot.live)) * state.read_row_bytes
