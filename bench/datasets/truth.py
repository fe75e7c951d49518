"""The exact neighbours of queries: a scan in float32, with what it leaves open settled in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.bench.datasets.dataset import Attributes, Dataset, Floats, Ints, Metric, precise_distances
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress, reporter

PLACES: Final = 100  # neighbours that a data set names for each query, as ann-benchmarks' do

QUERY_BLOCK: Final = 128  # queries scored at once
ROW_BLOCK: Final = 65_536  # rows scored at once: 32 MiB of scores
SPARE: Final = 28  # candidates kept beside k, so that rows within float32's error of the last place are among them
PRECISE_BYTES: Final = 32 << 20  # float64 rows rescored at once
VALUE_MAXIMUM: Final = 1e15  # beyond it products of float32 may overflow
EPSILON: Final = float(np.finfo(np.float32).eps)


def dataset_with_truth(
    name: str,
    metric: Metric,
    train: npt.NDArray[Any],
    test: npt.NDArray[Any],
    attributes: Attributes | None = None,
    progress: Progress = None,
) -> Dataset:
    """The data set of rows (n, d) and queries (nq, d) of any number type, with its exact nearest 100.

    A name, a shape or a value that cannot be measured (NaN, beyond +-1e15) is a Mistake.
    """
    train = _vectors(f"{name}: train", train)
    test = _vectors(f"{name}: test", test)
    if train.shape[1] != test.shape[1]:
        raise Mistake(f"{name}: train has {train.shape[1]} dimensions, test {test.shape[1]} dimensions")
    neighbors, distances = exact_neighbors(train, test, metric, PLACES, progress)
    return Dataset(name, metric, train, test, neighbors, distances, attributes)


def exact_neighbors(
    train: Floats, test: Floats, metric: Metric, k: int, progress: Progress = None
) -> tuple[Ints, Floats]:
    """The min(k, n) nearest rows of train (n, d) for each of test (nq, d): row numbers int32, distances float32.

    Both are (nq, min(k, n)), nearest first; equal distances (in float64) are in order of row number. No row is missed:
    float32 only rules out what is further away than its error can explain.
    """
    k = min(k, len(train))
    neighbors = np.empty((len(test), k), np.int32)
    distances = np.empty((len(test), k), np.float32)
    if k == 0 or len(test) == 0:
        return neighbors, distances
    scan = _Scan.of(train, test, metric)
    report = reporter(progress, "exact neighbours")
    for first in range(0, len(test), QUERY_BLOCK):
        block = slice(first, min(first + QUERY_BLOCK, len(test)))
        candidates, settled = scan.candidates(block, k)
        for query, rows, is_settled in zip(range(block.start, block.stop), candidates, settled, strict=True):
            near = rows if is_settled else scan.all_candidates(query, k)
            near = np.sort(near)
            exact = _precise(metric, test[query], train, near)
            order = np.argsort(exact, kind="stable")[:k]
            neighbors[query] = near[order]
            distances[query] = exact[order]
        if report is not None:
            report(block.stop, len(test))
    return neighbors, distances


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """Keys in float32 that rise with the distance: `offsets[row] - query . row`, each within `errors[query]`."""

    rows: Floats
    queries: Floats
    offsets: Floats
    errors: Floats

    @classmethod
    def of(cls, train: Floats, test: Floats, metric: Metric) -> _Scan:
        """The scan of rows (n, d) for queries (nq, d)."""
        dimension = train.shape[1]
        if metric == "angular":
            rows, queries = _unit(train), _unit(test)
            offsets = np.zeros(len(train), np.float32)
            errors = np.full(len(test), (dimension + 16) * EPSILON)
        elif metric == "dot":
            rows, queries = train, test
            offsets = np.zeros(len(train), np.float32)
            errors = (dimension + 16) * EPSILON * _lengths(test) * _lengths(train).max()
        else:
            # Around the mean: lengths, and with them float32's errors, are as small as they can be.
            centre = train.mean(axis=0, dtype=np.float64).astype(np.float32)
            rows, queries = train - centre, test - centre
            lengths = _lengths(rows)
            offsets = (lengths**2 / 2).astype(np.float32)
            longest, asked = lengths.max(), _lengths(queries)
            # The error of the product, and what rounding the differences to the mean can change of the distance.
            errors = EPSILON * ((dimension + 16) * asked * longest + 4 * (asked + longest) ** 2)
        return cls(rows, queries, offsets, np.asarray(errors))

    def candidates(self, block: slice, k: int) -> tuple[Sequence[Ints], npt.NDArray[np.bool_]]:
        """For each query of the block the rows with the smallest keys, and whether its k nearest must be among them."""
        queries = self.queries[block]
        width = min(k + SPARE, len(self.rows))
        keys = np.empty((len(queries), 0), np.float32)
        numbers = np.empty((len(queries), 0), np.int32)
        for first in range(0, len(self.rows), ROW_BLOCK):
            scores = self.offsets[first : first + ROW_BLOCK] - queries @ self.rows[first : first + ROW_BLOCK].T
            near = _smallest(scores, width)
            keys = np.hstack([keys, np.take_along_axis(scores, near, 1)])
            numbers = np.hstack([numbers, (near + first).astype(np.int32)])
            kept = _smallest(keys, width)
            keys, numbers = np.take_along_axis(keys, kept, 1), np.take_along_axis(numbers, kept, 1)
        if width == len(self.rows):
            return list(numbers), np.ones(len(queries), np.bool_)
        last_true = np.partition(keys, k - 1, axis=1)[:, k - 1]
        return list(numbers), keys.max(axis=1) > last_true + 2 * self.errors[block]

    def all_candidates(self, query: int, k: int) -> Ints:
        """Every row that can be among the k nearest of one query, however many are equally far."""
        keys = self.offsets - self.rows @ self.queries[query]
        last_true = np.partition(keys, k - 1)[k - 1]
        return np.flatnonzero(keys <= last_true + 2 * self.errors[query])


def _smallest(keys: Floats, width: int) -> Ints:
    if keys.shape[1] <= width:
        return np.broadcast_to(np.arange(keys.shape[1]), keys.shape)
    return np.asarray(np.argpartition(keys, width - 1, axis=1)[:, :width])


def _precise(metric: Metric, query: Floats, train: Floats, rows: Ints) -> Floats:
    step = max(1, PRECISE_BYTES // (8 * train.shape[1]))
    parts = [
        precise_distances(metric, query[np.newaxis], train[rows[first : first + step]][np.newaxis])[0]
        for first in range(0, len(rows), step)
    ]
    return np.concatenate(parts)


def _lengths(X: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", X, X, dtype=np.float64)))


def _unit(X: Floats) -> Floats:
    lengths = _lengths(X)
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return X * scale.astype(np.float32)[:, np.newaxis]


def _vectors(what: str, X: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if X.ndim != 2 or X.shape[0] == 0 or X.shape[1] == 0:
        raise Mistake(f"{what}: expected vectors (n, d), received an array of shape {X.shape}")
    if X.dtype.kind not in "biuf":
        raise Mistake(f"{what}: expected numbers, received {X.dtype}")
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite there, and refused below
        vectors = np.ascontiguousarray(X, np.float32)
    # Also false for NaN.
    sound = np.maximum(vectors.max(axis=1), -vectors.min(axis=1)) <= VALUE_MAXIMUM
    if not sound.all():
        raise Mistake(f"{what}: row {int(np.argmin(sound))} has a value that is not within +-{VALUE_MAXIMUM:g}")
    return vectors
