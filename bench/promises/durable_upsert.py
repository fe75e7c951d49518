"""Durable upsert: rows a second, each batch acknowledged before the next is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import vecdb
from vecdb.bench.disk import sync_seconds
from vecdb.bench.fresh_process import in_fresh_process, resident_bytes
from vecdb.bench.promises.lap import Lap, rate_reading, time_lap
from vecdb.bench.promises.reading import Reading, Result, Target
from vecdb.bench.promises.setting import EF_CONSTRUCTION, THREADS, M, Setting
from vecdb.schema import Dtype, FieldType, Index

COLLECTION: Final = "docs"
GRAPH: Final = vecdb.Hnsw(m=M, ef_construction=EF_CONSTRUCTION)
FIELDS: Final[dict[str, FieldType]] = {
    "lexname": "keyword",
    "depth": "integer",
    "weight": "float",
    "leaf": "boolean",
}
SYNC_PROBES: Final = 50


def durable_upsert(setting: Setting) -> list[Result]:
    """Rows a second into a graph collection, the memory of a process that did it, and what the disk asks for a sync."""
    laps: list[Lap] = []
    resident: list[float] = []
    syncs: list[float] = []
    for _ in range(setting.repetitions):
        with setting.empty_folder() as folder:
            syncs += sync_seconds(folder, batch_bytes(setting), SYNC_PROBES)
            lap, resident_now = in_fresh_process(upsert_and_weigh, folder / "database", setting)
            laps.append(lap)
            resident.append(resident_now / 2**20)
    label = f"durable upsert, batches of {setting.batch_rows:,}"
    return [
        Result(
            measure=label,
            ours=rate_reading(laps, len(setting.dataset().train), "rows/s"),
            target=Target(50_000, is_floor=True),
        ),
        Result(measure=f"{label}: memory it added (RSS)", ours=Reading(tuple(resident), "MiB")),
        Result(
            measure="this disk: append and fdatasync of a batch's vectors",
            ours=Reading(tuple(seconds * 1000 for seconds in syncs), "ms"),
        ),
    ]


def upsert_and_weigh(path: Path, setting: Setting) -> tuple[Lap, int]:
    """The lap of loading every row into a new database at `path`, and the bytes of memory that were added meanwhile."""
    setting.dataset()
    resident_before = resident_bytes()
    with vecdb.connect(path, durability="sync", threads=THREADS) as db:
        docs = create(db, setting, GRAPH)
        lap = time_lap(lambda: upsert_all(docs, setting))
        return lap, resident_bytes() - resident_before


def create(db: vecdb.Database, setting: Setting, index: Index, dtype: Dtype = "float32") -> vecdb.Collection:
    """The collection that the measures load: cosine, four declared fields."""
    dimension = setting.dataset().dimension
    return db.create_collection(COLLECTION, dimension, metric="cosine", index=index, dtype=dtype, fields=FIELDS)


def upsert_all(docs: vecdb.Collection, setting: Setting) -> None:
    """Every row of the data, batch by batch."""
    dataset = setting.dataset()
    ids = dataset.ids
    for first in range(0, len(ids), setting.batch_rows):
        part = slice(first, first + setting.batch_rows)
        docs.upsert(ids=ids[part], vectors=dataset.train[part], payloads=dataset.payloads[part])


def batch_bytes(setting: Setting) -> int:
    """Bytes of the vectors of one batch."""
    return setting.batch_rows * setting.dataset().dimension * 4
