"""What a library answered, made comparable: rows that exist, each once, with distances of our own."""

from __future__ import annotations

from typing import Final

import numpy as np

from vecdb.bench.datasets.dataset import Dataset, Floats, Ints, rows_distances

BLOCK_BYTES: Final = 64 << 20  # of gathered rows at a time
MISSING: Final = -1


class WrongAnswer(Exception):  # noqa: N818
    """An answer that no index of these rows can give."""


def checked_answers(dataset: Dataset, found: Ints, count: int) -> tuple[Ints, Floats]:
    """The row numbers (m, count) int32 and distances (m, count) of answers (m, <= count) to the first m queries.

    Row numbers that an answer gives again are dropped, as are those below 0: places without a row are -1 and inf.
    WrongAnswer for ids that are no rows, and for shapes that are no answers.
    """
    rows, asked = len(dataset.train), len(dataset.test)
    if found.ndim != 2 or found.shape[0] > asked or found.shape[1] > count or found.dtype.kind not in "iu":
        raise WrongAnswer(f"expected integers (<= {asked}, <= {count}), received {found.dtype} {found.shape}")
    if found.size and found.max() >= rows:
        raise WrongAnswer(f"expected ids below {rows}, received {found.max()}")
    neighbors = np.full((len(found), count), MISSING, np.int64)
    neighbors[:, : found.shape[1]] = np.where(_again(found), MISSING, found)
    neighbors[neighbors < 0] = MISSING
    distances = np.full(neighbors.shape, np.inf, np.float32)
    step = max(1, BLOCK_BYTES // (count * dataset.dimension * 4))
    for start in range(0, len(neighbors), step):
        own = neighbors[start : start + step]
        queries = dataset.test[start : start + len(own)]
        near = rows_distances(dataset.metric, queries, dataset.train[np.maximum(own, 0)])
        distances[start : start + step] = np.where(own < 0, np.inf, near)
    return neighbors.astype(np.int32), distances


def _again(found: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where (m, k) an answer has an id that it had before."""
    order = np.argsort(found, axis=1, kind="stable")
    ordered = np.take_along_axis(found, order, axis=1)
    again = np.zeros(found.shape, bool)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again
