"""Writing beside a sync: what came too late for one sync is left for the next, never forgotten."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from vecdb.storage.row_file import RowFile

ROW_BYTES = 16


def rows(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.array(numbers, np.uint32)


def data(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.full((count, ROW_BYTES), 7, np.uint8)


def test_a_write_during_a_sync_is_synced_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RowFile(tmp_path, "v", ROW_BYTES)
    file.ensure(10)
    file.write(rows(0), data(1))
    file.sync()
    synced = []
    sync = os.fdatasync

    def write_during(descriptor: int) -> None:
        sync(descriptor)
        synced.append(descriptor)
        if len(synced) == 1:
            file.write(rows(1), data(1))

    monkeypatch.setattr(os, "fdatasync", write_during)
    file.write(rows(0), data(1))
    file.sync()
    file.sync()
    assert len(synced) == 2, "row 1 was written after the first sync and would be gone after a loss of power"
    file.sync()
    assert len(synced) == 2
    file.close()


def test_writing_closing_and_syncing_at_once_never_touches_a_closed_descriptor(tmp_path: Path) -> None:
    errors: list[BaseException] = []
    for _ in range(20):
        file = RowFile(tmp_path, "v", ROW_BYTES)
        file.ensure(100)
        stop = threading.Event()

        def sync(file: RowFile = file, stop: threading.Event = stop) -> None:
            try:
                while not stop.is_set():
                    file.sync()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=sync)
        thread.start()
        for row in range(100):
            file.write(rows(row), data(1))
        file.close()
        stop.set()
        thread.join(20)
        assert (file.read(rows(*range(100))) == 7).all()
    assert errors == []
