"""Kills a writing process and counts what it had been promised."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import vecdb
from demo.dataset import Dataset
from demo.writer import COLLECTION

ROOT: Final = Path(__file__).parents[1]
ROWS_BEFORE_KILL: Final = 4_000
IDS_PER_GET: Final = 10_000


@dataclass(frozen=True, slots=True)
class CrashReport:
    """What a killed writer had acknowledged, and what the database holds after it was opened again."""

    acknowledged: int
    found: int
    wrong: int  # found with another payload than was written
    unacknowledged: int  # rows of the batch in flight: on disk, never promised
    others: int  # rows of the collection that was there before
    open_seconds: float

    @property
    def missing(self) -> int:
        """Acknowledged rows that are gone: anything but 0 is a broken promise."""
        return self.acknowledged - self.found


def crash_and_reopen(path: Path, data: Dataset) -> CrashReport:
    """Runs demo.writer on a closed database, SIGKILLs it amid a batch, and opens the database again."""
    acknowledged = kill_a_writer(path)
    started = time.perf_counter()
    with vecdb.connect(str(path)) as db:
        docs = db[COLLECTION]
        open_seconds = time.perf_counter() - started
        found = wrong = 0
        for first in range(0, acknowledged, IDS_PER_GET):
            for record in docs.get(list(range(first, min(first + IDS_PER_GET, acknowledged)))):
                assert isinstance(record.id, int), "the writer used row numbers as ids"
                found += 1
                wrong += record.payload != {"synset": data.rows[record.id % len(data.rows)]["id"]}
        return CrashReport(
            acknowledged=acknowledged,
            found=found,
            wrong=wrong,
            unacknowledged=docs.count() - found,
            others=db["synsets"].count(),
            open_seconds=open_seconds,
        )


def kill_a_writer(path: Path) -> int:
    """How many rows the writer had acknowledged when SIGKILL ended it."""
    command = [sys.executable, "-m", "demo.writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None, "stdout is a pipe"
        acknowledged = 0
        is_killed = False
        # What it said before it died is still in the pipe after the kill, and was promised too.
        for line in writer.stdout:
            acknowledged = int(line) if line.endswith("\n") else acknowledged
            if acknowledged >= ROWS_BEFORE_KILL and not is_killed:
                time.sleep(random.uniform(0, 0.01))  # so that each run kills at another point of a write
                writer.kill()
                is_killed = True
    if writer.returncode != -signal.SIGKILL:
        raise SystemExit(f"the writer ended by itself with status {writer.returncode}")
    return acknowledged
