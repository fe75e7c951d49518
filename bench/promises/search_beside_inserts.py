"""Searches of one thread while two others insert, against the same searches alone."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

import vecdb
from vecdb.bench.promises.dataset import Ids
from vecdb.bench.promises.graph_rows import graph_collection, put
from vecdb.bench.promises.lap import alternate
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import K, Setting

WRITERS: Final = 2
MOVING: Final = 4  # one row of so many is left to the writers
BATCH_ROWS: Final = 100  # of theirs
PACE: Final = 2_000  # rows a second of both together, in the lap that is not at full speed
ENDLESS: Final = 0.0


def search_beside_inserts(setting: Setting) -> list[Result]:
    """p99 and p50 of one query a call: alone, beside writers that keep a pace, and beside writers at full speed."""
    dataset = setting.dataset()
    with setting.empty_folder() as folder, graph_collection(folder / "database", setting) as docs:
        staying, moving = np.split(dataset.ids, [len(dataset.ids) - max(WRITERS, len(dataset.ids) // MOVING)])
        put(docs, setting, staying)
        docs.optimize(wait=True)
        alone, paced, full = alternate(
            [
                lambda: searches(docs, setting),
                lambda: beside_writers(docs, setting, moving, PACE),
                lambda: beside_writers(docs, setting, moving, ENDLESS),
            ],
            setting.repetitions,
        )
    results = []
    for how, laps in ((f"at {PACE:,} rows/s", paced), ("at full speed", full)):
        label = f"search beside {WRITERS} threads that insert {how}"
        results += [
            Result(
                measure=f"{label}, p{which}",
                ours=percentile_ms(laps, which),
                peer=percentile_ms(alone, which),
                peer_name="alone",
                target=Target(2, is_floor=False, is_ratio=True) if which == 99 else None,
            )
            for which in (99, 50)
        ]
        rates = tuple(lap.rows_a_second for lap in laps)
        results.append(Result(measure=f"{label}: rows inserted", ours=Reading(rates, "rows/s")))
    return results


@dataclass(frozen=True, slots=True)
class Lap:
    """Seconds of each search of a lap, and what was inserted beside them."""

    seconds: list[float]
    rows_a_second: float = 0.0


def searches(docs: vecdb.Collection, setting: Setting) -> Lap:
    """One query a call at the default recall, for setting.lap_seconds."""
    queries, clock = list(setting.dataset().test), time.perf_counter
    times: list[float] = []
    before = clock()
    end = before + setting.lap_seconds
    for query in itertools.cycle(queries):
        docs.search(query, k=K)
        after = clock()
        times.append(after - before)
        before = after
        if after >= end:
            return Lap(times)
    raise AssertionError("a data set without queries")


def beside_writers(docs: vecdb.Collection, setting: Setting, moving: Ids, pace: float) -> Lap:
    """The same beside WRITERS threads that insert `moving` rows at `pace` rows a second, 0 for as fast as they can."""
    stop = threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        began = time.perf_counter()
        writing = [
            pool.submit(insert, docs, setting, part, len(setting.dataset().ids) * (1 + writer), pace / WRITERS, stop)
            for writer, part in enumerate(np.array_split(moving, WRITERS))
        ]
        try:
            lap = searches(docs, setting)
        finally:
            stop.set()
        written = [each.result() for each in writing]
        seconds = time.perf_counter() - began
    for ids in written:
        for first in range(0, len(ids), setting.batch_rows):
            docs.delete(ids[first : first + setting.batch_rows])
    docs.optimize(wait=True)  # the next lap begins with what there was
    return Lap(lap.seconds, sum(map(len, written)) / seconds)


def insert(
    docs: vecdb.Collection, setting: Setting, rows: Ids, first_id: int, pace: float, stop: threading.Event
) -> Ids:
    """Inserts rows in batches until `stop` is set; the ids. After the last row they come again under new ids."""
    dataset, began = setting.dataset(), time.perf_counter()
    step = WRITERS * len(dataset.ids)
    written: list[Ids] = []
    count = 0
    for turn in itertools.count():
        for first in range(0, len(rows), BATCH_ROWS):
            if stop.is_set():
                return np.concatenate(written or [rows[:0]])
            batch = rows[first : first + BATCH_ROWS]
            ids = batch + first_id + turn * step
            payloads = [dataset.payloads[row] for row in batch.tolist()]
            docs.upsert(ids=ids, vectors=dataset.train[batch], payloads=payloads)
            written.append(ids)
            count += len(ids)
            if pace:
                stop.wait(max(0.0, count / pace - (time.perf_counter() - began)))
    raise AssertionError("endless")


def percentile_ms(laps: Sequence[Lap], which: float) -> Reading:
    """The time that so many of a hundred searches stayed below, by lap."""
    return Reading(tuple(float(np.percentile(lap.seconds, which)) * 1000 for lap in laps), "ms")
