"""Searching one collection: choose how to answer a call, run it, wrap the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vecdb.call_checks import check_queries, filter_each
from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.filtering import matching_rows
from vecdb.collection.hits import StoredHits, vectors_of
from vecdb.collection.hits_batch import StoredHitsBatch
from vecdb.collection.scrub import check_rows
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.collection.vector_column import VectorColumn
from vecdb.collection.vector_input import ready_rows
from vecdb.collection.ways import Way, Ways, through_filter
from vecdb.filters import Expression, Where, parse_filter
from vecdb.hits import Floats, Hits
from vecdb.index.vector_index import RowNumbers
from vecdb.native.index import RowMask
from vecdb.schema import vector_used


class Searcher:
    """The search verbs of a collection; any number of threads at once."""

    def __init__(self, state: CollectionState) -> None:
        self._state = state
        self._filtered: tuple[RowMask, Expression, RowMask] | None = None
        self._ways: dict[str, Ways] = {}  # by vector name

    def search_one(
        self,
        query: Floats,
        column: VectorColumn,
        k: int,
        where: Where | None,
        ef: int | None,
        recall: float | None,
        exact: bool,
        select: Sequence[str] | None,
        with_vectors: bool,
        min_score: float | None,
        timeout: float | None,
    ) -> Hits:
        """The k best rows for one query (d,)."""
        state = self._state
        deadline = NEVER if timeout is None else Deadline(timeout)
        snapshot = state.snapshot
        way = self._way(snapshot, column, k, where, ef, recall, exact, deadline)
        view, scan, walked, plan = way
        try:
            rows, distances, scanned = column.index.search(
                query, k, walked, view, scan, column.normalise, deadline.left()
            )
        except ValueError:
            # NaN, infinity or zero are refused here by name; the check copes with a norm at the edge of float32.
            checked = ready_rows(query.reshape(1, -1), column.vector, state.schema.name, column.name)
            all_rows, all_distances, counts = _search_many(checked, column, k, way, deadline)
            rows, distances, scanned = all_rows[0, : counts[0]], all_distances[0, : counts[0]], False
        except TimeoutError:
            raise deadline.passed() from None
        if walked:
            column.walks += 1
        if scanned:
            plan = replace(plan, rows_scanned=plan.rows_matched)
        if min_score is not None:
            keep = -distances >= min_score
            rows, distances = rows[keep], distances[keep]
        if state.scrubbed_rows < state.opened_rows:
            check_rows(state, rows)
        vectors = vectors_of(state, rows) if with_vectors else None
        return StoredHits(state, snapshot, rows, distances, plan, select, vectors)

    def search_many(
        self,
        queries: Floats,
        column: VectorColumn,
        k: int,
        where: Where | Sequence[Where | None] | None,
        ef: int | None,
        recall: float | None,
        exact: bool,
        select: Sequence[str] | None,
        with_vectors: bool,
        min_score: float | None,
        timeout: float | None,
    ) -> StoredHitsBatch:
        """The k best rows for each query (nq, d), one release of the GIL for each filter."""
        state = self._state
        deadline = Deadline(timeout)
        count = len(queries)
        check_queries(count, k)
        groups = _grouped(where, count)
        queries = ready_rows(queries, column.vector, state.schema.name, column.name)
        snapshot = state.snapshot
        # Each filter fills the places of its queries; where there is one, what it gives is all.
        rows, distances = np.empty((count, k), np.uint32), np.empty((count, k), np.float32)
        counts = np.zeros(count, np.uint32)
        plans, plan_of = [], np.zeros(count, np.uint32)
        for number, (condition, places) in enumerate(groups):
            way = self._way(snapshot, column, k, condition, ef, recall, exact, deadline)
            if places is None:
                rows, distances, counts = _search_many(queries, column, k, way, deadline)
            else:
                some = np.ascontiguousarray(queries[places])
                rows[places], distances[places], counts[places] = _search_many(some, column, k, way, deadline)
                plan_of[places] = number
            if way.ef:
                column.walks += count if places is None else len(places)
            plans.append(way.plan)
        if min_score is not None:
            set_places = np.arange(k) < counts[:, None]
            counts = np.count_nonzero(set_places & (-distances >= min_score), axis=1)
        if state.scrubbed_rows < state.opened_rows:
            check_rows(state, rows[np.arange(k) < counts[:, None]])
        return StoredHitsBatch(state, snapshot, rows, distances, counts, plans, plan_of, select, with_vectors)

    def column(self, using: str | None) -> VectorColumn:
        """The vector a search uses: the named one, or the only one. VectorNotFound."""
        return self._state.columns[vector_used(self._state.schema, using)]

    def _way(
        self,
        snapshot: Snapshot,
        column: VectorColumn,
        k: int,
        where: Where | None,
        ef: int | None,
        recall: float | None,
        exact: bool,
        deadline: Deadline,
    ) -> Way:
        if where is not None:
            return through_filter(column, self._matching(snapshot, where, deadline))
        name = column.name
        view, curve = snapshot.views[name], self._state.curves[name]
        ways = self._ways.get(name)
        if ways is None or ways.view is not view or ways.curve is not curve:
            self._ways[name] = ways = Ways(column, view, curve)
        return ways[k, ef, recall, exact]

    def _matching(self, snapshot: Snapshot, where: Where, deadline: Deadline) -> RowMask:
        """The live rows that match; the last answer is kept until something is written: that makes a new mask."""
        expression = parse_filter(where)
        last = self._filtered
        if last is not None and last[0] is snapshot.live and last[1] == expression:
            return last[2]
        try:
            rows = matching_rows(self._state, snapshot, expression, deadline.at)
        except TimeoutError:
            raise deadline.passed() from None
        self._filtered = (snapshot.live, expression, rows)
        return rows


def _search_many(
    queries: Floats, column: VectorColumn, k: int, way: Way, deadline: Deadline
) -> tuple[RowNumbers, Floats, RowNumbers]:
    """Rows, distances and how many of each are set, of checked queries. Timeout."""
    try:
        return column.index.search_many(queries, k, way.ef, way.view, exact=way.exact, timeout_seconds=deadline.left())
    except TimeoutError:
        raise deadline.passed() from None


def _grouped(
    where: Where | Sequence[Where | None] | None, count: int
) -> list[tuple[Where | None, npt.NDArray[np.intp] | None]]:
    """Equal filters of `count` queries together: (filter, the places of its queries, None for all). InvalidValue."""
    if not isinstance(where, list):
        return [(where, None)] if count else []  # type: ignore[list-item]
    groups: dict[Expression | None, list[int]] = {}
    for place, each in enumerate(filter_each(where, count)):
        groups.setdefault(None if each is None else parse_filter(each), []).append(place)
    if len(groups) == 1:
        return [(next(iter(groups)), None)]
    return [(each, np.array(places)) for each, places in groups.items()]
