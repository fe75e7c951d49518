"""What a database must hold after tests.crash_writer was stopped: what it had acknowledged, and nothing by halves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import vecdb
from tests.crash_writer import FIELDS, VECTORS, WRITERS, Call, owner_of, vectors_of
from tests.reference_collection import ReferenceCollection, typed

State = dict[str, ReferenceCollection]  # what one writer has written, by collection


@dataclass
class Expectation:
    """The states that a writer's rows may be in: one, and one more for each call that a kill found unacknowledged."""

    states: list[State] = field(default_factory=lambda: [{name: empty(name) for name in VECTORS}])

    def advance(self, acknowledged: Sequence[Call], in_flight: Call) -> None:
        after = []
        for state in self.states:
            for call in acknowledged:
                apply(state, call)
            done = {name: reference.copy() for name, reference in state.items()}
            apply(done, in_flight)
            after += [state, done]
        self.states = after

    def advance_by_any(self, calls: Sequence[Call]) -> None:
        """Any number of these calls may be the last that happened."""
        state = self.states[-1]
        for call in calls:
            state = {name: reference.copy() for name, reference in state.items()}
            apply(state, call)
            self.states.append(state)


def check(path: Path, expected: list[Expectation], choose: random.Random) -> None:
    """Opens the directory and settles which of its possible states each writer is in; any other one is a failure."""
    with vecdb.connect(str(path)) as db:
        found = {name: read(db[name]) for name in db.collections()}
        for writer, expectation in enumerate(expected):
            differences = [difference(state, found, writer) for state in expectation.states]
            assert None in differences, f"writer {writer}: {differences}"
            expectation.states = [expectation.states[differences.index(None)]]
        known = {name for expectation in expected for name in expectation.states[0]}
        assert db.collections() == sorted(known)
        for name, reference in found.items():
            check_searches(db[name], reference)
            report = db[name].verify()
            assert report.ok, (name, report.problems)
        for name in known - set(VECTORS):
            if choose.random() < 0.5:
                db.drop_collection(name)
                for expectation in expected:
                    expectation.states[0].pop(name, None)


def read(docs: vecdb.Collection) -> ReferenceCollection:
    """All that a collection holds, by scan and get."""
    found = empty(docs.name)
    scanned = {typed(record.id): record.payload for record in docs.scan()}
    assert len(scanned) == docs.count()
    records = docs.get([row_id for _, row_id in scanned], with_vectors=True)
    assert {typed(record.id): record.payload for record in records} == scanned
    for record in records:
        vectors = {name: vector[None] for name, vector in (record.vectors or {}).items()}
        found.upsert([record.id], vectors, [record.payload])
    return found


def difference(state: State, found: dict[str, ReferenceCollection], writer: int) -> str | None:
    """How the rows found differ from a state of their writer; None if they do not."""
    own = {name for name in found if name in VECTORS or name.split("-")[1] == str(writer)}
    if own != set(state):
        return f"collections {sorted(own ^ set(state))}"
    for name, reference in state.items():
        rows = {row_id: row for row_id, row in found[name].rows.items() if owner_of(row_id) == writer}
        if rows.keys() != reference.rows.keys():
            return f"{name}: ids {sorted(map(str, rows.keys() ^ reference.rows.keys()))} are missing or too many"
        for row_id, row in rows.items():
            if row.payload != reference.rows[row_id].payload:
                return f"{name}, {row_id!r}: found {row.payload}, written {reference.rows[row_id].payload}"
            for vector, numbers in row.vectors.items():
                written = reference.rows[row_id].vectors[vector]
                if reference.metrics[vector] == "cosine":  # only the direction is promised
                    written = written / np.linalg.norm(written)
                    same = np.allclose(numbers / np.linalg.norm(numbers), written, rtol=0, atol=1e-5)
                else:
                    same = np.array_equal(numbers, written)
                if not same:
                    return f"{name}, {row_id!r}, vector {vector!r}: found {numbers}, written {written}"
    return None


def check_searches(docs: vecdb.Collection, reference: ReferenceCollection) -> None:
    numbers = np.random.default_rng(len(reference.rows))
    for using, vector in vectors_of(docs.name).items():
        query = numbers.standard_normal(vector.dimension, dtype=np.float32)
        for where in (None, {"writer": int(numbers.integers(WRITERS))}):
            hits = docs.search(query, k=10, where=where, using=using, exact=True)
            reference.check_exact(hits, query, 10, where, using)
            reference.check_sound(docs.search(query, k=10, where=where, using=using), query, 10, where, using)


def empty(collection: str) -> ReferenceCollection:
    vectors = vectors_of(collection)
    metrics = {name: vector.metric for name, vector in vectors.items()}
    return ReferenceCollection(metrics, FIELDS, {name: vector.dtype for name, vector in vectors.items()})


def apply(state: State, call: Call) -> None:
    """What the call does to a state of its writer."""
    match call.kind:
        case "create":
            state[call.collection] = empty(call.collection)
        case "drop":
            del state[call.collection]
        case "upsert":
            state[call.collection].upsert(call.ids, call.vectors, call.payloads)
        case "update":
            state[call.collection].update(call.ids, call.changes, [])
        case "delete":
            state[call.collection].delete(call.ids)
        case "delete_where":
            reference = state[call.collection]
            reference.delete(reference.matching(call.where))
