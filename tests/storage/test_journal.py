"""The journal at work: order, group commit, files, a full disk, a failing sync."""

import errno
import os
import random
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from vecdb.errors import Closed, Corrupted, LimitExceeded, StorageFailed, StorageFull
from vecdb.storage import journal as journal_module
from vecdb.storage.journal import Journal, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def bodies(folder: Path, after: int = 0) -> list[tuple[int, int, bytes]]:
    return [(frame.sequence, frame.kind, bytes(frame.body)) for frame in read(folder, after)]


def test_frames_come_back_in_order_with_their_parts_joined(folder: Path) -> None:
    journal = Journal(folder, sync=True, create=True)
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert journal.append(1, [b"head", vectors, memoryview(b"")]) == 1
    assert journal.append(65_000, []) == 2
    journal.wait_durable(2)
    assert (journal.last_sequence, journal.durable_sequence) == (2, 2)
    expected = [(1, 1, b"head" + vectors.tobytes()), (2, 65_000, b"")]
    assert bodies(folder) == expected
    journal.close()
    journal.close()
    assert bodies(folder) == expected
    assert bodies(folder, after=1) == expected[1:]
    assert bodies(folder, after=2) == []


def test_bodies_are_aligned_views(folder: Path) -> None:
    journal = Journal(folder, sync=False, create=True)
    for size in range(20):
        journal.append(1, [bytes(size), np.arange(size, dtype=np.uint8)])
    journal.close()
    starts = [np.frombuffer(frame.body, np.uint8).ctypes.data for frame in read(folder, 1)]
    assert {start % 8 for start in starts} == {starts[0] % 8}


def test_random_appends_rotations_drops_and_reopenings_against_a_list(folder: Path) -> None:
    generator = random.Random(seed := 31)
    journal = Journal(folder, sync=True, create=True, file_bytes=3000)
    model: list[tuple[int, int, bytes]] = []
    dropped = 0
    for step in range(300):
        match generator.randrange(12):
            case 0:
                journal.rotate()
            case 1 if model:
                dropped = generator.randint(dropped, len(model))
                journal.drop_before(dropped)
            case 2:
                journal.close()
                journal = Journal(folder, sync=True, file_bytes=3000, at_least=generator.randint(0, len(model)))
                assert journal.last_sequence == journal.durable_sequence == len(model)
            case _:
                body = generator.randbytes(generator.choice([0, 10, 500, 5000]))
                model.append((journal.append(step, [body]), step, body))
                if generator.random() < 0.5:
                    journal.wait_durable(len(model))
        after = generator.randint(dropped, len(model))
        assert bodies(folder, after) == model[after:], f"seed {seed}, step {step}"
    journal.close()
    assert [sequence for sequence, _, _ in model] == list(range(1, len(model) + 1))


def test_files_are_dropped_only_when_all_their_frames_are_old(folder: Path) -> None:
    journal = Journal(folder, sync=False, create=True)
    for _ in range(3):
        for _ in range(10):
            journal.append(1, [b"x"])
        journal.rotate()
    journal.rotate()
    names = [f"{first:020d}.log" for first in (1, 11, 21, 31)]
    for before, left in ((10, 4), (11, 3), (30, 2), (31, 1), (1000, 1)):
        journal.drop_before(before)
        assert sorted(os.listdir(folder)) == names[-left:], f"before {before}"
    assert journal.append(1, [b"y"]) == 31
    journal.close()
    assert bodies(folder, after=30) == [(31, 1, b"y")]
    with pytest.raises(Corrupted):
        bodies(folder, after=29)


def test_bytes_since_is_what_a_replay_reads_and_a_little_more(folder: Path) -> None:
    generator = random.Random(seed := 37)
    journal = Journal(folder, sync=False, create=True, file_bytes=1 << 20)
    sizes = [generator.randrange(30_000) for _ in range(300)]
    for size in sizes:
        journal.append(1, [bytes(size)])
    for reopened in (False, True):
        # After reopening, positions within earlier files are no longer known.
        slack = (1 << 20) + 100_000 if reopened else (256 << 10) + 30_100
        for after in range(0, 300, 7):
            exact = sum(40 + (size + 7) // 8 * 8 for size in sizes[after:])
            assert exact <= journal.bytes_since(after) + (500 if reopened else 0), f"seed {seed}"
            assert journal.bytes_since(after) <= exact + slack, f"seed {seed}, after {after}"
        assert journal.bytes_since(300) == 0
        journal.close()
        journal = Journal(folder, sync=False, file_bytes=1 << 20)
    journal.drop_before(150)
    assert journal.bytes_since(299) > 0
    journal.close()


def test_a_journal_is_made_only_when_told_to(folder: Path) -> None:
    with pytest.raises(Corrupted):
        Journal(folder, sync=True)
    folder.mkdir()
    with pytest.raises(Corrupted):
        Journal(folder, sync=True)
    with pytest.raises(Corrupted):
        bodies(folder)
    journal = Journal(folder, sync=True, create=True, at_least=41)
    assert journal.append(1, [b"x"]) == 42
    journal.close()
    assert bodies(folder, after=41) == [(42, 1, b"x")]


def test_a_journal_that_ends_before_the_checkpoint_is_corrupted(folder: Path) -> None:
    journal = Journal(folder, sync=True, create=True)
    journal.append(1, [b"x"])
    journal.close()
    Journal(folder, sync=True, at_least=1).close()
    with pytest.raises(Corrupted, match="checkpointed"):
        Journal(folder, sync=True, at_least=2)
    with pytest.raises(Corrupted):
        bodies(folder, after=2)


def test_a_record_beyond_the_limit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "JOURNAL_RECORD_BYTES", 100)
    journal = Journal(folder, sync=True, create=True)
    with pytest.raises(LimitExceeded):
        journal.append(1, [bytes(60), bytes(41)])
    assert journal.append(1, [bytes(60), bytes(40)]) == 1
    journal.close()


def test_after_close_every_call_is_closed(folder: Path) -> None:
    journal = Journal(folder, sync=True, create=True)
    journal.close()
    for call in (partial(journal.append, 1, []), journal.rotate, partial(journal.drop_before, 1)):
        with pytest.raises(Closed):
            call()


def test_concurrent_writers_share_syncs_and_each_waits_for_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(folder, sync=True, create=True, file_bytes=100_000)
    syncs: list[int] = []
    real = os.fdatasync

    def slow_sync(descriptor: int) -> None:
        syncs.append(journal.last_sequence)
        threading.Event().wait(0.002)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow_sync)
    acknowledged: list[tuple[int, int, bytes]] = []

    def write(thread: int) -> None:
        for number in range(50):
            sequence = journal.append(thread, [b"%d" % number, bytes(500)])
            journal.wait_durable(sequence)
            assert journal.durable_sequence >= sequence
            acknowledged.append((sequence, thread, b"%d" % number + bytes(500)))

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    journal.close()
    assert bodies(folder) == sorted(acknowledged)
    assert len(acknowledged) == 400
    assert len(syncs) < 250


def test_without_sync_nobody_waits_until_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(folder, sync=False, create=True)
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    journal.wait_durable(journal.append(1, [b"x"]))
    assert (syncs, journal.durable_sequence) == ([], 0)
    journal.sync()
    assert (len(syncs), journal.durable_sequence) == (1, 1)
    journal.close()


def test_a_failed_sync_fails_the_journal_for_good(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(folder, sync=True, create=True)
    journal.wait_durable(journal.append(1, [b"safe"]))
    calls: list[int] = []
    inside, go_on = threading.Event(), threading.Event()

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        inside.set()
        go_on.wait(5)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    errors: list[StorageFailed] = []

    def write() -> None:
        try:
            journal.wait_durable(journal.append(1, [b"lost"]))
        except StorageFailed as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    inside.wait(5)
    while journal.last_sequence < 5:
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(errors) == 4
    assert len(calls) == 1
    monkeypatch.undo()
    assert journal.durable_sequence == 1
    journal.wait_durable(1)
    for call in (partial(journal.append, 1, [b"x"]), partial(journal.wait_durable, 2), journal.rotate, journal.sync):
        with pytest.raises(StorageFailed, match="Input/output"):
            call()
    journal.close()
    assert bodies(folder)[0] == (1, 1, b"safe")


def test_a_failed_write_leaves_nothing_and_a_failed_removal_fails_the_journal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(folder, sync=True, create=True)
    journal.append(1, [b"one"])
    real = os.pwritev

    def refuse(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def torn(descriptor: int, buffers: list[memoryview], offset: int) -> None:
        real(descriptor, [bytes(buffers[0])[:20]], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwritev", torn)
    with pytest.raises(StorageFull):
        journal.append(1, [b"two"])
    monkeypatch.undo()
    assert bodies(folder) == [(1, 1, b"one")]
    assert journal.append(1, [b"two"]) == 2
    monkeypatch.setattr(os, "pwritev", torn)
    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(StorageFailed):
        journal.append(1, [b"three"])
    monkeypatch.undo()
    with pytest.raises(StorageFailed):
        journal.append(1, [b"three"])
    journal.close()
    assert bodies(folder) == [(1, 1, b"one"), (2, 1, b"two")]


def test_no_space_for_a_new_file_leaves_the_old_one_in_use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(folder, sync=True, create=True, file_bytes=1000)
    journal.append(1, [bytes(2000)])
    real = os.rename

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(StorageFull):
        journal.append(1, [b"x"])
    monkeypatch.setattr(os, "rename", real)
    assert os.listdir(folder) == ["00000000000000000001.log"]
    assert journal.append(1, [b"x"]) == 2
    journal.close()
    assert [sequence for sequence, _, _ in bodies(folder)] == [1, 2]


FULL_DISK = """
import resource, signal, sys
from vecdb.errors import StorageFull
from vecdb.storage.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(sys.argv[1], sync=True, create=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
body, refused = bytes(int(sys.argv[2])), 0
while refused < 5:
    try:
        journal.wait_durable(journal.append(1, [body]))
    except StorageFull:
        refused += 1
assert 60_000 - 40 - 8 - len(body) <= 32 + journal.last_sequence * (40 + (len(body) + 7) // 8 * 8) <= 60_000
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.wait_durable(journal.append(2, [b"after"]))
print(journal.last_sequence)
if sys.argv[3] == "close":
    journal.close()
"""


@pytest.mark.parametrize("size", [200, 3000, 25_000])
@pytest.mark.parametrize("end", ["close", "leave"])
def test_a_full_disk_refuses_and_writing_goes_on_when_there_is_space(folder: Path, size: int, end: str) -> None:
    program = [sys.executable, "-c", FULL_DISK, str(folder), str(size), end]
    done = subprocess.run(program, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    last = int(done.stdout)
    assert bodies(folder) == [*((sequence, 1, bytes(size)) for sequence in range(1, last)), (last, 2, b"after")]


def test_a_reader_beside_the_writer_sees_a_growing_prefix(folder: Path) -> None:
    journal = Journal(folder, sync=False, create=True, file_bytes=20_000)
    done = threading.Event()

    def write() -> None:
        for number in range(3000):
            journal.append(1, [b"%d" % number, bytes(number % 50)])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = 0
    while not done.is_set():
        frames = list(read(folder, seen))
        assert [frame.sequence for frame in frames] == list(range(seen + 1, seen + len(frames) + 1))
        seen += len(frames)
    thread.join()
    seen += len(list(read(folder, seen)))
    assert seen == 3000
    journal.close()
