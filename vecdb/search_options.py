"""The arguments of a search as type checkers see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never, TypedDict

import numpy as np

from vecdb.filters import Where

OneQuery = np.ndarray[tuple[int], np.dtype[Any]] | Sequence[float]
ManyQueries = np.ndarray[tuple[int, int], np.dtype[Any]] | Sequence[OneQuery]
# Matched only by arrays whose type leaves the number of dimensions open (npt.NDArray): what a search gives is then Any.
AnyQuery = np.ndarray[tuple[Never, Never, Never], np.dtype[Any]]

Wheres = Where | Sequence[Where | None] | None  # for several queries, one filter or a list of one each


class SearchOptions(TypedDict, total=False):
    """What a search takes by keyword beside `where`; Collection.search says what each means."""

    using: str | None
    recall: float | None
    ef: int | None
    exact: bool
    select: Sequence[str] | None
    with_vectors: bool
    min_score: float | None
    timeout: float | None
