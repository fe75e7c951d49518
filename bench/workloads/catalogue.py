"""The workloads by name; "search" and "batch", plain searching, are the runner's own and not among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.cold_start import ColdStart
from vecdb.bench.workloads.concurrency import Concurrency
from vecdb.bench.workloads.filtered import Filtered
from vecdb.bench.workloads.ingest import Ingest
from vecdb.bench.workloads.mixed import Mixed
from vecdb.bench.workloads.runbook import Runbook
from vecdb.bench.workloads.workload import Maker, Workload

WORKLOADS: Final[dict[str, type[Workload]]] = {
    workload.name: workload for workload in (Ingest, Mixed, Runbook, ColdStart, Concurrency, Filtered)
}


def get_workload(name: str, options: Mapping[str, str], make: Maker | None = None) -> Workload:
    """The workload `name` with its options; Mistake for a name or options that are not known.

    `make` makes the measured algorithm anew, `functools.partial(instantiate, definition, metric, threads)`: it is
    called in later laps of workloads that need an algorithm nothing was done with (ingest, runbook), and sent to a
    fresh process by cold-start.
    """
    try:
        workload = WORKLOADS[name]
    except KeyError:
        raise Mistake(f"expected a workload among {', '.join(WORKLOADS)}, received {name!r}") from None
    return workload(options, make)
