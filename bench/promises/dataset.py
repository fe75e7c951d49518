"""The rows and queries that are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

DEMO: Final = Path(__file__).resolve().parents[2] / "demo" / "data"
LEXICAL_NAMES: Final = ("noun.artifact", "noun.person", "verb.motion", "adj.all")
TRUTH_BLOCK: Final = 256  # queries scored at once: bounds the memory of the exact scan
SAME_SCORE: Final = 1e-6  # rows this close to the last true neighbour count as it: ties have no order


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """`train` (n, d) rows and `test` (nq, d) queries, float32 of unit length; row i has id i and payloads[i]."""

    name: str
    train: Floats
    test: Floats
    payloads: list[dict[str, Any]]

    @property
    def ids(self) -> Ids:
        """0 .. n - 1."""
        return np.arange(len(self.train), dtype=np.int64)

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self.train.shape[1])

    def queries(self, count: int) -> Floats:
        """`count` queries (count, d): the test set, cut or repeated."""
        return np.ascontiguousarray(self.test[np.arange(count) % len(self.test)])


@lru_cache(maxsize=1)
def read_dataset(path: Path | None = None, rows_maximum: int | None = None, payloads: Path | None = None) -> Dataset:
    """The first `rows_maximum` rows of an .npz with the keys train and test; None: of the demo's 10,000 synsets.

    `payloads` is a parquet file with a row for each of theirs; None: small ones are made.
    """
    if path is None:
        name, train, test = "demo", np.load(DEMO / "synsets.f16.npy"), np.load(DEMO / "queries.f16.npy")
    else:
        name = path.name
        with np.load(path) as arrays:
            train, test = arrays["train"], arrays["test"]
    train = train[:rows_maximum]
    rows = make_payloads(len(train)) if payloads is None else read_payloads(payloads, len(train))
    return Dataset(name, unit_rows(train), unit_rows(test), rows)


def unit_rows(X: npt.NDArray[Any]) -> Floats:
    """X (n, d) as float32 rows of length one."""
    rows = np.ascontiguousarray(X, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def make_payloads(count: int) -> list[dict[str, Any]]:
    """One small payload a row: a string, an integer, a float and a boolean."""
    return [
        {
            "lexname": LEXICAL_NAMES[row % len(LEXICAL_NAMES)],
            "depth": row % 17,
            "weight": row / count,
            "leaf": row % 3 == 0,
        }
        for row in range(count)
    ]


def read_payloads(path: Path, count: int) -> list[dict[str, Any]]:
    """The first `count` rows of a parquet file, a field a column."""
    from pyarrow import parquet

    payloads: list[dict[str, Any]] = parquet.read_table(path).slice(0, count).to_pylist()
    if len(payloads) != count:
        raise ValueError(f"{path}: expected {count} rows, received {len(payloads)}")
    return payloads


def true_scores(dataset: Dataset, queries: Floats, k: int) -> Floats:
    """The similarity (nq,) of each query's k-th nearest row, by an exact scan."""
    k = min(k, len(dataset.train))
    bounds = [
        np.partition(queries[first : first + TRUTH_BLOCK] @ dataset.train.T, -k, axis=1)[:, -k]
        for first in range(0, len(queries), TRUTH_BLOCK)
    ]
    return np.concatenate(bounds)


def recall(dataset: Dataset, queries: Floats, found: Ids, bounds: Floats) -> float:
    """The mean share of `found` (nq, k) ids, each counted once, that score at least true_scores' bound."""
    scores = np.einsum("qd,qkd->qk", queries, dataset.train[found])
    is_true = scores >= bounds[:, None] - SAME_SCORE
    hits = [len(set(ids[near].tolist())) for ids, near in zip(found, is_true, strict=True)]
    return sum(hits) / found.size
