"""A flood: calls at a rate that does not wait for their answers, from a process of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import vecdb
from vecdb.bench.promises.dataset import Floats
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.setting import K


@dataclass(slots=True)
class Flood:
    """What became of the calls: seconds of those answered and of those refused, and other failures by name."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # seconds that each was sent after its time
    sent_seconds: float = 0.0  # from the first call to the last

    @property
    def calls(self) -> int:
        """All of them."""
        return len(self.accepted) + len(self.refused) + len(self.failed)

    @property
    def rate(self) -> float:
        """Calls a second that were sent."""
        return self.calls / self.sent_seconds


def flood(address: str, queries: Floats, rate: float, start: float, seconds: float) -> Flood:
    """Exact searches of all `queries` in one call, begun at even intervals from `start` of time.monotonic() on.

    Returns when the last has its answer.
    """
    return asyncio.run(_flood(address, queries, rate, start, seconds))


async def _flood(address: str, queries: Floats, rate: float, start: float, seconds: float) -> Flood:
    found = Flood()
    db = vecdb.connect_async(f"grpc://{address}", retries=0)
    docs = await db[COLLECTION]
    calls: set[asyncio.Task[None]] = set()
    started = max(start, time.monotonic())
    for number in range(max(1, round(rate * seconds))):
        due = started + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        found.late.append(time.monotonic() - due)
        calls.add(asyncio.create_task(_call(docs, queries, found)))
        if time.monotonic() - started > seconds:
            break  # this machine cannot send as many
    found.sent_seconds = time.monotonic() - started
    await asyncio.gather(*calls)
    await db.close()
    return found


async def _call(docs: Any, queries: Floats, found: Flood) -> None:
    before = time.monotonic()
    try:
        await docs.search(queries, k=K, exact=True, select=[])
    except vecdb.Overloaded:
        found.refused.append(time.monotonic() - before)
    except vecdb.Error as error:
        found.failed.append(str(error))
    else:
        found.accepted.append(time.monotonic() - before)
