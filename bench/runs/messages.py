"""What a session asks of a worker, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.datasets.dataset import Floats, Ints, Metric
from vecdb.bench.workloads.workload import Measurement


@dataclass(frozen=True, slots=True)
class Inspect:
    """Says whether the algorithm of a definition can run here: Ready or Missing."""

    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Makes the algorithm and, unless the workload does that itself, its index: Built, Missing or Unsuited."""

    definition: Definition
    dataset: Path
    metric: Metric
    threads: int
    scratch: Path
    workload: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Asks the first queries of the data set, `queries` of them at most, for about `seconds`: Answered.

    Where they are few they are asked again, until it took `repeat_seconds` at most.
    """

    query_arguments: tuple[Any, ...]
    count: int
    batch: bool
    queries: int
    seconds: float
    repeat_seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """One lap of the workload: Measured."""

    query_arguments: tuple[Any, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the algorithm; the worker ends."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An index, and what it took; `versions` are those of the libraries in that process. As in Result.

    `session` is what the laps on this index are kept under, as in Lap; the session sets it.
    """

    build_seconds: float
    build_cpu_seconds: float
    index_bytes: int
    reported_index_bytes: int | None
    memory_after_build_bytes: int
    memory_peak_bytes: int
    versions: Mapping[str, str]
    session: str = ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answered:
    """A lap, as in Lap, with the ids (m, k) of its first pass as the library gave them, -1 where there was none."""

    seconds: float
    cpu_seconds: float
    times: Floats
    neighbors: Ints
    memory_peak_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a lap of a workload measured."""

    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """The library is not installed, or refuses this machine."""

    library: str
    why: str


@dataclass(frozen=True, slots=True)
class Unsuited:
    """The library cannot do what the workload needs."""

    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An exception, as text."""

    why: str
    trace: str


Command = Inspect | Build | Search | Work | Close
Reply = Ready | Built | Answered | Measured | Missing | Unsuited | Failed
