"""Finding the projection for codes: from a sample of rows, tried on the sample before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vecdb.index.vector_index import Floats, RowNumbers
from vecdb.native.index import RowMask, ThreadPool, search_many
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4, RowStore, read_rows

SAMPLE_ROWS: Final = 8192
# Fewer rows say too little about where the data lies, the more so the more dimensions it has, and walk fast enough as
# they are.
CODES_ROWS_MINIMUM: Final = 1024
CODES_ROWS_A_DIMENSION: Final = 10
LINES_MAXIMUM: Final = 4
# Of the ten nearest rows of the sample, the share that the codes must rank among the first thirty, which a search
# scores exactly: with this share codes are used at once, with the lower one only if more bits do not help.
COVERAGE_WANTED: Final = 0.99
COVERAGE_MINIMUM: Final = 0.95

_SEED: Final = 20_200_527
_NEAREST: Final = 10
_SCORED: Final = 30
_QUERIES: Final = 64
_DISTINCT_MINIMUM: Final = 4 * _SCORED  # among fewer the trial finds everything
_MIX: Final = 0.4  # the share of a second row in a trial's query: real queries lie between rows
_EXACT_DIMENSIONS: Final = 768  # above, the directions are found by random projections: the exact way is cubic
_OVERSAMPLING: Final = 16
_POWER_ROUNDS: Final = 2
_LARGEST: Final = 1e15  # of a number, so that squared distances stay within float32

Doubles = npt.NDArray[np.float64]


def code4_for(source: RowStore, live: RowNumbers, unit: bool, pool: ThreadPool) -> Code4 | None:
    """The codes for rows like the `live` ones; None where codes would not find their neighbours.

    `unit`: the rows have length one, but for rounding, so that squared L2 ranks them as the dot product does, and is
    more exact in codes.
    """
    if not are_enough(len(live), source.dimension):
        return None
    random = np.random.default_rng(_SEED)
    rows = np.sort(random.choice(live, min(SAMPLE_ROWS, len(live)), replace=False)).astype(np.uint32)
    X = read_rows(source, rows)
    # Copies count once: they would draw the directions to them, and a trial on them says nothing about the others.
    distinct = distinct_rows(X, random)
    X = distinct if len(distinct) >= _DISTINCT_MINIMUM else X
    metric: Metric = "l2" if unit else source.metric
    queries = _queries(X, unit, random)
    best: Code4 | None = None
    best_coverage = COVERAGE_MINIMUM
    dimension = X.shape[1]
    projection = Projection.of(X, metric, min(code4_width(LINES_MAXIMUM), dimension))
    if projection is None:
        return None
    for lines in range(1, LINES_MAXIMUM + 1):
        code4 = projection.code4(metric, lines)
        coverage = _coverage(code4, X, source.metric, queries, pool)
        if coverage >= COVERAGE_WANTED:
            return code4
        if coverage > best_coverage:
            best, best_coverage = code4, coverage
        if code4_width(lines) >= dimension:
            break
    return best


def are_enough(rows: int, dimension: int) -> bool:
    """Whether codes learnt from so many rows are right for others too."""
    return rows >= max(CODES_ROWS_MINIMUM, CODES_ROWS_A_DIMENSION * dimension)


@dataclass(frozen=True, slots=True)
class Projection:
    """Where rows lie: their `mean` (d,), and orthonormal `directions` (d, c), first that in which they differ most."""

    mean: Doubles
    directions: Doubles

    @classmethod
    def of(cls, X: Floats, metric: Metric, count: int) -> Projection | None:
        """Of rows X (n, d), in `count` directions; for the dot product around zero. None if X is beyond its range."""
        mean = X.mean(axis=0, dtype=np.float64) if metric == "l2" else np.zeros(X.shape[1])
        centred = X - mean
        if not np.abs(centred).max(initial=0) <= _LARGEST:
            return None
        return cls(mean, principal_directions(centred, count))

    def code4(self, metric: Metric, lines: int) -> Code4:
        """To as many of the directions as codes of so many lines have numbers, turned at random."""
        width = code4_width(lines)
        directions = self.directions[:, :width]
        turn = np.linalg.qr(np.random.default_rng(_SEED).normal(size=(width, width)))[0]
        matrix = directions @ turn[: directions.shape[1]]
        return Code4(metric, lines, np.ascontiguousarray(matrix, np.float32), self.mean.astype(np.float32))


def distinct_rows(X: Floats, random: np.random.Generator) -> Floats:
    """The rows of X (n, d) without repeats, in random order; X as it is where there are none."""
    whole = np.ascontiguousarray(X).view(np.dtype((np.void, X.itemsize * X.shape[1]))).reshape(-1)
    first = np.unique(whole, return_index=True)[1]
    return X if len(first) == len(X) else np.ascontiguousarray(X[random.permutation(first)])


def code4_width(lines: int) -> int:
    """Numbers of a row of so many cache lines: two a byte, without the last eight bytes."""
    return 128 * lines - 16


def principal_directions(X: Doubles, count: int) -> Doubles:
    """(d, count): orthonormal directions of the largest squared sums of X (n, d).

    Exact by the eigenvectors of X^T X; for many dimensions by a randomised range finder with power iterations (Halko,
    Martinsson & Tropp 2011, algorithm 4.4).
    """
    dimension = X.shape[1]
    if dimension <= _EXACT_DIMENSIONS or count + _OVERSAMPLING >= min(X.shape):
        return np.asarray(np.linalg.eigh(X.T @ X)[1][:, ::-1][:, :count])
    random = np.random.default_rng(_SEED)
    basis = np.linalg.qr(X.T @ random.normal(size=(len(X), count + _OVERSAMPLING)))[0]
    for _ in range(_POWER_ROUNDS):
        basis = np.linalg.qr(X.T @ (X @ basis))[0]
    inside = X @ basis
    turned = np.linalg.eigh(inside.T @ inside)[1][:, ::-1][:, :count]
    return np.asarray(basis @ turned)


def _queries(X: Floats, unit: bool, random: np.random.Generator) -> Floats:
    first, second = (X[random.choice(len(X), _QUERIES)] for _ in range(2))
    queries = (1 - _MIX) * first + _MIX * second
    if unit:
        queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-20)
    return np.ascontiguousarray(queries, np.float32)


def _coverage(code4: Code4, X: Floats, metric: Metric, queries: Floats, pool: ThreadPool) -> float:
    count = len(X)
    rows = np.arange(count, dtype=np.uint32)
    plain = RowStore("float32", metric, X.shape[1], X.shape[1] * 4, _shift(count))
    plain.add_page(_page(X.view(np.uint8).reshape(count, -1)))
    coded = np.empty((count, code4.row_bytes), np.uint8)
    code4.encode(plain, rows, coded)
    codes = RowStore("code4", code4.metric, X.shape[1], code4.row_bytes, _shift(count), code4)
    codes.add_page(_page(coded))
    live, none = RowMask.of(rows), RowMask()
    nearest = search_many(None, plain, queries, live, none, _NEAREST, _NEAREST, False, pool)
    ranked = search_many(None, codes, queries, live, none, _SCORED, _SCORED, False, pool)[0]
    bounds = nearest[1][:, -1]
    found = 0
    for query, rows_scored, bound in zip(queries, ranked, bounds, strict=True):
        # By distance: among copies of one row any will do.
        chosen = RowMask.of(np.sort(rows_scored))
        best = search_many(None, plain, query[None], chosen, none, _NEAREST, _NEAREST, False, pool)[1][0]
        found += int(np.count_nonzero(best <= bound))
    return found / (_NEAREST * len(queries))


def _shift(count: int) -> int:
    return max(count - 1, 1).bit_length()


def _page(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    page = np.zeros((1 << _shift(len(rows)), rows.shape[1]), np.uint8)
    page[: len(rows)] = rows
    return page.reshape(-1)
