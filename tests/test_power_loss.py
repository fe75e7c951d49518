"""Loss of power at any moment of a load: what was acknowledged was synced, and what was not is whole or absent.

With durability="async" the last calls may be lost, but only the last, and each as a whole.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from tests.crash_expectation import Expectation, check
from tests.crash_writer import WRITERS, calls
from tests.disk_record import Record, lay_out, read_record

IMAGES = int(os.environ.get("VECDB_TEST_IMAGES", "25"))
LOAD_SECONDS = 2.0
ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["sync", "async"])
def test_power_loss(durability: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("VECDB_TEST_SEED", random.SystemRandom().randrange(2**31)))
    choose = random.Random(seed)
    path = tmp_path / "db"
    path.mkdir()
    records = recorded_load(path, tmp_path, seed, durability)
    ready = next(place for place, record in enumerate(records) if record.kind == "A" and record.data == b"ready\n")
    known = [list(islice(calls(seed, writer), count + 1)) for writer, count in enumerate(counts(records))]
    for image in range(IMAGES if durability == "sync" else IMAGES // 3):
        end = choose.randrange(ready + 1, len(records) + 1)
        target = tmp_path / "image"
        shutil.rmtree(target, ignore_errors=True)
        lay_out(records[:end], path, path.stat().st_ino, target, choose)
        expected = [Expectation() for _ in known]
        for expectation, own, count in zip(expected, known, counts(records[:end]), strict=True):
            if durability == "sync":
                expectation.advance(own[:count], own[count])
            else:
                expectation.advance_by_any(own[: count + 1])
        try:
            check(target, expected, choose)
        except BaseException:
            print(
                f"VECDB_TEST_SEED={seed}, image {image}: power lost after record {end} of {len(records)}, see {target}"
            )
            raise


def recording(path: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a process that writes down in `tmp_path`/record what it does to files below `path`."""
    library = tmp_path / "recorder.so"
    compiler = os.environ.get("CC", "cc")
    source = Path(__file__).with_name("disk_recorder.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return {
        **os.environ,
        "LD_PRELOAD": str(library),
        "DISK_RECORDER_ROOT": str(path),
        "DISK_RECORDER_LOG": str(tmp_path / "record"),
    }


def recorded_load(path: Path, tmp_path: Path, seed: int, durability: str) -> list[Record]:
    """Runs tests.crash_writer for a while on a disk that is recorded, and kills it."""
    environment = recording(path, tmp_path)
    command = [sys.executable, "-m", "tests.crash_writer", str(path), str(seed), durability]
    with open(tmp_path / "errors", "wb") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment)
        assert child.stdout is not None
        first = child.stdout.readline()
        assert first == b"ready\n", (tmp_path / "errors").read_text()
        deadline = time.monotonic() + LOAD_SECONDS
        while time.monotonic() < deadline:
            child.stdout.readline()
        child.kill()
        child.communicate()
    return read_record(tmp_path / "record")


def counts(records: list[Record]) -> list[int]:
    """How many calls each writer had acknowledged."""
    found = [0] * WRITERS
    for record in records:
        if record.kind == "A" and record.data != b"ready\n":
            writer, count = map(int, record.data.split())
            found[writer] = count
    return found
