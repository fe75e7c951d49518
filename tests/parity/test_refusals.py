"""Every bad call is refused at every door by the same error, with the same facts, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parity.doors import Door, opened
from tests.parity.refused_reads import FILTERS, QUERIES, READS, SEARCHES
from tests.parity.refused_schemas import FILES, SCHEMAS
from tests.parity.refused_writes import CHANGES, IDS, PAYLOADS, VECTORS
from tests.parity.rows import FIELDS, facts, vectors
from tests.parity.script import On, Step, check, check_step
from vecdb import Flat, Vector

db, docs, flat, named = On("db"), On("docs"), On("flat"), On("named")

REFUSALS = [*IDS, *VECTORS, *PAYLOADS, *CHANGES, *SEARCHES, *QUERIES, *FILTERS, *READS, *SCHEMAS, *FILES]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Door]]:
    with opened(tmp_path_factory.mktemp("doors")) as found:
        check(
            [
                db.create_collection("docs", 4, fields=FIELDS).kept("docs"),
                db.create_collection("flat", 3, metric="l2", index=Flat()).kept("flat"),
                db.create_collection("named", vectors={"a": Vector(3, metric="l2"), "b": Vector(2, metric="dot")}).kept(
                    "named"
                ),
                docs.upsert(range(5), vectors(5), facts(5)),
                flat.upsert(range(5), vectors(5, 3)),
                named.upsert(range(5), {"a": vectors(5, 3), "b": vectors(5, 2)}),
            ],
            found,
        )
        yield found


@pytest.mark.parametrize(
    "step", [pytest.param(step, id=f"{place} {step.target}.{step.verb}") for place, step in enumerate(REFUSALS)]
)
def test_a_bad_call_is_refused_alike(step: Step, doors: list[Door]) -> None:
    before = [check_step(each, doors) for each in (db.collections(), db.stats())]
    check_step(step, doors)
    after = [check_step(each, doors) for each in (db.collections(), db.stats())]
    assert before == after


def test_there_are_many() -> None:
    assert len(REFUSALS) > 120
    assert all(step.refusal is not None for step in REFUSALS)
