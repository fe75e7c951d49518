"""What a data set is known by: figures of one do not belong to another that has its name."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

import numpy as np

from vecdb.bench.datasets.dataset import Dataset, Floats

SAMPLE_ROWS: Final = 1000  # of the rows and of the queries, evenly apart: reading all of a large set takes long


@lru_cache(maxsize=1)
def dataset_digest(dataset: Dataset) -> str:
    """16 hexadecimal digits of the metric, the shapes, a sample of train and test, and all of neighbors."""
    digest = hashlib.sha256(dataset.metric.encode())
    for array in (_sample(dataset.train), _sample(dataset.test), dataset.neighbors):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(f"{dataset.train.shape} {dataset.test.shape}".encode())
    return digest.hexdigest()[:16]


def _sample(array: Floats) -> Floats:
    places = np.unique(np.linspace(0, len(array) - 1, SAMPLE_ROWS).astype(np.int64))
    return array[places] if len(array) else array
