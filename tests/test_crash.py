"""SIGKILL under load, again and again on one directory: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import pytest

import vecdb
from tests.crash_expectation import Expectation, check
from tests.crash_writer import FIELDS, VECTORS, WRITERS, calls
from vecdb.database import restore

KILLS = int(os.environ.get("VECDB_TEST_KILLS", "50"))
CHAIN_MAXIMUM = 3  # kills in a row before the directory is opened and checked here
ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_kills_under_load_lose_nothing_acknowledged(tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    path = tmp_path / "db"
    with vecdb.connect(str(path)) as db:
        for name, vectors in VECTORS.items():
            db.create_collection(name, vectors=vectors, fields=FIELDS)
    expected = [Expectation() for _ in range(WRITERS)]
    kills = total = snapshots = 0
    try:
        while kills < KILLS:
            for _ in range(min(choose.randint(1, CHAIN_MAXIMUM), KILLS - kills)):
                kills += 1
                total += run_and_kill(path, seed + kills, choose, expected)
            check(path, expected, choose)
            snapshots += check_snapshot(path)
    except BaseException:
        print(f"VECDB_TEST_SEED={seed}, after kill {kills} and {total} acknowledged calls; directory {path}")
        raise
    assert total > 10 * KILLS, f"seed {seed}: only {total} calls were acknowledged, this was no load"
    assert snapshots, f"seed {seed}: no snapshot was ever whole"


def check_snapshot(path: Path) -> bool:
    """The snapshot of before the kill, if there was one, is whole; what is left of another has a name that says so."""
    snapshot, restored = path.with_name("db.snapshot"), path.with_name("restored")
    assert list(path.glob(".vecdb-*")) == []
    for half in path.parent.glob(".vecdb-snapshot-*"):
        half.unlink()
    if not snapshot.exists():
        return False
    restore(snapshot, restored)
    with vecdb.connect(restored) as db:
        assert set(db) >= set(VECTORS)
        for name in db:
            assert db[name].verify().problems == ()
    shutil.rmtree(restored)
    snapshot.unlink()
    return True


def run_and_kill(path: Path, seed: int, choose: random.Random, expected: list[Expectation]) -> int:
    """Runs a writer, kills it, and moves the expectations on; how many calls it had acknowledged."""
    command = [sys.executable, "-m", "tests.crash_writer", str(path), str(seed), "snapshots"]
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
