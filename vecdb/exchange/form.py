"""What every form of file does; export and import know forms by this protocol alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vecdb.schema import CollectionSchema


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows on their way: an id, a payload and, in each (n, d) array, a vector a row.

    Out of a file they come as they were found there; whoever stores them checks ids, payloads and numbers.
    """

    ids: Sequence[Any]
    payloads: Sequence[Any]
    vectors: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.ids)


class Form(Protocol):
    """One kind of file. What is refused is an InvalidArgument that names the file and the line or row."""

    def paths(self, path: Path) -> tuple[Path, ...]:
        """Every file that write() makes; an export is whole when the last of them is in its place."""

    def write(self, path: Path, schema: CollectionSchema, rows: int, batches: Iterable[RowBatch]) -> None:
        """Writes `rows` rows, which the batches hold. OSError."""

    def row_count(self, path: Path) -> int:
        """How many rows read() is going to give. OSError."""

    def read(self, path: Path, schema: CollectionSchema, batch_rows: int) -> Iterator[RowBatch]:
        """The rows in batches of at most `batch_rows`, with every vector of the schema (n, dimension). OSError."""


def rows_within(schema: CollectionSchema, maximum_rows: int, maximum_bytes: int) -> int:
    """How many rows, 1 .. maximum_rows, have float32 vectors of at most `maximum_bytes`."""
    row_bytes = sum(np.dtype(np.float32).itemsize * vector.dimension for vector in schema.vectors.values())
    return max(1, min(maximum_rows, maximum_bytes // row_bytes))
