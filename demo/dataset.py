"""The demo's data, read from demo/data: synsets of WordNet 3.0 and example sentences, with their embeddings."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

DATA: Final = Path(__file__).parent / "data"
DIMENSION: Final = 384


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows with one vector (n, 384) float32 of unit length each, in the same order."""

    rows: list[dict[str, Any]]
    vectors: npt.NDArray[np.float32]

    @property
    def ids(self) -> list[int]:
        """The WordNet row numbers, which the demo uses as ids."""
        return [row["id"] for row in self.rows]


def read_synsets() -> Dataset:
    """10,000 synsets: id, pos, lexname, depth, n_lemmas, lemmas, text ("word: definition")."""
    return read_dataset("synsets")


def read_queries() -> Dataset:
    """40 example sentences: query, text, and the synset that each illustrates."""
    return read_dataset("queries")


def read_dataset(name: str) -> Dataset:
    """The pair of files of one name."""
    with gzip.open(DATA / f"{name}.jsonl.gz") as lines:
        rows = [orjson.loads(line) for line in lines]
    vectors = np.load(DATA / f"{name}.f16.npy").astype(np.float32)
    assert vectors.shape == (len(rows), DIMENSION), f"{DATA}: {name} rows and vectors differ"
    return Dataset(rows, vectors)
