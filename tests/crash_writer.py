"""A process that writes until it is killed: `... -m tests.crash_writer PATH SEED [async] [snapshots]`.

A line out for each call made. What it writes follows from the seed alone, so a line is only "<writer> <calls
acknowledged>" and the parent knows the rest. Every writer has ids of its own; one more thread optimizes, one searches,
and with `snapshots` one writes PATH.snapshot again and again.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import numpy as np

import vecdb
from tests.reference_collection import Array, RowId
from vecdb import limits
from vecdb.schema import FieldType

WRITERS = 6
FIELDS: dict[str, FieldType] = {"writer": "integer", "step": "integer", "text": "keyword"}
VECTORS: dict[str, dict[str, vecdb.Vector]] = {
    "docs": {"": vecdb.Vector(16, metric="l2")},
    "named": {
        "a": vecdb.Vector(8),
        "b": vecdb.Vector(3, metric="dot", index=vecdb.Flat()),
        "c": vecdb.Vector(5, metric="l2", dtype="float16"),
    },
}
TEMPORARY = {"": vecdb.Vector(4, metric="l2", index=vecdb.Flat())}
MIX = {"upsert": 40, "large": 2, "update": 15, "delete": 10, "delete_where": 3, "named": 15, "temporary": 3}
POOL_IDS = 360  # of each writer; few, so that most writes overwrite, and enough for a graph
CHECKPOINT_BYTES = 1 << 20  # so that checkpoints come by themselves as well


@dataclass(frozen=True)
class Call:
    """One call of the public API, with what it writes."""

    kind: Literal["upsert", "update", "delete", "delete_where", "create", "drop"]
    collection: str
    ids: list[RowId] = field(default_factory=list)
    vectors: dict[str, Array] = field(default_factory=dict)
    payloads: list[dict[str, Any] | None] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    where: dict[str, Any] = field(default_factory=dict)


def vectors_of(collection: str) -> dict[str, vecdb.Vector]:
    return VECTORS.get(collection, TEMPORARY)


def owner_of(row_id: RowId) -> int:
    """The writer that an id belongs to."""
    if isinstance(row_id, str):
        return int(row_id.partition(":")[0])
    return (row_id.int if isinstance(row_id, UUID) else row_id) // 1_000_000


def calls(seed: int, writer: int) -> Iterator[Call]:
    """The calls of a writer, without end."""
    choose = random.Random(f"{seed} {writer}")
    numbers = np.random.default_rng([seed, writer])
    temporary: list[str] = []
    for step in itertools.count():
        (kind,) = choose.choices(list(MIX), list(MIX.values()))
        stamp = {"writer": writer, "step": step, "seed": seed}
        if kind == "temporary" and len(temporary) < 2:
            temporary.append(f"temporary-{writer}-{seed}-{step}")
            yield Call("create", temporary[-1])
            yield upsert(temporary[-1], pool(writer)[:5], numbers, stamp)
        elif kind == "temporary":
            yield Call("drop", temporary.pop(0))
        elif kind == "update":
            changes = {"text": f"{seed}.{step}", "step": step}
            yield Call("update", "docs", choose.sample(pool(writer), 20), changes=changes)
        elif kind == "delete":
            yield Call("delete", choose.choice(["docs", "named"]), choose.sample(pool(writer), 10))
        elif kind == "delete_where":
            where = {"$and": [{"writer": writer}, {"step": {"<": step - choose.randint(0, 20)}}]}
            yield Call("delete_where", choose.choice(["docs", "named"]), where=where)
        else:
            rows = POOL_IDS if kind == "large" else choose.randint(1, 30)
            yield upsert("named" if kind == "named" else "docs", choose.sample(pool(writer), rows), numbers, stamp)


def upsert(collection: str, ids: list[RowId], numbers: np.random.Generator, stamp: dict[str, Any]) -> Call:
    vectors = {
        name: numbers.standard_normal((len(ids), vector.dimension), dtype=np.float32)
        for name, vector in vectors_of(collection).items()
    }
    return Call("upsert", collection, ids, vectors, [{**stamp, "row": row} for row in range(len(ids))])


def pool(writer: int) -> list[RowId]:
    """The ids of a writer, a third of each kind."""
    first = writer * 1_000_000
    numbers = range(first, first + POOL_IDS // 3)
    return [*numbers, *(f"{writer}:{number}" for number in numbers), *(UUID(int=number) for number in numbers)]


def perform(db: vecdb.Database, call: Call) -> None:
    """Makes the call, and returns when it is acknowledged."""
    if call.kind == "create":
        db.create_collection(call.collection, vectors=vectors_of(call.collection), fields=FIELDS)
        return
    if call.kind == "drop":
        db.drop_collection(call.collection)
        return
    docs = db[call.collection]
    if call.kind == "upsert":
        vectors = call.vectors[""] if list(call.vectors) == [""] else call.vectors
        docs.upsert(ids=call.ids, vectors=vectors, payloads=call.payloads)
    elif call.kind == "update":
        docs.update(ids=call.ids, set=call.changes)
    elif call.kind == "delete":
        docs.delete(ids=call.ids)
    else:
        docs.delete(where=call.where)


def main(path: str, seed: int, durability: vecdb.database.Durability, snapshots: bool) -> None:
    setattr(limits, "CHECKPOINT_BYTES", CHECKPOINT_BYTES)  # noqa: B010  # final for everybody else
    with vecdb.connect(path) as db:
        for name, vectors in VECTORS.items():
            if name not in db:
                db.create_collection(name, vectors=vectors, fields=FIELDS)
    db = vecdb.connect(path, durability=durability)
    threads = [threading.Thread(target=guarded, args=(write, db, seed, writer)) for writer in range(WRITERS)]
    threads.append(threading.Thread(target=guarded, args=(optimize, db, seed)))
    threads.append(threading.Thread(target=guarded, args=(search, db, seed)))
    if snapshots:
        threads.append(threading.Thread(target=guarded, args=(snapshot, db, path)))
    os.write(1, b"ready\n")
    for thread in threads:
        thread.start()


def guarded(task: Any, *arguments: Any) -> None:
    try:
        task(*arguments)
    except BaseException:
        os.write(1, b"error\n")
        traceback.print_exc()
        os._exit(3)


def write(db: vecdb.Database, seed: int, writer: int) -> None:
    for number, call in enumerate(calls(seed, writer), start=1):
        perform(db, call)
        # Shorter than a pipe's atomic write: a kill leaves no half line.
        os.write(1, b"%d %d\n" % (writer, number))


def optimize(db: vecdb.Database, seed: int) -> None:
    choose = random.Random(seed)
    while True:
        time.sleep(choose.uniform(0, 0.3))
        db[choose.choice(list(VECTORS))].optimize(wait=True)


def snapshot(db: vecdb.Database, path: str) -> None:
    while True:
        db.snapshot(f"{path}.snapshot")


def search(db: vecdb.Database, seed: int) -> None:
    numbers = np.random.default_rng(seed)
    while True:
        hits = db["docs"].search(numbers.standard_normal(16, dtype=np.float32), k=5)
        assert len(set(hits.ids)) == len(hits)
        time.sleep(0.005)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), "async" if "async" in sys.argv[3:] else "sync", "snapshots" in sys.argv[3:])
