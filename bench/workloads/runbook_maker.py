"""Runbooks made for data of any size: a sliding window, rows that expire, clusters that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from vecdb.bench.datasets.dataset import Floats, Ints, Metric
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search, Step

LIFETIMES: Final = ((0.05, 1.0), (0.25, 0.4), (1.0, 0.15))  # (part of the batches up to here, part of the run)
KMEANS_ROWS: Final = 20_000
KMEANS_ROUNDS: Final = 10
CLUSTER_ROWS_MINIMUM: Final = 4  # smaller clusters stay away


def sliding_window(dataset: str, rows: int, batches: int) -> Book:
    """Batch after batch comes; as soon as half of them are there, the oldest goes for each that comes."""
    bounds = _bounds(rows, batches)
    window = max(1, batches // 2)
    steps: list[Step] = []
    for number, (start, end) in enumerate(pairwise(bounds)):
        steps.append(Insert(start, end))
        if number >= window:
            steps.append(Delete(bounds[number - window], bounds[number - window + 1]))
        steps.append(Search())
    return _made(dataset, steps)


def expiration_time(dataset: str, rows: int, batches: int, seed: int) -> Book:
    """Batch after batch comes, each with a time to live by LIFETIMES: most go soon, few stay to the end."""
    random = np.random.default_rng(seed)
    steps: list[Step] = []
    expiring: dict[int, list[Delete]] = {}
    for number, (start, end) in enumerate(pairwise(_bounds(rows, batches))):
        draw = random.random()
        life = next(part for bound, part in LIFETIMES if draw <= bound)
        expiring.setdefault(number + max(1, round(life * batches)), []).append(Delete(start, end))
        steps += [Insert(start, end), *expiring.pop(number, []), Search()]
    return _made(dataset, steps)


def clustered(dataset: str, sizes: Sequence[int], seed: int) -> Book:
    """Clusters of rows that lie one after the other: half to nine tenths of each comes, then parts change and go.

    In the second round a part of each cluster gets other rows of the same cluster; in the third one a part of each
    goes, in random order.
    """
    random = np.random.default_rng(seed)
    ends = np.cumsum(sizes).tolist()
    clusters = [
        (end - size, end - size + max(1, int(size * random.uniform(0.5, 0.9))), end)
        for end, size in zip(ends, sizes, strict=True)
        if size >= CLUSTER_ROWS_MINIMUM
    ]
    if not clusters:
        raise Mistake(f"runbook for {dataset}: expected a cluster of {CLUSTER_ROWS_MINIMUM} rows or more")
    steps: list[Step] = []
    for start, middle, _ in clusters:
        steps += [Insert(start, middle), Search()]
    for start, middle, end in clusters:
        size = max(1, round(min(end - middle, middle - start) * random.uniform(0.2, 1.0)))
        steps += [Replace(start, start + size, middle, middle + size), Search()]
    for number in random.permutation(len(clusters)).tolist():
        start, middle, _ = clusters[number]
        steps += [Delete(start, start + max(1, round((middle - start) * random.uniform(0.5, 0.9)))), Search()]
    return _made(dataset, steps)


def cluster_order(train: Floats, metric: Metric, clusters: int, seed: int) -> tuple[Ints, list[int]]:
    """The rows (n,) of train cluster by cluster, and the size of each: k-means on a part of the rows."""
    random = np.random.default_rng(seed)
    sample = train[np.sort(random.permutation(len(train))[:KMEANS_ROWS])]
    if metric == "angular":
        sample = _of_length_one(sample)
    centres = sample[random.permutation(len(sample))[:clusters]]
    for _ in range(KMEANS_ROUNDS):
        nearest = _nearest(sample, centres)
        for number in range(len(centres)):
            own = sample[nearest == number]
            centres[number] = own.mean(axis=0) if len(own) else sample[random.integers(len(sample))]
    nearest = _nearest(_of_length_one(train) if metric == "angular" else train, centres)
    return np.argsort(nearest, kind="stable"), np.bincount(nearest, minlength=len(centres)).tolist()


def _bounds(rows: int, batches: int) -> list[int]:
    if not 2 <= batches <= rows:
        raise Mistake(f"expected from 2 to {rows} batches, received {batches}")
    return [rows * number // batches for number in range(batches + 1)]


def _made(dataset: str, steps: Sequence[Step]) -> Book:
    there = most = 0
    for step in steps:
        if isinstance(step, Insert | Delete):
            there += (step.end - step.start) * (1 if isinstance(step, Insert) else -1)
        most = max(most, there)
    return Book(dataset, most, tuple(steps))


def _nearest(rows: Floats, centres: Floats) -> Ints:
    """The nearest of centres (c, d) for each row, (n,); 4,096 rows at a time."""
    lengths = (centres**2).sum(axis=1) / 2
    blocks = [rows[first : first + 4096] @ centres.T - lengths for first in range(0, len(rows), 4096)]
    return np.concatenate([block.argmax(axis=1) for block in blocks])


def _of_length_one(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
