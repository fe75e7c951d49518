"""Random operations at the three doors at once, against a dict and numpy.

VECDB_TEST_SEED replays the failure that printed it, VECDB_TEST_PARITY_EXAMPLES says how many runs there are.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import vecdb
from tests.parity.doors import Stream, opened
from tests.parity.rows import FIELDS, vectors
from tests.parity.script import On, Step, check_step
from tests.reference_collection import Array, ReferenceCollection, RowId, typed
from vecdb.filters import from_dict, to_text

SEED = os.environ.get("VECDB_TEST_SEED")
EXAMPLES = int(os.environ.get("VECDB_TEST_PARITY_EXAMPLES", "30"))
STEPS = 30
SCHEMAS: dict[str, dict[str, vecdb.Vector]] = {
    "cosine": {"": vecdb.Vector(5)},
    "l2": {"": vecdb.Vector(5, metric="l2", index=vecdb.Flat())},
    "dot": {"": vecdb.Vector(3, metric="dot")},
    "named": {"a": vecdb.Vector(4), "b": vecdb.Vector(2, metric="l2", index=vecdb.Flat(), dtype="float16")},
}
IDS: list[RowId] = [*range(12), *(f"row {n}" for n in range(8)), *(UUID(int=n) for n in range(1, 6)), "0", 2**63 - 1]

# About half of them, by the bits of a number: a few rows would hide what goes wrong with the tenth.
id_lists = st.builds(
    lambda bits, step: [row_id for place, row_id in enumerate(IDS) if bits >> place & 1][::step],
    st.integers(0, 2 ** len(IDS) - 1),
    st.sampled_from([1, -1]),
)
payloads = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "lang": st.sampled_from(["en", "de", "é", "", None]),
            "tags": st.lists(st.sampled_from("abc"), max_size=3),
            "year": st.integers(2019, 2023) | st.integers(-(2**63), 2**63 - 1),
            "price": st.sampled_from([0.5, 1.5, 2, -1e300]),
            "seen": st.booleans(),
            "free": st.recursive(
                st.none()
                | st.booleans()
                | st.integers(-(2**63), 2**64 - 1)
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                max_leaves=5,
            ),
        },
    ),
)
conditions = st.sampled_from(
    [
        {"lang": "en"},
        {"lang": {"!=": "en"}},
        {"lang": {"is_null": True}},
        {"lang": {"prefix": "d"}},
        {"year": {"<": 2021}},
        {"year": {"in": [2019, 2022]}},
        {"year": {"between": [2020, 2022]}},
        {"price": {">=": 0.5}},
        {"seen": True},
        {"tags": {"all_of": ["a", "b"]}},
        {"tags": {"not in": ["c"]}},
        {"free": {"exists": True}},
        {"$has_id": [1, "0", "row 3", {"$uuid": str(UUID(int=2))}]},
    ]
)
filters = st.recursive(
    conditions,
    lambda inner: (
        st.builds(lambda some: {"$and": some}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda some: {"$or": some}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda one: {"$not": one}, inner)
    ),
    max_leaves=3,
)
components = st.floats(-8, 8, width=16)
db, docs = On("db"), On("docs")


class Machine(RuleBasedStateMachine):
    """Three doors, and what each should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ExitStack()
        folder = self.last.enter_context(TemporaryDirectory())
        self.doors = self.last.enter_context(opened(Path(folder)))
        self.sequence = 0

    @initialize(schema=st.sampled_from(list(SCHEMAS)), filled=st.booleans(), seed=st.integers(0, 99))
    def create(self, schema: str, filled: bool, seed: int) -> None:
        """Makes the collection, with rows of all ids or empty."""
        self.vectors = SCHEMAS[schema]
        self.reference = ReferenceCollection({name: each.metric for name, each in self.vectors.items()}, FIELDS)
        self.asked(db.create_collection("docs", vectors=self.vectors, fields=FIELDS).kept("docs"))
        if filled:
            rows = {
                name: vectors(len(IDS), each.dimension, seed).astype(np.float16).astype(np.float32)
                for name, each in self.vectors.items()
            }
            self.write(IDS, rows, rows, [{"year": 2019 + place % 4, "lang": "en"} for place in range(len(IDS))])

    @rule(ids=id_lists, data=st.data(), kind=st.sampled_from([np.float32, np.float64, np.float16]))
    def upsert(self, ids: list[RowId], data: st.DataObject, kind: Any) -> None:
        """Inserts or replaces rows."""
        arrays = {name: self.matrix(data, each, len(ids)) for name, each in self.vectors.items()}
        texts = data.draw(st.none() | st.lists(payloads, min_size=len(ids), max_size=len(ids)))
        given = {name: array.astype(kind) for name, array in arrays.items()}
        self.write(ids, given, arrays, texts)

    @rule(ids=id_lists, changes=payloads, removed=st.lists(st.sampled_from(["year", "free", "nobody"]), max_size=2))
    def update(self, ids: list[RowId], changes: dict[str, Any] | None, removed: list[str]) -> None:
        """Changes payloads."""
        written = self.asked(docs.update(ids, changes, removed))
        self.check_write(written, *self.reference.update(ids, changes or {}, removed))

    @rule(ids=id_lists)
    def delete(self, ids: list[RowId]) -> None:
        """Deletes by id."""
        written = self.asked(docs.delete(ids))
        count = self.reference.delete(ids)
        self.check_write(written, count, len(ids) - count)

    @rule(where=filters, spelling=st.sampled_from([dict, from_dict, lambda each: to_text(from_dict(each))]))
    def delete_where(self, where: dict[str, Any], spelling: Any) -> None:
        """Deletes by filter."""
        written = self.asked(docs.delete(where=spelling(where)))
        self.check_write(written, self.reference.delete(self.reference.matching(where)), 0)

    @rule(data=st.data(), k=st.sampled_from([1, 3, 40]), where=st.none() | filters, exact=st.booleans())
    def search(self, data: st.DataObject, k: int, where: dict[str, Any] | None, exact: bool) -> None:
        """The best rows for one query: below 1024 rows every search is exact."""
        using, query = self.question(data, 1)
        with_vectors = data.draw(st.booleans())
        step = docs.search(query[0], k, where=where, using=using or None, exact=exact, with_vectors=with_vectors)
        self.reference.check_exact(self.asked(step), query[0], k, where, using)

    @rule(data=st.data(), count=st.integers(0, 4), where=st.none() | filters, streamed=st.booleans())
    def search_many(self, data: st.DataObject, count: int, where: dict[str, Any] | None, streamed: bool) -> None:
        """The best rows for several queries, in a batch or in a stream."""
        using, queries = self.question(data, count)
        verb = docs.search_stream if streamed else docs.search
        found = self.asked(verb(queries, 5, where=where, using=using or None, select=["lang"]))
        batch = found.items if isinstance(found, Stream) else found
        assert len(batch) == count
        for hits, query in zip(batch, queries, strict=True):
            best = np.sort(self.reference.scores(query, using, self.reference.matching(where)))[::-1][:5]
            np.testing.assert_allclose(hits.scores, best, rtol=1e-5, atol=self.reference.tolerance(query, using))

    @rule(ids=id_lists, with_vectors=st.booleans())
    def get(self, ids: list[RowId], with_vectors: bool) -> None:
        """Rows by id, in the order asked."""
        records = self.asked(docs.get(ids, with_vectors=with_vectors))
        there = [each for each in ids if each in self.reference.rows]
        assert [typed(record.id) for record in records] == [typed(each) for each in there]
        self.reference.check_records(records, there)
        if with_vectors:
            self.reference.check_vectors(records)

    @rule(
        where=st.none() | filters,
        batch=st.sampled_from([1, 3, 1000]),
        order_by=st.sampled_from([None, "year", "-lang"]),
    )
    def scan(self, where: dict[str, Any] | None, batch: int, order_by: str | None) -> None:
        """Every row that matches."""
        records = self.asked(docs.scan(where, batch=batch, order_by=order_by, with_vectors=True)).items
        self.reference.check_records(records, self.reference.matching(where))
        self.reference.check_vectors(records)

    @rule(where=filters)
    def count(self, where: dict[str, Any]) -> None:
        """How many match."""
        assert self.asked(docs.count(where)) == len(self.reference.matching(where))

    @rule()
    def care(self) -> None:
        """Nothing is lost by optimizing, and nothing is wrong."""
        self.asked(docs.optimize())
        assert self.asked(docs.verify()).ok

    @precondition(lambda self: self.reference.rows)
    @rule()
    def again(self) -> None:
        """Drops the collection and makes it again."""
        self.asked(docs.drop())
        self.asked(docs.count().refused(vecdb.CollectionNotFound))
        self.reference.rows.clear()
        self.asked(db.create_collection("docs", vectors=self.vectors, fields=FIELDS).kept("docs"))

    @invariant()
    def the_rows_are_as_many(self) -> None:
        """The number of rows, asked after every step."""
        if "docs" in self.doors[0].held:
            assert self.asked(docs.count()) == len(self.reference.rows)

    def teardown(self) -> None:
        """Closes the doors."""
        self.last.close()

    def asked(self, step: Step) -> Any:
        """What a step gives at the first door, once its outcome is the same at all."""
        check_step(step, self.doors)
        return self.doors[0].given

    def write(self, ids: list[RowId], given: dict[str, Any], meant: dict[str, Array], texts: Any) -> None:
        """An upsert of vectors as they are given, and as the model holds them."""
        written = self.asked(docs.upsert(ids, given.get("", given), texts))
        self.reference.upsert(ids, meant, texts)
        self.check_write(written, len(ids), 0)

    def question(self, data: st.DataObject, count: int) -> tuple[str, Array]:
        """The name of a vector, and queries for it."""
        using = data.draw(st.sampled_from(list(self.vectors)))
        return using, self.matrix(data, self.vectors[using], count)

    def matrix(self, data: st.DataObject, vector: vecdb.Vector, count: int) -> Array:
        """Rows that half precision holds; under cosine none is zero."""
        size = count * vector.dimension
        drawn = data.draw(st.lists(components, min_size=size, max_size=size))
        rows = np.array(drawn, np.float32).reshape(count, vector.dimension)
        if vector.metric == "cosine":
            rows[:, 0] = np.where((rows**2).sum(axis=1) < 1e-2, np.float32(1), rows[:, 0])
        return rows

    def check_write(self, written: vecdb.WriteResult, count: int, missing: int) -> None:
        """Counts as the model has them, and a sequence that never goes back."""
        assert (written.count, written.missing) == (count, missing)
        assert written.sequence >= self.sequence
        self.sequence = written.sequence


@pytest.mark.slow
def test_random_operations_equal_the_model() -> None:
    seed = int(SEED) if SEED else random.SystemRandom().randrange(2**32)
    bounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=bounds)
    except BaseException:
        print(f"replay with VECDB_TEST_SEED={seed}")
        raise
