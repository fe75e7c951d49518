"""Random vectors in clusters, of any size, made in a moment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from vecdb.bench.datasets.dataset import METRICS, Metric
from vecdb.bench.datasets.hdf5_file import write_dataset
from vecdb.bench.datasets.source import Source
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress

# ann-benchmarks' sizes: rows, queries.
SIZES: Final = {"xs": (9_000, 1_000), "s": (90_000, 10_000)}
ROWS_A_CLUSTER: Final = 100
SPREAD: Final = 10.0  # centres lie in a cube of -10..10, rows around them with a deviation of 1
SEED: Final = 1
ROWS_MAXIMUM: Final = 10_000_000
DIMENSION_MAXIMUM: Final = 4_096

_NAME: Final = re.compile(rf"random-(xs|s|[1-9]\d*)-([1-9]\d*)-({'|'.join(METRICS)})")


@dataclass(frozen=True)
class RandomSet(Source):
    """Rows and queries around the same random centres; a size gives the same vectors whenever it is made.

    The recipe is ann-benchmarks', the vectors are not: theirs come from another generator.
    """

    name: str
    about: str
    rows: int
    queries: int
    dimension: int
    metric: Metric

    @classmethod
    def named(cls, name: str) -> RandomSet | None:
        """The set that `random-<n>-<d>-<metric>` asks for, n rows or xs or s; None if it is no such name."""
        parts = _NAME.fullmatch(name)
        if parts is None:
            return None
        size, dimension = parts[1], int(parts[2])
        metric = next(metric for metric in METRICS if metric == parts[3])
        rows, queries = SIZES[size] if size in SIZES else (int(size), max(20, min(1_000, int(size) // 10)))
        if rows > ROWS_MAXIMUM or dimension > DIMENSION_MAXIMUM:
            raise Mistake(f"{name}: expected at most {ROWS_MAXIMUM:,} rows of {DIMENSION_MAXIMUM:,} dimensions")
        about = f"{rows:,} random rows in clusters, {queries:,} queries; made here"
        return cls(name, about, rows, queries, dimension, metric)

    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:  # noqa: ARG002
        """Writes the file; needs nothing."""
        generator = np.random.default_rng([SEED, self.rows, self.dimension])
        clusters = max(1, self.rows // ROWS_A_CLUSTER)
        centres = generator.uniform(-SPREAD, SPREAD, (clusters, self.dimension)).astype(np.float32)
        total = self.rows + self.queries
        vectors = generator.standard_normal((total, self.dimension), np.float32)
        vectors += centres[generator.integers(clusters, size=total)]
        train, test = vectors[: self.rows], vectors[self.rows :]
        write_dataset(target, dataset_with_truth(self.name, self.metric, train, test, progress=progress))
