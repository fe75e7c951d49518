"""Many empty collections in one database: opening it, and what each takes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import vecdb
from vecdb.bench.disk import disk_bytes
from vecdb.bench.fresh_process import in_fresh_process, resident_bytes
from vecdb.bench.promises.lap import Lap, Stopwatch, time_reading
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import THREADS, Setting

DIMENSION: Final = 384


def empty_collections(setting: Setting) -> list[Result]:
    """Seconds to open in a new process; memory (every handle taken) and disk of the whole, a collection."""
    count = setting.empty_collections
    with setting.empty_folder() as folder:
        path = folder / "database"
        create_seconds = in_fresh_process(create_empty, path, count)
        disk = disk_bytes(path)
        opened = [in_fresh_process(open_empty, path, count) for _ in range(setting.repetitions)]
    kilobytes = tuple(resident / count / 1000 for _, resident in opened)
    label, limit = f"{count:,} empty collections", Target(100, is_floor=False)
    return [
        Result(
            measure=f"{label}: open",
            ours=time_reading([lap for lap, _ in opened]),
            target=Target(2, is_floor=False),
        ),
        Result(measure=f"{label}: memory of each (RSS)", ours=Reading(kilobytes, "kB"), target=limit),
        Result(measure=f"{label}: disk of each", ours=Reading((disk / count / 1000,), "kB"), target=limit),
        Result(measure=f"{label}: create one", ours=Reading((create_seconds / count * 1000,), "ms")),
    ]


def create_empty(path: Path, count: int) -> float:
    """Seconds to create the collections in a new database."""
    with vecdb.connect(path, threads=THREADS) as db:
        stopwatch = Stopwatch()
        for number in range(count):
            db.create_collection(f"empty-{number}", dimension=DIMENSION)
        return stopwatch.lap().wall_seconds


def open_empty(path: Path, count: int) -> tuple[Lap, int]:
    """The lap from connect() to the list of names, and the bytes of memory with a handle to each collection."""
    resident_before = resident_bytes()
    stopwatch = Stopwatch()
    with vecdb.connect(path, threads=THREADS) as db:
        names = db.collections()
        lap = stopwatch.lap()
        if len(names) != count:
            raise RuntimeError(f"expected {count} collections, received {len(names)}")
        handles = [db[name] for name in names]
        resident = resident_bytes() - resident_before
        assert len(handles) == count, "held until they were weighed"
        return lap, resident
