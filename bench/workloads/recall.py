"""Recall among some of the rows: those that are live, or that a condition holds for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.bench.datasets.dataset import Dataset, Floats, Ints, Metric, rows_distances
from vecdb.bench.datasets.truth import exact_neighbors
from vecdb.bench.results.metrics import TIE_ABSOLUTE, TIE_RELATIVE

QUERIES_AT_ONCE: Final = 64


def farthest_true(metric: Metric, rows: Floats, queries: Floats, count: int) -> Floats:
    """The distance (nq,) from each query to its `count`-th nearest row, or to its last where there are fewer.

    -inf where there are no rows.
    """
    k = min(count, len(rows))
    if k == 0:
        return np.full(len(queries), -np.inf, np.float32)
    _, distances = exact_neighbors(rows, queries, metric, k)
    return np.asarray(distances[:, -1])


def farthest_of_all(dataset: Dataset, asked: Ints, count: int) -> Floats:
    """The same (m,) for the queries numbered `asked` (m,) of a data set, among all of its rows."""
    if count <= dataset.distances.shape[1]:
        return np.asarray(dataset.distances[asked, count - 1])
    return farthest_true(dataset.metric, dataset.train, dataset.test[asked], count)


def recalls(
    metric: Metric, vectors: Floats, queries: Floats, found: Ints, farthest: Floats, row_of: Ints
) -> npt.NDArray[np.float64]:
    """Recall (nq,) of the ids `found` (nq, k), MISSING where there is none, for queries (nq, d).

    `row_of` (ids,) says which of vectors (n, d) an id has, -1 where it may not be found. An id counts once, if it may
    be found and is not farther than `farthest`; only ties count beside the truth, not ann-benchmarks' tolerance. The
    whole is min(k, ids that may be found), and recall is 1 where nothing was to be found.
    """
    expected = min(found.shape[1], int((row_of >= 0).sum()))
    if expected == 0:
        return np.ones(len(found))
    rows = rows_found(found, row_of)
    right = (rows >= 0) & first_places(found)
    bounds = farthest + np.abs(farthest) * TIE_RELATIVE + TIE_ABSOLUTE
    for first in range(0, len(found), QUERIES_AT_ONCE):
        part = slice(first, first + QUERIES_AT_ONCE)
        distances = rows_distances(metric, queries[part], vectors[rows[part]])
        right[part] &= distances <= bounds[part, np.newaxis]
    return np.asarray(np.minimum(right.sum(axis=1) / expected, 1.0))


def rows_found(found: Ints, row_of: Ints) -> Ints:
    """The rows (nq, k) of ids, -1 for what is MISSING, unknown, or may not be found."""
    known = (found >= 0) & (found < len(row_of))
    return np.where(known, row_of[np.where(known, found, 0)], -1)


def first_places(found: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
    """Which places (nq, k) hold an id that no earlier place of the same query holds."""
    order = np.argsort(found, axis=1, kind="stable")
    ordered = np.take_along_axis(found, order, axis=1)
    again = np.zeros(found.shape, np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    places = np.empty_like(again)
    np.put_along_axis(places, order, ~again, axis=1)
    return places
