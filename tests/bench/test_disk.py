"""What the disk is asked, against what a folder is known to hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vecdb.bench.disk import disk_bytes, file_system, sync, sync_seconds


def test_syncs_take_time_and_leave_nothing_behind(tmp_path: Path) -> None:
    seconds = sync_seconds(tmp_path, 4096, 5)
    assert len(seconds) == 5
    assert min(seconds) > 0
    assert list(tmp_path.iterdir()) == []


def test_holes_take_no_space(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "full").write_bytes(b"x" * 1_000_000)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(100_000_000)
    assert 1_000_000 <= disk_bytes(tmp_path) < 2_000_000


def test_the_file_system_is_that_of_the_nearest_mount() -> None:
    assert file_system(Path("/proc/self")) == "proc"


def test_a_file_is_synced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    path = tmp_path / "file"
    path.write_bytes(b"x")
    sync(path)
    assert synced == [path.stat().st_ino]
