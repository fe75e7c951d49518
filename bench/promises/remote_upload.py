"""Durable upload of every row with its payload, remote against embedded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import vecdb
from vecdb.bench.promises.durable_upsert import GRAPH, create, upsert_all
from vecdb.bench.promises.lap import Lap, alternate, rate_reading, time_lap
from vecdb.bench.promises.listener import vecdb_server
from vecdb.bench.promises.reading import Result, Target
from vecdb.bench.promises.served_database import lap_with
from vecdb.bench.promises.setting import THREADS, Setting

Load = Callable[[vecdb.Collection, Setting], object]


def remote_upload(setting: Setting) -> list[Result]:
    """Rows a second into a new graph collection: upsert(progress=...) of all rows, and a call a batch."""
    rows = len(setting.dataset().train)
    results = []
    for label, load, target in (
        (f"streamed durable upload of {rows:,} rows", upload_all, Target(0.6, is_floor=True, is_ratio=True)),
        (f"durable upsert, a call for each {setting.batch_rows:,} rows", upsert_all, None),
    ):
        laps = alternate(
            [partial(remote_lap, load, setting), partial(embedded_lap, load, setting)], setting.repetitions
        )
        ours, theirs = (rate_reading(each, rows, "rows/s") for each in laps)
        results.append(Result(measure=label, ours=ours, peer=theirs, peer_name="embedded", target=target))
    return results


def upload_all(docs: vecdb.Collection, setting: Setting) -> None:
    """Every row in one call that reports its progress. RuntimeError if it did not report all of them."""
    dataset = setting.dataset()
    reports: list[tuple[int, int]] = []
    docs.upsert(
        dataset.ids,
        dataset.train,
        dataset.payloads,
        progress=lambda done, total: reports.append((done, total)),
    )
    if reports[-1:] != [(len(dataset.train), len(dataset.train))]:
        raise RuntimeError(f"expected a report of {len(dataset.train)} rows, received {reports[-1:]}")


def remote_lap(load: Load, setting: Setting) -> Lap:
    """Into a new database behind a server of its own; CPU seconds of both processes."""
    with (
        setting.empty_folder() as folder,
        vecdb_server(folder / "database") as server,
        vecdb.connect(f"grpc://{server.address}") as db,
    ):
        docs = create(db, setting, GRAPH)
        return lap_with(server, lambda: load(docs, setting))


def embedded_lap(load: Load, setting: Setting) -> Lap:
    """Into a new database of this process."""
    with setting.empty_folder() as folder, vecdb.connect(folder / "database", threads=THREADS) as db:
        docs = create(db, setting, GRAPH)
        return time_lap(lambda: load(docs, setting))
