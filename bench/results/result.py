"""Result: what was measured of one algorithm with one group of query arguments on one data set."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vecdb.bench.datasets.dataset import Floats, Ints, Metric


@dataclass(frozen=True, slots=True, eq=False)
class Lap:
    """One repetition: its seconds inside query() or batch_query(), and the CPU time of all threads and children.

    `times` (m,) are the seconds of each query in the order of the data set's, one pass after the other where few
    queries were asked again and again; of a batch each has an equal share.
    `session` is the invocation in which it was taken, and where its indexes did not fit into memory together, which
    group of them: "<session>" or "<session>/<group>". Laps of one such session were taken in turn with one another.
    """

    seconds: float
    cpu_seconds: float
    times: Floats
    session: str = ""

    @property
    def queries(self) -> int:
        """How many times a query was asked."""
        return len(self.times)

    @property
    def query_seconds(self) -> float:
        """Mean seconds a query."""
        return self.seconds / self.queries

    @property
    def qps(self) -> float:
        """Queries a second."""
        return self.queries / self.seconds


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Result:
    """One point of a curve, with at least one lap, and all that belongs to the figures.

    `neighbors` (m, k) and `distances` (m, k) answer the first m queries of the data set, from the latest lap: row
    numbers, and their distances computed from the rows, not by the library; a place without a row is -1 and inf.
    `index_bytes` is resident memory with the index less resident memory before the rows were there, children
    included; `reported_index_bytes` is what the library says of itself. `started` is a unix time. `session` is that of
    the last lap, `build_session` that in which the index was built that the figures of the build are of. A lap was to
    ask `query_limit` of the data set's `set_queries` queries at most, for about `lap_seconds`; None if that is not
    known. `dataset_digest` tells data sets of one name apart; "" if it is not known.
    """

    dataset: str
    metric: Metric
    count: int
    algorithm: str
    arguments: tuple[Any, ...]
    query_arguments: tuple[Any, ...]
    batch: bool
    threads: int
    build_seconds: float
    build_cpu_seconds: float
    index_bytes: int
    reported_index_bytes: int | None
    memory_after_build_bytes: int
    memory_peak_bytes: int
    laps: tuple[Lap, ...]
    neighbors: Ints
    distances: Floats
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    started: float
    session: str
    query_limit: int | None = None
    lap_seconds: float | None = None
    set_queries: int | None = None
    dataset_digest: str = ""
    build_session: str = ""

    @property
    def queries_asked(self) -> int:
        """How many of the data set's queries were asked, its first ones."""
        return len(self.neighbors)

    @property
    def candidates(self) -> float:
        """Rows returned a query."""
        return float((self.neighbors >= 0).sum() / max(len(self.neighbors), 1))

    @property
    def best_lap(self) -> Lap:
        """The lap with the fewest seconds a query: the one ann-benchmarks reports."""
        return min(self.laps, key=lambda lap: lap.query_seconds)

    @property
    def best_search_time(self) -> float:
        """Mean seconds a query of the best lap."""
        return self.best_lap.query_seconds

    @property
    def qps_median(self) -> float:
        """Queries a second, the median of the laps."""
        return statistics.median(lap.qps for lap in self.laps)

    @property
    def qps_least(self) -> float:
        """Queries a second of the slowest lap."""
        return min(lap.qps for lap in self.laps)

    @property
    def qps_most(self) -> float:
        """Queries a second of the fastest lap."""
        return max(lap.qps for lap in self.laps)

    @property
    def cpu_query_seconds(self) -> float:
        """CPU seconds a query, the median of the laps."""
        return statistics.median(lap.cpu_seconds / lap.queries for lap in self.laps)

    @property
    def title(self) -> str:
        """The algorithm with its arguments, as plots name a point."""
        given = [*self.arguments, *self.query_arguments]
        return f"{self.algorithm}({', '.join(json.dumps(each, sort_keys=True) for each in given)})"
