"""Opening a database that holds every row, after a clean close and after a kill."""

from __future__ import annotations

import shutil
from pathlib import Path

import vecdb
from vecdb.bench.fresh_process import in_fresh_process, until_killed
from vecdb.bench.promises.dataset import Floats
from vecdb.bench.promises.durable_upsert import COLLECTION, GRAPH, create, upsert_all
from vecdb.bench.promises.lap import Lap, Stopwatch, time_reading
from vecdb.bench.promises.reading import Result, Target
from vecdb.bench.promises.setting import THREADS, Setting


def reopen(setting: Setting) -> list[Result]:
    """Seconds from connect() to a collection that knows its rows, in a new process, the files still in memory."""
    rows, query = len(setting.dataset().train), setting.dataset().test[0]
    with setting.empty_folder() as folder:
        in_fresh_process(load_and_close, folder / "closed", setting)
        until_killed(load_and_hold, folder / "killed", setting)
        closed = [open_copy(folder / "closed", rows, query) for _ in range(setting.repetitions)]
        killed = [open_copy(folder / "killed", rows, query) for _ in range(setting.repetitions)]
    results = []
    for how, limit_seconds, laps in (("a close", 0.3, closed), ("a kill", 2.0, killed)):
        label, target = f"open of {rows:,} rows after {how}", Target(limit_seconds, is_floor=False)
        opened, searched = zip(*laps, strict=True)
        results.append(Result(measure=label, ours=time_reading(opened), target=target))
        results.append(Result(measure=f"{label}, and a first search", ours=time_reading(searched)))
    return results


def load_and_close(path: Path, setting: Setting) -> None:
    """A database with every row, indexed and closed."""
    with vecdb.connect(path, threads=THREADS) as db:
        docs = create(db, setting, GRAPH)
        upsert_all(docs, setting)
        docs.optimize(wait=True)


def load_and_hold(path: Path, setting: Setting) -> vecdb.Database:
    """A database with every row acknowledged, and open: to be killed as it is."""
    db = vecdb.connect(path, threads=THREADS)
    upsert_all(create(db, setting, GRAPH), setting)
    return db


def open_copy(image: Path, rows: int, query: Floats) -> tuple[Lap, Lap]:
    """open_laps of a copy, since opening and closing change the files."""
    copy = image.with_suffix(".copy")
    shutil.copytree(image, copy)
    try:
        return in_fresh_process(open_laps, copy, rows, query)
    finally:
        shutil.rmtree(copy)


def open_laps(path: Path, rows: int, query: Floats) -> tuple[Lap, Lap]:
    """From connect() until the collection is there with all its rows, and until a first search is answered."""
    stopwatch = Stopwatch()
    with vecdb.connect(path, threads=THREADS) as db:
        docs = db[COLLECTION]
        count = docs.count()
        opened = stopwatch.lap()
        docs.search(query, k=1)
        searched = stopwatch.lap()
    if count != rows:
        raise RuntimeError(f"expected {rows} rows, received {count}")
    return opened, searched
