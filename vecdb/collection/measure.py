"""Measuring an index against the exact answer, with stored vectors as queries."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.collection.deadline import NEVER, Deadline
from vecdb.collection.recall_curve import MEASURED_EFS, RecallCurve
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.vector_column import VectorColumn

_SAMPLE: Final = 200
_K: Final = 10
_SEED: Final = 20_180_326
_ENOUGH: Final = 0.9995
_MIX: Final = 0.4


def sampled_queries(
    column: VectorColumn, snapshot: Snapshot, sample: int, seed: int, mix: float = 0.0
) -> npt.NDArray[np.float32]:
    """`sample` live vectors, without repeats, as queries; with `mix`, that share of another live vector in each."""
    random = np.random.default_rng(seed)
    rows = snapshot.live.rows()
    queries = column.read(np.sort(random.choice(rows, min(sample, len(rows)), replace=False)))
    if mix:
        others = column.read(random.choice(rows, len(queries)))
        queries = (1 - mix) * queries + mix * others
    if column.normalise:
        queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-20)
    return np.ascontiguousarray(queries, np.float32)


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

    A stored vector is too easy a query, it has a row of its own. Mixed with another it lies between rows, as real
    queries do: of the ways tried this came closest to the recall of held-out queries, from below.
    """
    queries = sampled_queries(column, snapshot, _SAMPLE, _SEED, mix=_MIX)
    view = snapshot.views[column.name]
    _, exact, counts = column.index.search_many(queries, _K, _K, view, exact=True, timeout_seconds=0)
    points: list[tuple[int, float]] = []
    reached = 0.0
    for ef in MEASURED_EFS:
        reached = max(reached, float(_against(column, snapshot, queries, _K, ef, exact, counts).mean()))
        points.append((ef, reached))
        if reached >= _ENOUGH:
            break
    return RecallCurve(tuple(points), len(snapshot.live) - len(view.tail))


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
