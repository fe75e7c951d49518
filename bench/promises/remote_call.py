"""One search over the network, against the same call embedded: what the server adds to a lone query."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import numpy as np

from vecdb.bench.promises.clients import Clients, percentile
from vecdb.bench.promises.echo import echoes
from vecdb.bench.promises.lap import alternate
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.served_database import served_database
from vecdb.bench.promises.setting import K, Setting

SAME_QUERIES: Final = 20


def remote_call(setting: Setting) -> list[Result]:
    """Medians of one call and its ids, each door in a process of its own that waits for each answer."""
    dimension = setting.dataset().dimension
    with served_database(setting) as served, ExitStack() as processes:
        doors = {
            "embedded": ("embedded", served.options()),
            "remote": ("remote", served.options()),
            "remote, select=[]": ("remote", served.options([])),
            "remote, async": ("async", served.options()),
        }
        for echo in processes.enter_context(echoes(served, setting)):
            doors[echo.name] = (echo.caller, echo.options)
        clients = {name: processes.enter_context(Clients(*door)) for name, door in doors.items()}
        check_same(clients["embedded"], clients["remote"], clients["remote, async"])
        laps = alternate([median_lap(each, setting) for each in clients.values()], setting.repetitions)
    medians = dict(zip(clients, laps, strict=True))
    label = f"one search, k={K}, {dimension} dimensions"
    results = []
    for door in ("remote", "remote, select=[]", "remote, async"):
        above = [ours - theirs for ours, theirs in zip(medians[door], medians["embedded"], strict=True)]
        target = None if door == "remote, async" else Target(0.35, is_floor=False)
        results.append(Result(measure=f"{label}: {door}, p50 above embedded", ours=milliseconds(above), target=target))
    return results + [
        Result(measure=f"{label}: {name}, p50", ours=milliseconds(each)) for name, each in medians.items()
    ]


def median_lap(clients: Clients, setting: Setting) -> Callable[[], float]:
    """A lap of calls; the median in milliseconds."""
    return lambda: percentile(clients.times(setting.lap_seconds), 0.5) * 1000


def check_same(*doors: Clients) -> None:
    """RuntimeError if the doors do not find the same."""
    first, *others = (door.found(SAME_QUERIES) for door in doors)
    for found in others:
        if not np.array_equal(first, found):
            raise RuntimeError(f"the doors find different rows: {first.tolist()} and {found.tolist()}")


def milliseconds(values: list[float]) -> Reading:
    """One a repetition."""
    return Reading(tuple(values), "ms")
