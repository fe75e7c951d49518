"""Scripts of a database: making, finding and dropping collections, and its care."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tests.parity.rows import FIELDS, IDS, PAYLOADS, vectors
from tests.parity.script import On, Script, last_report, path
from vecdb import Closed, CollectionExists, CollectionNotFound, Flat, Hnsw, InvalidName, InvalidValue, Vector

db, docs, other = On("db"), On("docs"), On("other")


class Metric(StrEnum):
    """A metric as a program may keep it."""

    DOT = "dot"


SCRIPTS: Final[dict[str, Script]] = {
    "collections in every form": [
        db.collections(),
        db.does("len"),
        db.does("bool"),
        db.does("iter"),
        db.create_collection("docs", 4).kept("docs"),
        docs.name(),
        docs.schema(),
        docs.number(),
        db.create_collection("Named-1_x", dimension=3, metric="l2", index=Flat(), fields=FIELDS),
        db.create_collection(name="dot", dimension=65_536, metric="dot", index=Hnsw(m=5, ef_construction=17)),
        db.create_collection(
            "many",
            vectors={
                "": Vector(1),
                "b": Vector(2, metric="dot", index=Flat()),
                "a": Vector(3, metric="l2", index=Hnsw(m=256, ef_construction=4096)),
            },
            fields={"a b.é": "keyword", "x": "datetime"},
        ),
        db.create_collection("enum", 2, metric=Metric.DOT),
        db.create_collection("x" * 128, 1),
        db.collections(),
        db.does("len"),
        db.does("iter"),
        db.does("contains", "docs"),
        db.does("contains", "nobody"),
        db.does("contains", 3),
        db.does("contains", None),
        db.does("getitem", "docs").kept("other"),
        other.schema(),
        other.number(),
        db.does("getitem", "many"),
        db.does("getitem", "enum"),
        db.stats(),
    ],
    "dropping": [
        db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        db.create_collection("docs", 4).refused(CollectionExists),
        db.drop_collection("nobody").refused(CollectionNotFound),
        db.drop_collection("docs"),
        db.drop_collection("docs").refused(CollectionNotFound),
        db.does("getitem", "docs").refused(CollectionNotFound),
        db.collections(),
        docs.count().refused(CollectionNotFound),
        docs.name(),
        docs.schema(),
        db.create_collection("docs", 2).kept("other"),
        # The handle of the first collection is not one of the second.
        docs.count().refused(CollectionNotFound),
        docs.upsert([1], vectors(1)).refused(CollectionNotFound),
        docs.drop().refused(CollectionNotFound),
        other.upsert([1], [[1, 2]]),
        other.count(),
        other.drop(),
        other.drop().refused(CollectionNotFound),
        db.does("len"),
        db.stats(),
    ],
    "a dropped collection": [
        db.create_collection("docs", 4).kept("docs"),
        docs.upsert([1, 2], vectors(2)),
        docs.drop(),
        docs.upsert([1], vectors(1)).refused(CollectionNotFound),
        docs.upsert([1], vectors(1), progress=last_report()).refused(CollectionNotFound),
        docs.update([1], {"a": 1}).refused(CollectionNotFound),
        docs.delete([1]).refused(CollectionNotFound),
        docs.delete(where="a == 1").refused(CollectionNotFound),
        docs.search(vectors(1)[0]).refused(CollectionNotFound),
        docs.search(vectors(2)).refused(CollectionNotFound),
        docs.search_stream([vectors(1)[0]]).refused(CollectionNotFound),
        docs.get([1]).refused(CollectionNotFound),
        docs.count().refused(CollectionNotFound),
        docs.does("len").refused(CollectionNotFound),
        docs.scan().refused(CollectionNotFound),
        docs.stats().refused(CollectionNotFound),
        docs.recall().refused(CollectionNotFound),
        docs.verify().refused(CollectionNotFound),
        docs.optimize().refused(CollectionNotFound),
        docs.export(path("rows.jsonl")).refused(CollectionNotFound),
        docs.does("bool"),
        docs.does("repr"),
    ],
    "a closed database": [
        db.create_collection("docs", 4).kept("docs"),
        docs.upsert([1, 2], vectors(2)),
        db.close(),
        db.close(),
        db.collections().refused(Closed),
        db.create_collection("docs", 4).refused(Closed),
        db.does("getitem", "docs").refused(Closed),
        db.drop_collection("docs").refused(Closed),
        db.does("len").refused(Closed),
        db.does("contains", "docs").refused(Closed),
        db.does("iter").refused(Closed),
        db.stats().refused(Closed),
        db.snapshot(path("file.snapshot")).refused(Closed),
        db.does("bool"),
        db.does("repr"),
        docs.name(),
        docs.schema(),
        docs.does("bool"),
        docs.does("repr"),
        docs.does("len").refused(Closed),
        docs.upsert([1], vectors(1)).refused(Closed),
        docs.upsert([1], vectors(1), progress=last_report()).refused(Closed),
        docs.update([1], {"a": 1}).refused(Closed),
        docs.delete([1]).refused(Closed),
        docs.delete(where="a == 1").refused(Closed),
        docs.drop().refused(Closed),
        docs.search(vectors(1)[0]).refused(Closed),
        docs.search(vectors(2)).refused(Closed),
        docs.search_stream([vectors(1)[0]]).refused(Closed),
        docs.get([1]).refused(Closed),
        docs.count().refused(Closed),
        docs.scan().refused(Closed),
        docs.stats().refused(Closed),
        docs.recall().refused(Closed),
        docs.verify().refused(Closed),
        docs.optimize().refused(Closed),
        docs.export(path("rows.jsonl")).refused(Closed),
        docs.import_(path("rows.jsonl")).refused(Closed),
    ],
    "context managers close": [
        db.create_collection("docs", 4).kept("docs"),
        db.does("enter"),
        docs.count().refused(Closed),
        db.collections().refused(Closed),
        db.close(),
    ],
    "what they are": [
        db.create_collection("docs", 4).kept("docs"),
        db.does("repr"),
        docs.does("repr"),
        docs.does("len"),
        docs.does("bool"),
        db.does("bool"),
        db.does("getitem", "no such name!").refused(InvalidName),
        db.does("getitem", 7).refused(InvalidName),
        db.drop_collection("../docs").refused(InvalidName),
    ],
    "no snapshot of memory": [
        db.create_collection("docs", 4).kept("docs"),
        db.snapshot(path("one.snapshot")).refused(InvalidValue),
    ],
}

FOLDER_SCRIPTS: Final[dict[str, Script]] = {
    "a snapshot": [
        db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        db.create_collection("empty", 2),
        db.snapshot(path("one.snapshot")),
        db.snapshot(path=path("one.snapshot"), progress=last_report()),
        docs.delete([0]),
        db.snapshot(path("two.snapshot"), progress=False),
        db.stats(),
    ],
}
