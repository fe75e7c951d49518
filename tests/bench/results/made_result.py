"""Data sets and results for tests, made from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from vecdb.bench.datasets.dataset import Dataset, Metric
from vecdb.bench.results.result import Lap, Result

PLACES = 20


def made_dataset(metric: Metric = "euclidean", rows: int = 200, queries: int = 30, seed: int = 1) -> Dataset:
    """Random vectors with exact truth, by numpy in float64 and one query at a time."""
    generator = np.random.default_rng(seed)
    train = generator.normal(size=(rows, 8)).astype(np.float32)
    test = generator.normal(size=(queries, 8)).astype(np.float32)
    true = np.array([distances(metric, query, train) for query in test])
    order = np.argsort(true, axis=1, kind="stable")[:, :PLACES]
    return Dataset(
        "made-8-" + metric,
        metric,
        train,
        test,
        order.astype(np.int32),
        np.take_along_axis(true, order, axis=1).astype(np.float32),
    )


def distances(metric: Metric, query: Any, rows: Any) -> Any:
    """One query against rows, float64."""
    query, rows = query.astype(np.float64), rows.astype(np.float64)
    if metric == "euclidean":
        return np.sqrt(((rows - query) ** 2).sum(axis=1))
    products = rows @ query
    return 1 - products / np.sqrt((rows**2).sum(axis=1) * (query**2).sum()) if metric == "angular" else -products


def made_result(dataset: Dataset, count: int = 10, seed: int = 2, queries: int | None = None, **changes: Any) -> Result:
    """A result with three laps; each answer has one wrong row, and a missing place now and then."""
    generator = np.random.default_rng(seed)
    queries = queries or len(dataset.test)
    neighbors = dataset.neighbors[:queries, :count].copy()
    for row in neighbors:
        others = np.setdiff1d(np.arange(len(dataset.train)), row)
        place = generator.integers(len(row))
        row[place] = generator.choice(others)
    neighbors[generator.random(neighbors.shape) < 0.02] = -1
    found = np.array(
        [
            np.where(row < 0, np.inf, distances(dataset.metric, query, dataset.train[np.maximum(row, 0)]))
            for query, row in zip(dataset.test, neighbors, strict=False)
        ]
    )
    times = [generator.uniform(1e-4, 2e-4, queries) for _ in range(3)]
    fields: dict[str, Any] = {
        "dataset": dataset.name,
        "metric": dataset.metric,
        "count": count,
        "algorithm": "made",
        "arguments": ({"m": 16, "ef_construction": 200},),
        "query_arguments": (40,),
        "batch": False,
        "threads": 2,
        "build_seconds": 1.5,
        "build_cpu_seconds": 2.5,
        "index_bytes": 3 << 20,
        "reported_index_bytes": None,
        "memory_after_build_bytes": 50 << 20,
        "memory_peak_bytes": 60 << 20,
        "laps": tuple(Lap(float(own.sum()), float(own.sum()) * 1.1, own, "abc") for own in times),
        "neighbors": neighbors,
        "distances": found.astype(np.float32),
        "versions": {"made": "1.0"},
        "machine": {"CPU": "a processor", "cores": "2"},
        "started": 1000.5,
        "session": "abc",
        "build_session": "abc",
    }
    return Result(**(fields | changes))
