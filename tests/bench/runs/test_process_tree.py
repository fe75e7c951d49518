"""What a process and its children use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.runs.process_tree import (
    cpu_seconds,
    descendants,
    give_back_memory,
    peak_bytes,
    reset_peak,
    resident_bytes,
)

HOLD = "import time; held = bytearray(64 << 20); held[::4096] = b'x' * (64 << 8); print(flush=True); time.sleep(60)"
BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


@pytest.fixture
def grandchild() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a process below it that holds 64 MiB."""
    command = ["sh", "-c", f'{sys.executable} -c "{HOLD}"; true']
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    os.killpg(process.pid, 9)
    process.wait()
    process.stdout.close()


def test_processes_below_are_counted(grandchild: subprocess.Popen[bytes]) -> None:
    below = descendants(os.getpid())
    assert grandchild.pid in below
    (inner,) = descendants(grandchild.pid)
    assert inner in below
    assert os.getpid() not in below
    own = int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024
    assert resident_bytes() > own + (60 << 20)
    assert peak_bytes() > 64 << 20


def test_cpu_time_is_that_of_children_too_and_does_not_go_back_when_they_end() -> None:
    before = cpu_seconds([])
    process = subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    live = cpu_seconds(descendants(os.getpid()))
    process.communicate(b"\n")
    ended = cpu_seconds(descendants(os.getpid()))
    assert live - before > 0.28
    assert ended >= live - 0.02


def test_sleep_costs_no_cpu_time() -> None:
    before = cpu_seconds(descendants(os.getpid()))
    time.sleep(0.05)
    assert cpu_seconds(descendants(os.getpid())) - before < 0.045


def test_memory_that_was_let_go_is_not_resident() -> None:
    give_back_memory()
    before = resident_bytes()
    reset_peak()
    held = np.ones(8 << 20)
    assert resident_bytes() - before > 60 << 20
    del held
    give_back_memory()
    assert abs(resident_bytes() - before) < 16 << 20
    assert peak_bytes() - before > 50 << 20
