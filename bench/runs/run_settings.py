"""RunSettings: what one invocation measures, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """`workload` None is plain searching. A lap asks `queries` at most and takes about `lap_seconds`.

    `timeout_seconds` bounds one build and one lap. `baseline` is the algorithm that is measured beside all others.
    """

    results: Path
    count: int
    batch: bool
    threads: int
    runs: int
    queries: int
    lap_seconds: float
    timeout_seconds: float
    baseline: str
    force: bool
    workload: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    session: str
    started: float
    machine: Mapping[str, str]
