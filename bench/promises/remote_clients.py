"""Single searches from many clients at once, against an echo RPC with messages of the same size."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from vecdb.bench.promises.clients import Clients, rate
from vecdb.bench.promises.echo import echoes
from vecdb.bench.promises.lap import alternate
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.served_database import served_database
from vecdb.bench.promises.setting import Setting


def remote_clients(setting: Setting) -> list[Result]:
    """Calls a second of setting.clients processes, and of as many threads that share one connection."""
    count = setting.clients
    with served_database(setting) as served, ExitStack() as running:
        kinds = running.enter_context(echoes(served, setting))
        ours = running.enter_context(Clients("remote", served.options(), count))
        peers = [running.enter_context(Clients(echo.caller, echo.options, count)) for echo in kinds]
        groups = [ours, *peers]
        by_processes = alternate([rate_lap(group, setting, count, 1) for group in groups], setting.repetitions)
        by_threads = alternate([rate_lap(group, setting, 1, count) for group in groups], setting.repetitions)
    results = []
    for what, rates in ((f"{count} client processes", by_processes), (f"{count} threads of one client", by_threads)):
        searches, *echo_rates = (Reading(tuple(each), "calls/s") for each in rates)
        results += [
            Result(
                measure=f"single searches, {what}",
                ours=searches,
                peer=peer,
                peer_name=echo.name,
                target=Target(0.85, is_floor=True, is_ratio=True),
            )
            for echo, peer in zip(kinds, echo_rates, strict=True)
        ]
    return results


def rate_lap(
    clients: Clients, setting: Setting, processes: int, threads: int, ef: int | None = None
) -> Callable[[], float]:
    """A lap of calls from so many processes with so many threads each; calls a second of all together."""
    return lambda: rate(clients.times(setting.lap_seconds, ef=ef, processes=processes, threads=threads))
