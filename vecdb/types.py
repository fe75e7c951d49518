"""What calls return: frozen facts, without behaviour. `Hits`, the array result of a search, is in vecdb.hits."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vecdb.errors import brief
from vecdb.ids import Id
from vecdb.schema import Dtype, Metric

Payload = Mapping[str, Any]
Vectors = Mapping[str, npt.NDArray[np.float32]]
Strategy = Literal["scan", "graph", "graph_through_filter", "graph_and_mask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A stored row. `vectors` is None where the call was not asked for them, and is left out of ==."""

    id: Id
    payload: dict[str, Any]
    vectors: Vectors | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Record(id={brief(self.id)}, payload={_PAYLOAD.repr(self.payload)}{_shapes(self.vectors)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result of a search; a higher score is better for every metric. `vectors` as in Record."""

    id: Id
    score: float
    payload: dict[str, Any]
    vectors: Vectors | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        payload = _PAYLOAD.repr(self.payload)
        return f"Hit(id={brief(self.id)}, score={self.score:.4f}, payload={payload}{_shapes(self.vectors)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """An acknowledged write: rows written or deleted, the sequence that holds them, and ids asked for but not there."""

    count: int
    sequence: int
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a search was answered."""

    strategy: Strategy
    rows_scanned: int  # vectors scored on full precision or on codes, the tail included
    rows_matched: int  # rows that pass the filter
    estimated: bool  # rows_matched is an estimate, not a count
    metric: Metric
    ef: int | None = None  # candidates kept by the graph walk; None: no graph was walked
    slow_reason: str | None = None  # why the filter had to read payloads; None: the fields answered it


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorStats:
    """One vector of a collection."""

    dimension: int
    dtype: Dtype
    rows_indexed: int
    rows_tail: int  # written and not yet absorbed by the index; scanned exactly by each search
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionStats:
    """A collection at one sequence."""

    name: str
    rows: int
    rows_deleted: int  # retired and not yet reclaimed
    sequence: int
    memory_bytes: int
    disk_bytes: int
    vectors: Mapping[str, VectorStats]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStats:
    """A database at one sequence; `path` is ":memory:" for one without files."""

    path: str
    collections: int
    rows: int
    sequence: int
    checkpoint_sequence: int  # everything up to here opens without replay
    journal_bytes: int
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallReport:
    """Recall at k of the index against an exact scan, over `sample` stored vectors as queries."""

    recall: float  # mean over the sample, 0 .. 1
    recall_minimum: float  # of the worst query
    k: int
    sample: int
    ef: int | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What verify read and what it found; no problems means every checksum and every cross-reference held."""

    files: int
    rows: int
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotReport:
    """What a snapshot holds: every change up to journal sequence `sequence`, and none after."""

    sequence: int
    collections: int
    files: int  # of the database
    bytes: int  # of the snapshot


class _PayloadRepr(reprlib.Repr):
    """Of bounded length, keys in their own order: a page of hits stays readable, whatever the payloads hold."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60
        self.maxlevel = 3
        self.maxdict = 12

    def repr_dict(self, x: dict[str, Any], level: int) -> str:
        if level <= 0 and x:
            return "{...}"
        shown = [f"{self.repr1(key, level - 1)}: {self.repr1(x[key], level - 1)}" for key in islice(x, self.maxdict)]
        return f"{{{', '.join(shown)}{', ...' if len(x) > self.maxdict else ''}}}"


_PAYLOAD = _PayloadRepr()


def _shapes(vectors: Vectors | None) -> str:
    if vectors is None:
        return ""
    shown = [f"{name!r}: {array.dtype} {array.shape}" for name, array in vectors.items()]
    return f", vectors={{{', '.join(shown)}}}"
