"""Collections that are refused, and files, at every door by the same error with the same facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tests.parity.script import On, Step, path
from vecdb import (
    CollectionExists,
    CollectionNotFound,
    Flat,
    InvalidName,
    InvalidSchema,
    InvalidType,
    InvalidValue,
    LimitExceeded,
    Vector,
)

db, docs, named = On("db"), On("docs"), On("named")

_NAMES: Final[list[Any]] = [
    "",
    "a b",
    "../x",
    "a/b",
    "x" * 129,
    "é",
    "a.b",
    "a\0b",
    "\ud800",
    3,
    None,
    b"docs",
    ["docs"],
]

SCHEMAS: Final[list[Step]] = [
    *(
        step.refused(InvalidName)
        for name in _NAMES
        for step in (db.create_collection(name, 4), db.does("getitem", name), db.drop_collection(name))
    ),
    db.create_collection("docs", 4).refused(CollectionExists),
    db.create_collection("docs", vectors={"a": Vector(3)}).refused(CollectionExists),
    db.does("getitem", "nobody").refused(CollectionNotFound),
    db.drop_collection("nobody").refused(CollectionNotFound),
    db.create_collection("new").refused(InvalidValue),
    db.create_collection("new", 4, vectors={"": Vector(4)}).refused(InvalidValue),
    db.create_collection("new", vectors={"a": Vector(3)}, metric="l2").refused(InvalidValue),
    db.create_collection("new", vectors={"a": Vector(3)}, index=Flat()).refused(InvalidValue),
    db.create_collection("new", vectors={"a": Vector(3)}, dtype="float16").refused(InvalidValue),
    db.create_collection("new", 4, dtype="float64").refused(InvalidSchema),
    db.create_collection("new", 0).refused(InvalidSchema),
    db.create_collection("new", -1).refused(InvalidSchema),
    db.create_collection("new", 65_537).refused(InvalidSchema),
    db.create_collection("new", 2**70).refused(InvalidSchema),
    db.create_collection("new", 1.5).refused(InvalidSchema),
    db.create_collection("new", True).refused(InvalidSchema),
    db.create_collection("new", "4").refused(InvalidSchema),
    db.create_collection("new", 4, metric="euclid").refused(InvalidSchema),
    db.create_collection("new", 4, metric=3).refused(InvalidSchema),
    db.create_collection("new", 4, index="hnsw").refused(InvalidSchema),
    db.create_collection("new", 4, index=Flat).refused(InvalidSchema),
    db.create_collection("new", vectors={}).refused(InvalidSchema),
    db.create_collection("new", vectors=[Vector(3)]).refused(InvalidSchema),
    db.create_collection("new", vectors={"a": 3}).refused(InvalidSchema),
    db.create_collection("new", vectors={"a b": Vector(3)}).refused(InvalidName),
    db.create_collection("new", vectors={3: Vector(3)}).refused(InvalidName),
    db.create_collection("new", vectors={f"v{n}": Vector(3) for n in range(17)}).refused(LimitExceeded),
    db.create_collection("new", 4, fields={"a": "text"}).refused(InvalidSchema),
    db.create_collection("new", 4, fields={"a": str}).refused(InvalidSchema),
    db.create_collection("new", 4, fields=["a"]).refused(InvalidSchema),
    db.create_collection("new", 4, fields={"": "keyword"}).refused(InvalidName),
    db.create_collection("new", 4, fields={"a..b": "keyword"}).refused(InvalidName),
    db.create_collection("new", 4, fields={"a[0]": "keyword"}).refused(InvalidName),
    db.create_collection("new", 4, fields={"x" * 513: "keyword"}).refused(InvalidName),
    db.create_collection("new", 4, fields={3: "keyword"}).refused(InvalidName),
    db.create_collection("new", 4, fields={f"f{n}": "keyword" for n in range(257)}).refused(LimitExceeded),
    db.create_collection("new", 4, {"a": Vector(3)}).refused(TypeError),
    db.create_collection("new", 4, shards=2).refused(TypeError),
    db.create_collection().refused(TypeError),
    db.collections("x").refused(TypeError),
    db.stats(True).refused(TypeError),
    db.close(True).refused(TypeError),
]

FILES: Final[list[Step]] = [
    docs.export(path("rows.txt")).refused(InvalidValue),
    docs.export(path("rows")).refused(InvalidValue),
    docs.export(path("nowhere/rows.jsonl")).refused(InvalidValue),
    docs.export(3).refused(InvalidType),
    docs.export(None).refused(InvalidType),
    docs.export(b"rows.jsonl").refused(InvalidType),
    docs.export("a\0b.jsonl").refused(InvalidValue),
    docs.export("").refused(InvalidValue),
    docs.export(path("rows.jsonl"), batch=3).refused(TypeError),
    named.export(path("rows.npy")).refused(InvalidValue),
    docs.import_(path("nobody.jsonl")).refused(InvalidValue),
    docs.import_(path("nobody.parquet", Path)).refused(InvalidValue),
    docs.import_(path("nobody.npy")).refused(InvalidValue),
    docs.import_(path("rows.txt")).refused(InvalidValue),
    docs.import_(3).refused(InvalidType),
    docs.import_(path("rows.jsonl"), batch=0).refused(InvalidValue),
    docs.import_(path("rows.jsonl"), batch="x").refused(InvalidType),
    docs.import_(path("rows.jsonl"), batch=True).refused(InvalidType),
    docs.import_(path("rows.jsonl"), batch=100_001).refused(InvalidValue),
    docs.import_(path("rows.jsonl"), 5).refused(TypeError),
    db.snapshot(3).refused(InvalidType),
    db.snapshot(None).refused(InvalidType),
    db.snapshot("").refused(InvalidValue),
    db.snapshot("a\0b").refused(InvalidValue),
    db.snapshot(path("nowhere/file")).refused(InvalidValue),
    db.snapshot(path("")).refused(InvalidValue),
    db.snapshot().refused(TypeError),
]
