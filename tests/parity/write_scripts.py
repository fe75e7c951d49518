"""Scripts of writing: upsert, update and delete with every form of ids, vectors and payloads."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import numpy as np

from tests.parity.rows import FIELDS, IDS, PAYLOADS, facts, vectors
from tests.parity.script import On, Script, own, reports
from vecdb import DuplicateId, Flat, InvalidId, InvalidPayload, InvalidValue, InvalidVector, Vector, field, has_id

db, docs, named = On("db"), On("docs"), On("named")

_MAKE: Final = db.create_collection("docs", 4, fields=FIELDS).kept("docs")
_MAKE_L2: Final = db.create_collection("docs", 4, metric="l2", index=Flat()).kept("docs")
_MAKE_HALVES: Final = db.create_collection("docs", 4, metric="dot", dtype="float16").kept("docs")
_NAMED: Final = db.create_collection(
    "named", vectors={"a": Vector(3, metric="l2", index=Flat()), "b": Vector(2, metric="dot"), "": Vector(4)}
).kept("named")
_ZERO_IN_THE_THIRD: Final = [*vectors(3).tolist() * 700, *([[0] * 4] * 400)]  # of batches of a thousand
_BAD_IN_THE_SECOND: Final = [*[None] * 1200, {"year": "x"}, *[None] * 299]
_READ: Final = docs.scan(with_vectors=True)


class Language(StrEnum):
    """Text of a subclass, as programs have it."""

    ENGLISH = "en"


class Row(dict[str, Any]):
    """A payload of a subclass."""


SCRIPTS: Final[dict[str, Script]] = {
    "ids of every kind": [
        _MAKE,
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        docs.get(IDS, with_vectors=True),
        docs.get(IDS[::-1]),
        docs.get([UUID(int=7), "nobody", 5, 1, "1", 0, "0"]),
        docs.count(),
        _READ,
        docs.delete(IDS[::2]),
        docs.delete(IDS),
        docs.count(),
    ],
    "ids of one kind a batch": [
        _MAKE_L2,
        docs.upsert(ids=[3, 1, 2], vectors=vectors(3)),
        docs.upsert((4, 5), vectors(2)),
        docs.upsert(range(6, 9), vectors(3)),
        docs.upsert(["a", "b"], vectors(2)),
        docs.upsert([UUID(int=1), UUID(int=2)], vectors(2)),
        docs.upsert([1, "one", UUID(int=1)], vectors(3, seed=6)),
        docs.upsert([np.int64(20), np.int32(21), np.uint64(22), np.uint8(23), 24], vectors(5)),
        docs.upsert([np.int64(30), np.int32(31)], vectors(2)),
        docs.upsert([Language.ENGLISH, "de"], vectors(2)),
        docs.upsert([], vectors(0)),
        docs.upsert([], []),
        docs.upsert([], [], []),
        _READ,
        docs.get(range(10)),
        docs.get((1, 2)),
        docs.get([]),
        docs.get([1, 1, "one", 1]),
        docs.delete([]),
        docs.delete(range(3, 6)),
        docs.delete([Language.ENGLISH, np.int64(20), "nobody"]),
        docs.update([], {"a": 1}),
        _READ,
    ],
    "ids as arrays": [
        _MAKE_L2,
        *(docs.upsert(np.arange(4, dtype=kind) + 1, vectors(4)) for kind in ("i1", "i2", "i4", "i8", ">i8", "u1")),
        docs.upsert(np.array([2**63 - 1, 5], np.uint64), vectors(2)),
        docs.upsert(np.arange(20)[::3], vectors(7)),
        docs.upsert(np.array(["a", "bc", "é"]), vectors(3)),
        docs.upsert(np.array([7, "seven", UUID(int=7)], object), vectors(3)),
        docs.upsert(np.array([], np.int64), vectors(0)),
        docs.get(np.arange(30, dtype=np.uint16)),
        docs.get(np.array(["bc", "nobody"])),
        docs.update(np.array([1, 2, 77]), {"a": 1}),
        docs.delete(np.array([2**63 - 1, 77], np.uint64)),
        _READ,
    ],
    "vectors of every kind": [
        _MAKE_L2,
        docs.upsert([1, 2], vectors(2)),
        docs.upsert([3, 4], vectors(2).tolist()),
        docs.upsert([5, 6], vectors(2).astype(np.float64)),
        docs.upsert([7, 8], vectors(2).astype(np.float16)),
        docs.upsert([9, 10], vectors(2).astype(">f4")),
        docs.upsert([11, 12], np.arange(8, dtype=np.int64).reshape(2, 4)),
        docs.upsert([13, 14], np.arange(8, dtype=np.uint8).reshape(2, 4)),
        docs.upsert([15, 16], np.asfortranarray(vectors(2))),
        docs.upsert([17, 18], vectors(4)[::2]),
        docs.upsert([19, 20], vectors(2, 8)[:, ::2]),
        docs.upsert([21, 22], [(1, 2, 3, 4), np.array([1.5, 2.5, 3.5, 4.5])]),
        docs.upsert([23], [[1e-45, -0.0, 3.4e38, -3.4e38]]),
        docs.upsert([24], [[0, 0, 0, 0]]),
        docs.upsert([25, 26], {"": vectors(2)}),
        docs.upsert([27], [[2**24, -(2**24), True, False]]),
        docs.upsert([28, 29], vectors(2).astype(np.longdouble)),
        docs.upsert([30], np.array([[1.0, 1 / 3, 1e-40, 65504]], np.float64)),
        docs.upsert([31], np.array([[0.1, 65504, 6e-8, -0.0]], np.float16)),
        docs.upsert([], np.empty((0, 4), np.float16)),
        _READ,
        docs.get([1, 9, 23, 24, 31], with_vectors=True),
        docs.get([1, 9, 23], with_vectors=False),
    ],
    "rows of float16": [
        _MAKE_HALVES,
        docs.schema(),
        docs.upsert([1, 2], vectors(2)),
        docs.upsert([3, 4], vectors(2).astype(np.float16)),
        docs.upsert([5, 6], vectors(4).astype(np.float16)[::2]),
        docs.upsert([7], [[65504, 1e-9, 65519, 6e-8]]),
        docs.upsert([8], [[65520, 0, 0, 0]]).refused(InvalidVector),
        docs.upsert([8, 9], np.array([[1, 2, 3, 4], [1, np.inf, 3, 4]], np.float16)).refused(InvalidVector),
        docs.upsert([8, 9], np.array([[1, 2, 3, 4], [1, np.nan, 3, 4]], np.float16)).refused(InvalidVector),
        docs.upsert([], np.empty((0, 4), np.float16)),
        docs.upsert(range(20, 620), vectors(600).astype(np.float16), progress=reports()),
        docs.get([1, 3, 5, 7, 8], with_vectors=True),
        docs.search(vectors(1)[0], k=5, with_vectors=True),
        docs.search(vectors(3).astype(np.float16), k=5),
        docs.scan(with_vectors=True, batch=400),
        docs.stats(),
    ],
    "rows of float16 and unit length": [
        db.create_collection("docs", vectors={"": Vector(4, dtype="float16"), "b": Vector(3, index=Flat())}).kept(
            "docs"
        ),
        docs.upsert([1, 2], {"": [[3, 4, 0, 0], [1e-30, 1e-30, 0, 0]], "b": vectors(2, 3).astype(np.float16)}),
        docs.upsert([3, 4], {"": vectors(2).astype(np.float16), "b": vectors(2, 3)}),
        docs.get([1, 2, 3, 4], with_vectors=True),
        docs.schema(),
        docs.search(vectors(1)[0], using=""),
    ],
    "unit length": [
        _MAKE,
        docs.upsert([1, 2, 3], [[3, 4, 0, 0], [1e-30, 1e-30, 0, 0], [1e30, 0, 0, -1e30]]),
        docs.upsert([4, 5], vectors(2).astype(np.float16)),
        docs.get([1, 2, 3, 4, 5], with_vectors=True),
    ],
    "named vectors": [
        _NAMED,
        named.schema(),
        named.upsert([1, 2], {"a": vectors(2, 3), "b": vectors(2, 2), "": vectors(2)}, [{"x": 1}, None]),
        named.upsert([3], {"b": [[1, 2]], "": [[1, 2, 3, 4]], "a": [[1, 2, 3]]}),
        named.upsert([4, 5], {"b": vectors(2, 2).astype("f2"), "": vectors(2), "a": vectors(2, 3).astype("f2")}),
        named.get([1, 2, 3], with_vectors=True),
        named.scan(with_vectors=True),
        named.upsert(range(5, 8), {"a": vectors(3, 3), "b": vectors(3, 2), "": vectors(3)}, progress=reports()),
        named.count(),
        named.stats(),
    ],
    "payloads of every shape": [
        _MAKE,
        docs.upsert(range(len(PAYLOADS)), vectors(len(PAYLOADS)), PAYLOADS),
        docs.upsert([20, 21], vectors(2), [None, None]),
        docs.upsert([22, 23], vectors(2), ({}, {"a": 1})),
        docs.upsert([24], vectors(1), [Row(a=Row(b=1))]),
        docs.upsert(
            ids=[25],
            vectors=vectors(1),
            payloads=[
                {"i": np.int64(3), "f": np.float32(0.1), "b": np.True_, "d": np.float64(0.1), "l": [np.uint8(255)]}
            ],
        ),
        docs.upsert([26], vectors(1), [{Language.ENGLISH: Language.ENGLISH, "lang": Language.ENGLISH}]),
        docs.upsert([27], vectors(1), [{"large": "é" * 100_000}]),
        docs.upsert([28], vectors(1), [{"author": {"name": "Ada"}, "author.name": 5}]),
        docs.upsert([0], vectors(1)),
        docs.get(range(30)),
        _READ,
    ],
    "replacing": [
        _MAKE,
        docs.upsert([1, 2, 3], vectors(3), facts(3)),
        docs.upsert([2], vectors(1, seed=9), [{"new": True}]),
        docs.upsert([3], vectors(1, seed=10)),
        docs.get([1, 2, 3], with_vectors=True),
        docs.search(vectors(1)[0], k=5),
    ],
    "updating": [
        _MAKE,
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        docs.update([0, 1, "nobody"], {"year": 2024, "new": [1, {"a": None}]}),
        docs.update(ids=["b", "0"], set={"lang": "fr"}, unset=["tags", "year", "not there"]),
        docs.update([UUID(int=0)], unset=["large"]),
        docs.update([UUID(int=0)], None, ("small",)),
        docs.update([1], {}, []),
        docs.update([1], None, None),
        docs.update([1]),
        docs.update([1], {"a": 1, "b": 2}, ["a"]),
        docs.update([10**15], {"minus zero": -0.0, "wide": 2**64 - 1, "number": np.float32(0.1), "none": None}),
        docs.update([2**63 - 1], Row(author=Row(name="Ada"))),
        docs.update([2**63 - 1], {Language.ENGLISH: Language.ENGLISH}, unset=[Language.ENGLISH]),
        docs.update(["nobody", 77], {"a": 1}),
        docs.get(IDS),
        docs.count("year == 2024"),
    ],
    "deleting": [
        _MAKE,
        docs.upsert(range(40), vectors(40), facts(40)),
        docs.delete([1, 2, "nobody", 99]),
        docs.delete(ids=[1, 2]),
        docs.delete(where=field("year") < 2003),
        docs.delete(where={"lang": "en"}),
        docs.delete(where="year == 2019 or number in [30, 31]"),
        docs.delete(where=("year == $year", {"year": 2004})),
        docs.delete(where=has_id([33, 34, "nobody"])),
        docs.delete(where="year == 1"),
        docs.delete(ids=None, where=field("number").exists() & ~field("number").exists()),
        _READ,
        docs.upsert([1], vectors(1)),
        docs.count(),
        docs.stats(),
    ],
    "with progress": [
        _MAKE,
        docs.upsert(range(2500), vectors(2500), facts(2500), progress=reports()),
        docs.upsert(np.arange(1000), vectors(1000), progress=reports()),
        docs.upsert([f"row {n}" for n in range(1001)], vectors(1001).tolist(), progress=True),
        docs.upsert([], [], progress=reports()),
        docs.upsert([1], vectors(1), progress=False),
        docs.count(),
        docs.scan(order_by="number"),
        docs.get([5, "row 1000"], with_vectors=True),
    ],
    "refused half way": [
        _MAKE,
        docs.upsert([*range(2000), 7], vectors(2001), progress=reports()).refused(DuplicateId),
        docs.upsert([*range(1500), -1], vectors(1501), progress=reports()).refused(InvalidId),
        docs.upsert(range(2500), vectors(2499), progress=reports()).refused(InvalidValue),
        docs.upsert(range(2500), _ZERO_IN_THE_THIRD, progress=reports()).refused(InvalidVector),
        docs.upsert(range(1500), vectors(1500), _BAD_IN_THE_SECOND, progress=reports()).refused(InvalidPayload),
        docs.scan(order_by="nobody", with_vectors=True),
    ],
    "vectors that are used up": [
        _MAKE,
        docs.search_stream(own(lambda: iter(vectors(3)))),
        docs.upsert([1, 2], vectors(2)),
        docs.search_stream(own(lambda: iter(vectors(3)))),
    ],
}
