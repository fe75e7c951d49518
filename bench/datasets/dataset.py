"""The data set: rows to index, queries to ask, and what is true of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Metric: TypeAlias = Literal["euclidean", "angular", "dot"]
Column: TypeAlias = npt.NDArray[Any] | Sequence[Any]
# Columns by name, each with one value for each row of `train`; None is a value that is not known.
Attributes: TypeAlias = Mapping[str, Column]

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """One data set: train (n, d) and test (nq, d) float32, C-contiguous, as in the file; truth of kt places a query.

    `neighbors` (nq, kt) int32 are row numbers of train, exact, nearest first; `distances` (nq, kt) float32 belong to
    them, as `distances_to` defines them. `attributes` are columns about the rows of train, for filters.
    """

    name: str
    metric: Metric
    train: Floats
    test: Floats
    neighbors: Ints
    distances: Floats
    attributes: Attributes | None = None

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self.train.shape[1])


def distances_to(metric: Metric, query: Floats, rows: Floats) -> Floats:
    """Distances (k,) float32 from query (d,) to rows (k, d), as ann-benchmarks defines them.

    euclidean: the L2 norm of the difference. angular: 1 - cosine. dot: the negated dot product. All are computed in
    float64; what has no length has the cosine 0.
    """
    return np.asarray(rows_distances(metric, query[np.newaxis], rows[np.newaxis])[0])


def rows_distances(metric: Metric, queries: Floats, rows: Floats) -> Floats:
    """Distances (q, k) float32 from each of queries (q, d) to its own rows (q, k, d), as `distances_to` has them."""
    return np.asarray(precise_distances(metric, queries, rows), np.float32)


def precise_distances(metric: Metric, queries: Floats, rows: Floats) -> Floats:
    """The same in float64 (q, k), for what must be put in order."""
    queries = queries.astype(np.float64)
    rows = rows.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(np.linalg.norm(rows - queries[:, np.newaxis], axis=2))
    products = np.einsum("qd,qkd->qk", queries, rows)
    if metric == "dot":
        return np.asarray(-products)
    lengths = np.linalg.norm(queries, axis=1)[:, np.newaxis] * np.linalg.norm(rows, axis=2)
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return np.asarray(1.0 - cosines)
