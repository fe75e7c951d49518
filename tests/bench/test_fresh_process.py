"""Processes of their own: their values, their errors, their ends."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.fresh_process import in_fresh_process, resident_bytes, until_killed


def test_a_value_comes_back_from_another_process() -> None:
    assert in_fresh_process(os.getpid) != os.getpid()
    assert in_fresh_process(divmod, 17, 5) == (3, 2)


def test_an_error_comes_back_too() -> None:
    with pytest.raises(FileNotFoundError):
        in_fresh_process(os.stat, "/no/such/file")


def test_the_work_is_done_before_the_kill(tmp_path: Path) -> None:
    until_killed(Path.write_text, tmp_path / "said", "so")
    assert (tmp_path / "said").read_text() == "so"


def test_an_end_by_itself_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="status 3"):
        until_killed(os._exit, 3)


def test_memory_in_use_is_seen() -> None:
    before = resident_bytes()
    block = np.ones(8 << 20)
    assert resident_bytes() - before > 50 << 20
    assert len(block)


def test_a_process_starts_in_bounded_time() -> None:
    started = time.perf_counter()
    in_fresh_process(os.getpid)
    assert time.perf_counter() - started < 30
