"""Which algorithms can run here: asked of a process of its own, for a library may end the process that loads it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from vecdb.bench.algorithms.definition import Definition
from vecdb.bench.runs.messages import Inspect, Missing
from vecdb.bench.runs.worker_process import WorkerFailed, WorkerProcess

INSPECT_SECONDS: Final = 60.0


def availability(definitions: Sequence[Definition]) -> dict[str, str | None]:
    """By the name of the algorithm, why it cannot run, None if it can."""
    reasons: dict[str, str | None] = {}
    with ExitStack() as workers:
        worker = None
        for definition in definitions:
            if worker is None:
                worker = workers.enter_context(WorkerProcess(1))
            try:
                reply = worker.ask(Inspect(definition), INSPECT_SECONDS)
            except WorkerFailed as failure:
                reasons[definition.name] = failure.why
                worker = worker if failure.lives else None
            else:
                reasons[definition.name] = reply.why if isinstance(reply, Missing) else None
    return reasons
