"""Measuring an index against the exact answer, with stored vectors as queries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.recall_curve import MEASURED_EFS, RecallCurve
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.vector_column import VectorColumn

_SAMPLE: Final = 600
_PART: Final = 4  # one query of so many is enough where nearly all of them find everything
_PART_RECALL: Final = 0.985
_K: Final = 10
_SEED: Final = 20_180_326
_ENOUGH: Final = 0.9995
_MIX: Final = 0.4


def sampled_queries(
    column: VectorColumn, snapshot: Snapshot, sample: int, seed: int, mix: float = 0.0
) -> npt.NDArray[np.float32]:
    """`sample` live vectors, without repeats, as queries; with `mix`, that share of another live vector in each."""
    queries = column.read(_sampled_rows(snapshot, sample, seed))
    if mix:
        others = column.read(np.random.default_rng(seed + 1).choice(snapshot.live.rows(), len(queries)))
        queries = np.asarray((1 - mix) * queries + mix * others, np.float32)
    return _as_queries(column, queries)


def _sampled_rows(snapshot: Snapshot, sample: int, seed: int) -> npt.NDArray[np.uint32]:
    rows = snapshot.live.rows()
    return np.sort(np.random.default_rng(seed).choice(rows, min(sample, len(rows)), replace=False))


def _as_queries(column: VectorColumn, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if column.normalise:
        X = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-20)
    return np.ascontiguousarray(X, np.float32)


def recalls(
    column: VectorColumn,
    snapshot: Snapshot,
    queries: npt.NDArray[np.float32],
    k: int,
    ef: int,
    deadline: Deadline = NEVER,
) -> npt.NDArray[np.float64]:
    """recall@k of each query: the share of results as near as the exact k-th, so that ties count as found. Timeout."""
    view = snapshot.views[column.name]
    try:
        _, exact, counts = column.index.search_many(queries, k, k, view, exact=True, timeout_seconds=deadline.left())
        return _against(column, snapshot, queries, k, ef, exact, counts, deadline)
    except TimeoutError:
        raise deadline.passed() from None


def measured_curve(column: VectorColumn, snapshot: Snapshot) -> RecallCurve:
    """The recall curve of an index as it is now.

    Half of the queries are stored vectors, answered by walks that do not meet their own rows, and each of the others
    lies between two stored vectors. The first are often easier than what will be asked, the second harder. The
    geometric mean of what the two kinds miss came nearest to what queries from elsewhere miss, on the safe side; where
    the second kind is the easier one it says nothing.
    """
    view = snapshot.views[column.name]
    own = _sampled_rows(snapshot, _SAMPLE // 2, _SEED)
    mixed = sampled_queries(column, snapshot, _SAMPLE // 2, _SEED, mix=_MIX)
    trials = (
        _Trial.of(column, snapshot, _as_queries(column, column.read(own)), own),
        _Trial.of(column, snapshot, mixed, None),
    )
    points: list[tuple[int, float]] = []
    reached = 0.0
    for ef in MEASURED_EFS:
        step = 1 if reached < _PART_RECALL else _PART
        like, unlike = (promised(trial.part(step).shares(column, snapshot, ef)) for trial in trials)
        reached = max(reached, between(like, unlike))
        points.append((ef, reached))
        if reached >= _ENOUGH:
            break
    return RecallCurve(tuple(points), len(snapshot.live) - len(view.tail))


def promised(shares: npt.NDArray[np.float64]) -> float:
    """The mean recall that other queries like these will hardly fall below: a standard error below theirs."""
    return max(0.0, float(shares.mean() - shares.std() / math.sqrt(len(shares))))


def between(like: float, unlike: float) -> float:
    """The recall of queries of which one does not know how like the data they are; see measured_curve."""
    return 1 - math.sqrt((1 - like) * (1 - min(like, unlike)))


@dataclass(frozen=True, slots=True)
class _Trial:
    """Queries whose exact answers are known; `own` are rows that do not count, one a query, or None."""

    queries: npt.NDArray[np.float32]
    own: npt.NDArray[np.uint32] | None
    bounds: npt.NDArray[np.float32]  # the distance of the last true row of each
    counts: npt.NDArray[np.intp]  # of true rows

    @classmethod
    def of(
        cls,
        column: VectorColumn,
        snapshot: Snapshot,
        queries: npt.NDArray[np.float32],
        own: npt.NDArray[np.uint32] | None,
    ) -> _Trial:
        distances = _distances(column, snapshot, queries, own, _K, exact=True)
        counts = np.isfinite(distances).sum(axis=1)
        return cls(queries, own, distances[np.arange(len(queries)), np.maximum(counts, 1) - 1], counts)

    def part(self, step: int) -> _Trial:
        """Every so manieth query of it."""
        own = None if self.own is None else self.own[::step].copy()
        return _Trial(self.queries[::step].copy(), own, self.bounds[::step], self.counts[::step])

    def shares(self, column: VectorColumn, snapshot: Snapshot, ef: int) -> npt.NDArray[np.float64]:
        """The share of each query's true rows that a walk with `ef` finds."""
        found = _distances(column, snapshot, self.queries, self.own, ef, exact=False)
        near = (found <= self.bounds[:, None]).sum(axis=1)
        return np.where(self.counts > 0, np.minimum(near, self.counts) / np.maximum(self.counts, 1), 1.0)


def _distances(
    column: VectorColumn,
    snapshot: Snapshot,
    queries: npt.NDArray[np.float32],
    own: npt.NDArray[np.uint32] | None,
    ef: int,
    *,
    exact: bool,
) -> npt.NDArray[np.float32]:
    """(nq, _K) of the nearest rows but the own, infinite where there are no more."""
    wanted = _K if own is None else _K + 1
    view = snapshot.views[column.name]
    rows, distances, counts = column.index.search_many(
        queries, wanted, max(ef, wanted), view, exact=exact, timeout_seconds=0, unmet=own
    )
    away = np.arange(wanted) >= counts[:, None]
    if own is not None:
        away |= rows == own[:, None]
    return np.sort(np.where(away, np.float32(np.inf), distances), axis=1)[:, :_K]


def _against(
    column: VectorColumn,
    snapshot: Snapshot,
    queries: npt.NDArray[np.float32],
    k: int,
    ef: int,
    exact: npt.NDArray[np.float32],
    counts: npt.NDArray[np.uint32],
    deadline: Deadline = NEVER,
) -> npt.NDArray[np.float64]:
    view = snapshot.views[column.name]
    seconds = deadline.left()
    _, found, _ = column.index.search_many(queries, k, max(ef, k), view, exact=False, timeout_seconds=seconds)
    shares = np.ones(len(queries))
    for place, count in enumerate(counts.tolist()):
        if count:
            shares[place] = np.count_nonzero(found[place, :count] <= exact[place, count - 1]) / count
    return shares
