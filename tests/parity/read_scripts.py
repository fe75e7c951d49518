"""Scripts of reading without a query: filters in every spelling, count, scan, and the care of a collection."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

import numpy as np

from tests.parity.rows import FIELDS, IDS, PAYLOADS, facts, vectors
from tests.parity.script import On, Script, Step, reports, unheard
from vecdb import Flat, field, has_id

db, docs = On("db"), On("docs")

_MAKE: Final = [
    db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
    docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
]
_SUMMER: Final = timezone(timedelta(hours=2))

FILTERS: Final[list[Any]] = [
    field("lang") == "en",
    field("lang") != "en",
    field("year") < 2021,
    field("year") <= 2020,
    field("year") > 2020,
    field("year") >= np.int64(2020),
    field("price") == 3,
    field("price") == 3.0,
    field("price") > np.float32(0.5),
    field("seen") == True,  # noqa: E712
    field("seen") != np.False_,
    field("year").in_([2020, 2021, 2**63 - 1]),
    field("year").not_in([2020, -(2**63)]),
    field("year").in_([]),
    field("lang").in_({"en"}),
    field("tags").any_of(["a", "c"]),
    field("tags").all_of(["a", "b"]),
    field("tags").all_of([]),
    field("tags").none_of(("a",)),
    field("year").between(2019, 2021),
    field("price").between(-1e300, 1.5),
    field("lang").between("d", "e"),
    field("published").between(datetime(2023, 1, 1), datetime(2024, 2, 29, 10, 30, tzinfo=UTC)),
    field("published") == datetime(2024, 2, 29, 12, 30, tzinfo=_SUMMER),
    field("published") > date(2023, 6, 1),
    field("published") < datetime(1970, 1, 1, tzinfo=UTC),
    field("published") <= datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    field("published") > datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
    field("published") < datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(-timedelta(hours=23))),
    field("lang").exists(),
    ~field("lang").exists(),
    field("lang").is_null(),
    field("lang").prefix("e"),
    field("lang").prefix(""),
    field("tags").prefix("a"),
    field("author.name") == "Ada",
    field("author.born") > 1800,
    field("deep.deeper").exists(),
    field("large") == 2**64 - 1,
    field("large") > 2**63,
    field("small") == 5e-324,
    field("minus zero") == 0,
    field("one") == 1.0,
    field("one") == True,  # noqa: E712
    field("ünï").prefix("cö"),
    field("$and").exists(),
    has_id(IDS[:5]),
    has_id([UUID(int=0), "nobody", np.int64(1)]),
    has_id(np.array([0, 1, 5])),
    has_id([]),
    (field("lang") == "en") & (field("year") >= 2020) & ~(field("seen") == False),  # noqa: E712
    (field("lang") == "en") | (field("lang") == "de") | field("lang").is_null(),
    ~((field("a") == 1) | ~(field("lang").exists() & field("year").exists())),
    {"lang": "en"},
    {"year": {">=": 2020, "<": 2024}},
    {"year": {"in": [2020]}, "lang": {"not in": ["de"]}},
    {"$or": [{"lang": "de"}, {"$not": {"year": {"exists": True}}}]},
    {"$and": [{"tags": {"any_of": ["a"]}}, {"tags": {"none_of": ["b"]}}]},
    {"$has_id": [1, "b", {"$uuid": str(UUID(int=0))}]},
    {"$$and": {"exists": True}},
    {"published": {"<": {"$datetime": "2024-01-02T03:04"}}},
    {"lang": {"is_null": False}},
    {"lang": {"prefix": "d"}, "year": {"between": [2019, 2022]}},
    "lang == 'en'",
    "lang == 'en' or year in [2019, 2022]",
    "not (year < 2020 and lang is_null)",
    "tags all_of ['a', 'b']",
    "author.name == 'Ada' and year >= 2019",
    ("lang == $lang and year > $year", {"lang": "en", "year": 2000}),
    ("has_id($one, $two)", {"one": UUID(int=0), "two": "b"}),
    "`ünï` prefix 'cö' or `a b` exists or has_id(0, 'b', uuid('00000000-0000-0000-0000-000000000000'))",
    "published > datetime('2024-01-02')",
]


def _filters() -> list[Step]:
    return [step for where in FILTERS for step in (docs.count(where), docs.search(vectors(1)[0], 20, where=where))]


SCRIPTS: Final[dict[str, Script]] = {
    "filters": [*_MAKE, *_filters()],
    "filters on undeclared fields": [
        db.create_collection("docs", 4).kept("docs"),
        docs.upsert(IDS, vectors(len(IDS)), PAYLOADS),
        *_filters(),
    ],
    "deleting by every filter": [
        db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
        *(
            step
            for where in FILTERS[::3]
            for step in (docs.upsert(IDS, vectors(len(IDS)), PAYLOADS), docs.delete(where=where), docs.scan())
        ),
    ],
    "scans": [
        *_MAKE,
        docs.scan(),
        docs.scan(None),
        docs.scan(field("lang") == "en"),
        docs.scan(where={"year": {"exists": True}}),
        docs.scan("year > 2000", with_vectors=True),
        docs.scan(batch=1),
        docs.scan(batch=7, with_vectors=True),
        docs.scan(batch=10_000),
        docs.scan("year == 1"),
        docs.scan(order_by="year"),
        docs.scan(order_by="-year", batch=2),
        docs.scan(order_by="lang", with_vectors=True),
        docs.scan(order_by="author.name"),
        docs.scan(order_by="-price", where="price > 0"),
        docs.scan(order_by="nobody", batch=3),
        docs.scan(order_by="published"),
        docs.scan(order_by="tags"),
        docs.scan(order_by="a b"),
    ],
    "scans of many rows": [
        db.create_collection("docs", 4, index=Flat()).kept("docs"),
        docs.upsert(np.arange(2_300), vectors(2_300), facts(2_300)),
        docs.scan(with_vectors=True),
        docs.scan(order_by="-number", batch=999),
        docs.scan("lang == 'en'", batch=100),
        docs.get(np.arange(2_500)[::-1], with_vectors=True),
        docs.get(np.arange(2_500).tolist()),
    ],
    "counts": [
        *_MAKE,
        docs.count(),
        docs.count(None),
        docs.count(where="lang == 'en'"),
        docs.does("len"),
        docs.does("bool"),
    ],
    "care": [
        *_MAKE,
        docs.stats(),
        db.stats(),
        docs.verify(),
        docs.recall(),
        docs.recall(5, 3, seed=1),
        docs.optimize(),
        docs.optimize(False),
        docs.optimize(wait=True, progress=unheard()),
        docs.optimize(progress=False),
        docs.verify(),
        docs.delete([0, 1]),
        docs.verify(),
        docs.stats(),
        db.stats(),
    ],
    "care of a graph": [
        db.create_collection("docs", 4).kept("docs"),
        docs.upsert(np.arange(1500), vectors(1500), facts(1500), progress=reports()),
        docs.optimize(),
        docs.verify(),
        docs.stats(),
        docs.delete(np.arange(0, 1500, 5)),
        docs.optimize(),
        docs.verify(),
        docs.stats(),
        docs.count(),
    ],
}
