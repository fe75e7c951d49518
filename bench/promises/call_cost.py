"""What `search` costs in Python above the native call it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import vecdb
from vecdb.bench.promises.durable_upsert import GRAPH, create
from vecdb.bench.promises.lap import Lap, alternate, time_lap
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import THREADS, K, Setting
from vecdb.index import hnsw
from vecdb.native import index

ROWS: Final = 100


def call_cost(setting: Setting) -> list[Result]:
    """Microseconds a call of docs.search on 100 rows, with its ids, and without the native call it makes."""
    dataset = setting.dataset()
    query = dataset.test[0]
    with setting.empty_folder() as folder, vecdb.connect(folder / "database", threads=THREADS) as db:
        docs = create(db, setting, GRAPH)
        docs.upsert(ids=dataset.ids[:ROWS], vectors=dataset.train[:ROWS], payloads=dataset.payloads[:ROWS])
        docs.optimize(wait=True)

        def search() -> object:
            return docs.search(query, k=K)

        def search_and_ids() -> object:
            return docs.search(query, k=K).ids

        with native_calls() as calls:
            search()
        (arguments,) = calls

        def native_search() -> object:
            return index.search(*arguments)

        contestants = [partial(calls_lap, call, setting) for call in (search, native_search, search_and_ids)]
        laps = alternate(contestants, setting.repetitions)
    whole, native, with_ids = ([lap.wall_seconds / setting.calls_per_lap * 1e6 for lap in side] for side in laps)
    above = [ours - theirs for ours, theirs in zip(whole, native, strict=True)]
    label = f"search on {ROWS} rows"
    return [
        Result(measure=f"{label}, above the native call", ours=microseconds(above), target=Target(10, is_floor=False)),
        Result(measure=f"{label}, the whole call", ours=microseconds(whole)),
        Result(measure=f"{label}, the whole call and its ids", ours=microseconds(with_ids)),
        Result(measure=f"{label}, the native call", ours=microseconds(native)),
    ]


@contextmanager
def native_calls() -> Iterator[list[tuple[Any, ...]]]:
    """The arguments of the native searches made within: the same objects, to call with again."""
    calls: list[tuple[Any, ...]] = []

    def search(*arguments: Any) -> object:
        calls.append(arguments)
        return index.search(*arguments)

    with patch.object(hnsw, "search", search):
        yield calls


def calls_lap(call: Callable[[], object], setting: Setting) -> Lap:
    """A lap of setting.calls_per_lap calls."""

    def run() -> None:
        for _ in range(setting.calls_per_lap):
            call()

    return time_lap(run)


def microseconds(values: list[float]) -> Reading:
    """Values of one call each."""
    return Reading(tuple(values), "us")
