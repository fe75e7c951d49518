"""Searching one collection: check the call, choose how to answer it, run it, wrap the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecdb import limits
from vecdb.call_checks import check_queries, filter_each
from vecdb.collection.deadline import Deadline
from vecdb.collection.filtering import matching_rows
from vecdb.collection.hits import StoredHits
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.state import CollectionState
from vecdb.collection.vector_column import VectorColumn
from vecdb.collection.vector_input import ready_rows
from vecdb.filters import Expression, Where, parse_filter
from vecdb.hits import Floats, Hits
from vecdb.index.vector_index import View
from vecdb.native.index import RowMask
from vecdb.schema import vector_used
from vecdb.types import Plan

RECALL_DEFAULT: Final = 0.95
_NO_ROWS: Final = RowMask()
_READS_PAYLOADS: Final = "no field index answers the filter: every payload was read"


class Searcher:
    """The search verbs of a collection; any number of threads at once."""

    def __init__(self, state: CollectionState) -> None:
        self._state = state
        self._filtered: tuple[RowMask, Expression, RowMask] | None = None
        self._efs: dict[tuple[str, float, int], tuple[object, int]] = {}

    def search_one(
        self,
        query: Floats,
        column: VectorColumn,
        k: int,
        where: Where | None,
        *,
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
        deadline = Deadline(timeout)
        snapshot = state.snapshot
        view = snapshot.views[column.name]
        walked = 0 if exact or not column.index.absorbs else self._ef(column, k, ef, recall)
        matched, slow = len(view.live), None
        if where is not None:
            allowed = self._matching(snapshot, where, deadline)
            view, exact, walked = View(allowed, _NO_ROWS, False), True, 0
            matched, slow = len(allowed), _READS_PAYLOADS
        try:
            rows, distances, scanned = self._run(query, column, k, walked, view, exact, deadline.left())
        except TimeoutError:
            raise deadline.passed() from None
        if min_score is not None:
            keep = -distances >= min_score
            rows, distances = rows[keep], distances[keep]
        plan = _plan(column, view, walked, scanned, matched, slow)
        return StoredHits(state, snapshot, rows, distances, plan, select, with_vectors)

    def search_many(
        self,
        queries: Floats,
        column: VectorColumn,
        k: int,
        where: Where | Sequence[Where | None] | None,
        *,
        ef: int | None,
        recall: float | None,
        exact: bool,
        select: Sequence[str] | None,
        with_vectors: bool,
        min_score: float | None,
        timeout: float | None,
    ) -> list[Hits]:
        """The k best rows for each query (nq, d), one release of the GIL for each filter."""
        state = self._state
        deadline = Deadline(timeout)
        count = len(queries)
        check_queries(count, k)
        wheres = filter_each(where, count)
        queries = ready_rows(queries, column.vector, state.schema.name, column.name)
        snapshot = state.snapshot
        found: list[Hits | None] = [None] * count
        for condition, places in _grouped(wheres):
            view = snapshot.views[column.name]
            walked = 0 if exact or not column.index.absorbs else self._ef(column, k, ef, recall)
            matched, slow, scan = len(view.live), None, exact
            if condition is not None:
                allowed = self._matching(snapshot, condition, deadline)
                view, scan, walked = View(allowed, _NO_ROWS, False), True, 0
                matched, slow = len(allowed), _READS_PAYLOADS
            plan = _plan(column, view, walked, False, matched, slow)
            some = queries if len(places) == count else np.ascontiguousarray(queries[places])
            try:
                rows, distances, counts = column.index.search_many(
                    some, k, walked, view, exact=scan, timeout_seconds=deadline.left()
                )
            except TimeoutError:
                raise deadline.passed() from None
            for at, place in enumerate(places):
                own = distances[at, : counts[at]]
                if min_score is not None:
                    own = own[-own >= min_score]
                found[place] = StoredHits(state, snapshot, rows[at, : len(own)], own, plan, select, with_vectors)
        return [hits for hits in found if hits is not None]

    def column(self, using: str | None) -> VectorColumn:
        """The vector a search uses: the named one, or the only one. VectorNotFound."""
        return self._state.columns[vector_used(self._state.schema, using)]

    def _run(
        self, query: Floats, column: VectorColumn, k: int, ef: int, view: View, exact: bool, seconds: float
    ) -> tuple[Any, Floats, bool]:
        search = column.index.search
        try:
            return search(query, k, ef, view, exact=exact, normalise=column.normalise, timeout_seconds=seconds)
        except ValueError:
            # NaN, infinity or zero are refused here by name; the check copes with a norm at the edge of float32.
            name = self._state.schema.name
            checked = ready_rows(query.reshape(1, -1), column.vector, name, column.name)
            many = column.index.search_many(checked, k, ef, view, exact=exact, timeout_seconds=seconds)
            rows, distances, counts = many
            return rows[0, : counts[0]], distances[0, : counts[0]], False

    def _ef(self, column: VectorColumn, k: int, ef: int | None, recall: float | None) -> int:
        if ef is not None:
            return int(ef if ef > k else k)
        wanted = RECALL_DEFAULT if recall is None else recall
        key = (column.name, wanted, k)
        curve = self._state.curves[column.name]
        cached = self._efs.get(key)
        if cached is None or cached[0] is not curve:
            if len(self._efs) > 64:
                self._efs.clear()
            found = min(curve.ef_for(wanted, k), limits.EF_AUTOMATIC_MAXIMUM)
            self._efs[key] = cached = (curve, found)
        return cached[1]

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


def _plan(column: VectorColumn, view: View, walked: int, scanned: bool, matched: int, slow_reason: str | None) -> Plan:
    tail = len(view.tail)
    return Plan(
        strategy="graph" if walked else "scan",
        rows_scanned=matched if scanned or not walked else tail,
        rows_matched=matched,
        estimated=False,
        metric=column.vector.metric,
        ef=walked or None,
        slow_reason=slow_reason,
    )


def _grouped(wheres: list[Where | None]) -> list[tuple[Where | None, list[int]]]:
    """Equal filters together: (filter, places)."""
    if all(where is None for where in wheres):
        return [(None, list(range(len(wheres))))] if wheres else []
    groups: dict[Expression | None, list[int]] = {}
    for place, where in enumerate(wheres):
        groups.setdefault(None if where is None else parse_filter(where), []).append(place)
    return list(groups.items())
