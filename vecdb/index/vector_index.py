"""What every search structure does; the collection knows indexes by this protocol alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vecdb.native.index import RowMask

RowNumbers = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class View:
    """The rows one reader sees: `live` rows are the answers, those of `tail` (among them) are not yet in the structure.

    `masked`: the structure still holds rows that are no longer live.
    """

    live: RowMask
    tail: RowMask
    masked: bool


class VectorIndex(Protocol):
    """A structure over rows that a store holds. Searches run beside everything; writers come one at a time."""

    @property
    def absorbs(self) -> bool:
        """Whether rows must be inserted; False: a stored row is found as it is and there never is a tail."""

    def search(
        self, query: Floats, k: int, ef: int, view: View, exact: bool, normalise: bool, timeout_seconds: float
    ) -> tuple[RowNumbers, Floats, bool]:
        """Rows and distances of the min(k, live) nearest to `query` (d,), nearest first; True if all were scanned.

        `ef` candidates are kept by a walk. ValueError: the query is not finite, or has no direction while `normalise`
        asks for unit length, or its norm is at the edge of float32. TimeoutError.
        """

    def search_many(
        self,
        queries: Floats,
        k: int,
        ef: int,
        view: View,
        *,
        exact: bool,
        timeout_seconds: float,
        unmet: RowNumbers | None = None,
    ) -> tuple[RowNumbers, Floats, RowNumbers]:
        """The same for checked queries (nq, d): rows (nq, k), distances (nq, k), and how many of each are set.

        `unmet`, for measuring: a row for each query without which a structure is to be searched, if it can.
        """

    def insert(self, rows: RowNumbers, live: RowMask | None = None) -> None:
        """Takes in rows whose vectors are stored; those already in are passed over.

        `live`, stored rows to learn from, among them those given; None: these alone.
        """

    def remove(self, rows: RowNumbers) -> None:
        """Takes rows out; those that are not in are passed over."""

    def audit(self) -> None:
        """Sees to it that every row can be found, if some were taken in since the last time."""

    @property
    def inserted_since_audit(self) -> int:
        """Rows taken in since all were seen to be found."""

    def members(self) -> RowMask:
        """The rows taken in."""

    def save(self, path: Path) -> None:
        """Writes a new file, durably. StorageFull, StorageFailed."""

    def memory_bytes(self) -> int:
        """Memory of the structure, without the rows."""
