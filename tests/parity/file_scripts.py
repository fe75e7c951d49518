"""Scripts of files: export and import_ in every form, with every kind of id and payload."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.parity.rows import FIELDS, IDS, PAYLOADS, facts, vectors
from tests.parity.script import On, Script, Step, path, reports, written
from vecdb import Flat, InvalidPayload, InvalidValue, InvalidVector, Vector

db, docs, copy = On("db"), On("docs"), On("copy")

_VECTORS: Final = {"a": Vector(3, metric="l2", index=Flat()), "b": Vector(4)}


def _there_and_back(suffix: str) -> list[Step]:
    """Rows out to a file and in to another collection."""
    return [
        db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
        db.create_collection("copy", 4, fields=FIELDS).kept("copy"),
        docs.export(path(f"none{suffix}")),
        copy.import_(path(f"none{suffix}")),
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        docs.export(path(f"rows{suffix}")),
        copy.import_(path(f"rows{suffix}")),
        copy.scan(with_vectors=True),
        docs.upsert(range(100, 1400), vectors(1300), facts(1300)),
        docs.export(path=path(f"rows{suffix}", Path), progress=reports()),
        copy.import_(path=path(f"rows{suffix}", Path), batch=500, progress=reports()),
        copy.import_(path(f"rows{suffix}"), batch=100_000),
        copy.import_(path(f"rows{suffix}"), progress=False),
        copy.count(),
        # Not by a scan: in what order rows lie that were replaced depends on when their places were free again.
        copy.get([*IDS, *range(100, 1400)], with_vectors=True),
        docs.export(path("rows.txt")).refused(InvalidValue),
        docs.export(path(f"nowhere/rows{suffix}")).refused(InvalidValue),
        docs.import_(path(f"nobody{suffix}")).refused(InvalidValue),
    ]


SCRIPTS: Final[dict[str, Script]] = {
    "parquet": _there_and_back(".parquet"),
    "jsonl": _there_and_back(".jsonl"),
    "npy": _there_and_back(".npy"),
    "named vectors in files": [
        db.create_collection("docs", vectors=_VECTORS).kept("docs"),
        db.create_collection("copy", vectors=_VECTORS).kept("copy"),
        docs.upsert(IDS, {"a": vectors(len(IDS), 3), "b": vectors(len(IDS))}, PAYLOADS),
        *(
            step
            for suffix in (".parquet", ".jsonl")
            for step in (
                docs.export(path(f"named{suffix}")),
                copy.import_(path(f"named{suffix}"), batch=5),
                copy.scan(with_vectors=True),
                copy.delete(IDS),
            )
        ),
        docs.export(path("named.npy")).refused(InvalidValue),
    ],
    "files that are refused": [
        db.create_collection("docs", 2, fields={"year": "integer"}).kept("docs"),
        docs.import_(written("text.jsonl", "not json\n")).refused(InvalidValue),
        docs.import_(written("width.jsonl", '{"id": 1, "vector": [1, 2]}\n{"id": 2, "vector": [1, 2, 3]}\n')).refused(
            InvalidVector
        ),
        docs.import_(
            written(
                "year.jsonl", '{"id": 1, "vector": [1, 2]}\n{"id": 2, "vector": [1, 2], "payload": {"year": "x"}}\n'
            ),
            batch=1,
        ).refused(InvalidPayload),
        docs.import_(
            written(
                "zero.jsonl", '{"id": 7, "vector": [1, 2]}\n{"id": 8, "vector": [1, 2]}\n{"id": 9, "vector": [0, 0]}\n'
            ),
            batch=2,
            progress=reports(),
        ).refused(InvalidVector),
        docs.scan(with_vectors=True),
    ],
}
