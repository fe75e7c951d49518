"""SIGKILL under load, again and again on one directory: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import vecdb
from tests.crash_writer import FIELDS, VECTORS, WRITERS, Call, calls, owner_of, vectors_of
from tests.reference_collection import ReferenceCollection, typed

KILLS = int(os.environ.get("VECDB_TEST_KILLS", "50"))
CHAIN_MAXIMUM = 3  # kills in a row before the directory is opened and checked here
ROOT = Path(__file__).parents[1]

State = dict[str, ReferenceCollection]  # what one writer has written, by collection


@dataclass
class Expectation:
    """The states that a writer's rows may be in: one, and one more for each call that a kill found unacknowledged."""

    states: list[State] = field(default_factory=lambda: [{name: empty(name) for name in VECTORS}])

    def advance(self, acknowledged: list[Call], in_flight: Call) -> None:
        after = []
        for state in self.states:
            for call in acknowledged:
                apply(state, call)
            done = {name: reference.copy() for name, reference in state.items()}
            apply(done, in_flight)
            after += [state, done]
        self.states = after


@pytest.mark.slow
def test_kills_under_load_lose_nothing_acknowledged(tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    path = tmp_path / "db"
    with vecdb.connect(str(path)) as db:
        for name, vectors in VECTORS.items():
            db.create_collection(name, vectors=vectors, fields=FIELDS)
    expected = [Expectation() for _ in range(WRITERS)]
    kills = total = 0
    try:
        while kills < KILLS:
            for _ in range(min(choose.randint(1, CHAIN_MAXIMUM), KILLS - kills)):
                kills += 1
                total += run_and_kill(path, seed + kills, choose, expected)
            check(path, expected, choose)
    except BaseException:
        print(f"VECDB_TEST_SEED={seed}, after kill {kills} and {total} acknowledged calls; directory {path}")
        raise
    assert total > 10 * KILLS, f"seed {seed}: only {total} calls were acknowledged, this was no load"


def run_and_kill(path: Path, seed: int, choose: random.Random, expected: list[Expectation]) -> int:
    """Runs a writer, kills it, and moves the expectations on; how many calls it had acknowledged."""
    command = [sys.executable, "-m", "tests.crash_writer", str(path), str(seed)]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT)
        assert child.stdout is not None
        if choose.random() < 0.85:
            first = child.stdout.readline()
            time.sleep(0.05 + 1.45 * choose.random() ** 3)
        else:  # somewhere in starting and recovering
            first = b""
            time.sleep(choose.uniform(0.05, 0.6))
        child.kill()
        lines = (first + child.stdout.read()).decode().splitlines()
        child.stdout.close()
        status = child.wait()
        errors.seek(0)
        assert status == -signal.SIGKILL, f"the writer ended with {status}: {errors.read().decode()}"
    counts = dict.fromkeys(range(WRITERS), 0)
    for line in lines[1:]:
        writer, count = map(int, line.split())
        assert count == counts[writer] + 1
        counts[writer] = count
    if not lines:
        return 0
    for writer, count in counts.items():
        *acknowledged, in_flight = islice(calls(seed, writer), count + 1)
        expected[writer].advance(acknowledged, in_flight)
    return sum(counts.values())


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
    return ReferenceCollection({name: vector.metric for name, vector in vectors_of(collection).items()}, FIELDS)


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
