"""Loss of power while snapshots are written and restored: what is said to be done is on the disk, nothing by halves.

Files are recorded below a folder that has the snapshot and the restored database; the database itself is elsewhere.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vecdb
from tests.disk_record import Record, lay_out, read_record
from tests.test_power_loss import recording
from vecdb.database import restore

IMAGES = int(os.environ.get("VECDB_TEST_IMAGES", "25"))
SNAPSHOTS = 3
PROGRAM = """
import os, sys
import numpy as np
import vecdb
from vecdb.database import restore
folder, out = sys.argv[1:]
with vecdb.connect(folder) as db:
    docs = db.create_collection("docs", dimension=4)
    db.create_collection("empty", dimension=4)
    numbers = np.random.default_rng(1)
    for turn in range(3):
        docs.upsert(range(100 * turn, 100 * turn + 100), numbers.standard_normal((100, 4)), [{"turn": turn}] * 100)
        assert db.snapshot(out + "/file").sequence == turn + 3
        os.write(1, b"snapshot\\n")
restore(out + "/file", out + "/db")
os.write(1, b"restored\\n")
"""


@pytest.mark.slow
def test_what_was_done_is_on_the_disk(tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "db"), str(out)]
    done = subprocess.run(command, env=recording(out, tmp_path), check=True, capture_output=True, timeout=120)
    records = read_record(tmp_path / "record")
    assert done.stdout.split() == acknowledged(records) == [b"snapshot"] * SNAPSHOTS + [b"restored"]
    places = [place + 1 for place, record in enumerate(records) if record.kind == "A"]
    ends = [*places * 5, *(choose.randrange(len(records) + 1) for _ in range(IMAGES))]
    for end in ends:
        image = tmp_path / "image"
        shutil.rmtree(image, ignore_errors=True)
        lay_out(records[:end], out, out.stat().st_ino, image, choose)
        try:
            check(image, acknowledged(records[:end]), tmp_path / "restored")
        except BaseException:
            print(f"VECDB_TEST_SEED={seed}, power lost after record {end} of {len(records)}, see {image}")
            raise


def acknowledged(records: list[Record]) -> list[bytes]:
    return [line for record in records if record.kind == "A" for line in record.data.split()]


def check(image: Path, said: list[bytes], scratch: Path) -> None:
    snapshots = said.count(b"snapshot")
    assert (image / "file").exists() or snapshots == 0
    if (image / "file").exists():
        shutil.rmtree(scratch, ignore_errors=True)
        restore(image / "file", scratch)
        check_rows(scratch, max(snapshots, 1))
    assert (image / "db").exists() or b"restored" not in said
    if (image / "db").exists():
        check_rows(image / "db", SNAPSHOTS)


def check_rows(path: Path, turns: int) -> None:
    """At least the rows of this many turns, and all of each."""
    with vecdb.connect(path, read_only=True) as db:
        assert db["empty"].count() == 0
    with vecdb.connect(path) as db:
        docs = db["docs"]
        assert docs.verify().ok
        count = docs.count()
        assert count in [100 * turn for turn in range(turns, SNAPSHOTS + 1)]
        assert {record.id: record.payload for record in docs.scan()} == {n: {"turn": n // 100} for n in range(count)}
        assert db.stats().sequence == count // 100 + 2
