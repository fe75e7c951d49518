"""Damaged and torn journals: the whole truth or an error that names the file, and never a silent gap."""

import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.storage.journal import Journal, read
from vecdb.storage.journal_frame import FILE_HEADER_BYTES, FRAME_HEADER_BYTES

FRAMES = 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture(autouse=True)
def no_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    # The damage is done to files, not to disks; thousands of real syncs would only take time.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)


def body_of(sequence: int) -> bytes:
    return random.Random(sequence).randbytes(3 + sequence * 5)


def write_journal(
    folder: Path, *, synced: bool = True, closed: bool = False, rotate_after: Collection[int] = ()
) -> list[Path]:
    """FRAMES frames; left as a killed process leaves them unless `closed`."""
    journal = Journal(folder, sync=True, create=True)
    for sequence in range(1, FRAMES + 1):
        journal.append(1, [body_of(sequence)])
        if synced:
            journal.wait_durable(sequence)
        if sequence in rotate_after:
            journal.rotate()
    if closed:
        journal.close()
    else:
        image = folder.with_name("image")
        shutil.copytree(folder, image)
        journal.close()
        shutil.rmtree(folder)
        image.rename(folder)
    return sorted(folder.iterdir())


def ends(first: int, last: int) -> list[int]:
    """Offsets behind each frame of a file that begins with frame `first`."""
    sizes = [FRAME_HEADER_BYTES + (len(body_of(sequence)) + 7) // 8 * 8 for sequence in range(first, last + 1)]
    return list(itertools.accumulate(sizes, initial=FILE_HEADER_BYTES))


def sequences(folder: Path, after: int = 0) -> list[int]:
    found = []
    for frame in read(folder, after):
        assert bytes(frame.body) == body_of(frame.sequence)
        found.append(frame.sequence)
    return found


def outcome(folder: Path) -> int | str:
    """How many frames a reader finds, or the error; a writer must agree and be able to go on."""
    try:
        found = len(sequences(folder))
    except Corrupted:
        with pytest.raises(Corrupted, match=str(folder)):
            Journal(folder, sync=True)
        return "corrupted"
    journal = Journal(folder, sync=True)
    assert journal.last_sequence == found
    journal.append(1, [body_of(found + 1)])
    assert sequences(folder) == list(range(1, found + 2))
    journal.close()
    assert sequences(folder) == list(range(1, found + 2))
    return found


def flips(path: Path, offsets: Iterable[int]) -> Iterator[int]:
    """The folder with one bit flipped at each offset in turn."""
    good = path.read_bytes()
    for offset in offsets:
        damaged = bytearray(good)
        damaged[offset] ^= 1 << (offset % 8)
        path.write_bytes(damaged)
        yield offset
        for other in path.parent.iterdir():
            if other != path:
                other.unlink()
    path.write_bytes(good)


def frame_at(offset: int) -> int:
    """The frame an offset lies in, 0 for the file header, FRAMES + 1 behind the last."""
    return sum(offset >= end for end in ends(1, FRAMES))


@pytest.mark.parametrize("closed", [False, True])
def test_a_flip_in_what_was_acknowledged_is_corruption_unless_it_looks_like_the_torn_end(
    folder: Path, closed: bool
) -> None:
    (path,) = write_journal(folder, closed=closed)
    found: dict[int, set[int | str]] = {frame: set() for frame in range(FRAMES + 2)}
    last = ends(1, FRAMES)[-1]
    for offset in flips(path, range(last + (FRAME_HEADER_BYTES if closed else 8))):
        found[frame_at(offset)].add(outcome(folder))
    for frame in range(FRAMES):
        assert found[frame] == {"corrupted"}, f"frame {frame}"
    # Only closing writes down that the last frame was durable.
    assert found[FRAMES] == {"corrupted" if closed else FRAMES - 1}
    assert found[FRAMES + 1] == {FRAMES}


def test_frames_that_were_never_acknowledged_may_be_torn_in_any_order(folder: Path) -> None:
    (path,) = write_journal(folder, synced=False)
    for offset in flips(path, range(FILE_HEADER_BYTES, ends(1, FRAMES)[-1], 3)):
        assert outcome(folder) == frame_at(offset) - 1, f"offset {offset}"


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("synced", [False, True])
def test_a_cut_at_any_offset_leaves_the_frames_before_it(folder: Path, zeros: bool, synced: bool) -> None:
    (path,) = write_journal(folder, synced=synced)
    good = path.read_bytes()
    frame_ends = ends(1, FRAMES)
    for cut in range(frame_ends[-1] + 1):
        path.write_bytes(good[:cut] + (bytes(100) if zeros else b""))
        # Where zeros follow, a cut within the zeros of a header or of a padding is none.
        intact = [end for end in frame_ends if path.read_bytes()[:end] == good[:end]]
        expected: int | str = len(intact) - 1 if intact else "corrupted"
        assert outcome(folder) == expected, f"cut at {cut}"


def test_a_mark_that_was_damaged_before_more_was_written_hides_nothing(folder: Path, tmp_path: Path) -> None:
    write_journal(folder, closed=True)
    journal = Journal(folder, sync=True)
    journal.append(1, [body_of(FRAMES + 1)])
    shutil.copytree(folder, tmp_path / "killed")
    journal.close()
    (path,) = (tmp_path / "killed").iterdir()
    mark = ends(1, FRAMES)[-1]
    for _ in flips(path, range(mark, mark + FRAME_HEADER_BYTES)):
        assert outcome(path.parent) == "corrupted"
    assert outcome(path.parent) == FRAMES + 1


def test_what_lay_behind_a_torn_frame_does_not_come_back(folder: Path, tmp_path: Path) -> None:
    # Of equal size, and too large for zeros to be written behind them.
    bodies = [bytes([number]) * 40_000 for number in range(4)]
    journal = Journal(folder, sync=True, create=True)
    for body in bodies[:3]:
        journal.append(1, [body])
    shutil.copytree(folder, tmp_path / "torn")
    journal.close()
    (path,) = (tmp_path / "torn").iterdir()
    torn = bytearray(path.read_bytes())
    torn[50_000] ^= 1
    path.write_bytes(torn)
    journal = Journal(path.parent, sync=True)
    assert journal.append(1, [bodies[3]]) == 2
    assert [bytes(frame.body) for frame in read(path.parent, 0)] == [bodies[0], bodies[3]]
    journal.close()


def test_in_a_file_that_is_not_the_last_every_flip_in_a_frame_is_corruption(folder: Path) -> None:
    paths = write_journal(folder, synced=False, rotate_after=(2, 4))
    assert [path.name for path in paths] == [f"{first:020d}.log" for first in (1, 3, 5)]
    for path, (first, last) in zip(paths[:2], [(1, 2), (3, 4)], strict=True):
        good = path.read_bytes()
        for offset in range(len(good)):
            damaged = bytearray(good)
            damaged[offset] ^= 1
            path.write_bytes(damaged)
            if offset < ends(first, last)[-1]:
                with pytest.raises(Corrupted) as raised:
                    sequences(folder)
                assert raised.value.path == str(path)
            else:
                assert sequences(folder) == list(range(1, FRAMES + 1))
        path.write_bytes(good)


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize("closed", [False, True])
def test_a_missing_file_is_corruption_wherever_it_was(folder: Path, missing: int, closed: bool) -> None:
    paths = write_journal(folder, rotate_after=(2, 4), closed=closed)
    paths[missing].unlink()
    with pytest.raises(Corrupted):
        sequences(folder)
    if missing == 2:
        with pytest.raises(Corrupted, match="missing"):
            Journal(folder, sync=True)


def test_what_a_checkpoint_covers_may_be_missing(folder: Path) -> None:
    paths = write_journal(folder, rotate_after=(2, 4))
    paths[0].unlink()
    assert sequences(folder, after=2) == [3, 4, 5]
    paths[1].unlink()
    assert sequences(folder, after=4) == [5]
    with pytest.raises(Corrupted):
        sequences(folder, after=3)


def test_a_file_in_the_place_of_another_is_corruption(folder: Path) -> None:
    paths = write_journal(folder, rotate_after=(2, 4))
    shutil.copy(paths[0], paths[1])
    with pytest.raises(Corrupted) as raised:
        sequences(folder)
    assert raised.value.path == str(paths[1])


def test_frames_of_another_file_are_not_taken_for_ours(folder: Path, tmp_path: Path) -> None:
    # The same sequences and bodies, another salt: the remains of another journal never extend this one.
    (path,) = write_journal(folder)
    (other,) = write_journal(tmp_path / "other")
    end = ends(1, FRAMES)
    path.write_bytes(path.read_bytes()[: end[2]] + other.read_bytes()[end[2] :])
    assert outcome(folder) == 2


def test_a_body_that_contains_frames_is_not_mistaken_for_them(folder: Path, tmp_path: Path) -> None:
    (inner,) = write_journal(tmp_path / "inner")
    journal = Journal(folder, sync=True, create=True)
    journal.append(1, [body_of(1)])
    journal.append(1, [inner.read_bytes()])
    (path,) = folder.iterdir()
    torn = bytearray(path.read_bytes())
    journal.close()
    torn[ends(1, 1)[-1] + 8] ^= 1
    path.write_bytes(torn)
    assert outcome(folder) == 1


def test_a_gap_in_the_sequence_is_corruption(folder: Path) -> None:
    (path,) = write_journal(folder)
    data = path.read_bytes()
    end = ends(1, FRAMES)
    path.write_bytes(data[: end[1]] + data[end[2] :])
    with pytest.raises(Corrupted, match="sequence 3"):
        sequences(folder)


def test_a_newer_version_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vecdb.storage.journal_frame.VERSION", 2)
    write_journal(folder)
    monkeypatch.undo()
    with pytest.raises(VersionMismatch):
        sequences(folder)


def test_remains_of_an_unfinished_file_are_removed(folder: Path) -> None:
    write_journal(folder)
    leftover = folder / f"{FRAMES + 1:020d}.new"
    leftover.write_bytes(b"half a header")
    assert outcome(folder) == FRAMES
    assert not leftover.exists()


WRITER = """
import os, sys, threading
from vecdb.storage.journal import Journal
journal = Journal(sys.argv[1], sync=True, create=True, file_bytes=200_000)
lock = threading.Lock()
def write(thread):
    number = 0
    while True:
        body = b"%d:%d:" % (thread, number) + bytes((number * 37 + thread) % 3000)
        sequence = journal.append(thread, [body[:7], body[7:]])
        journal.wait_durable(sequence)
        os.write(1, b"%d %d %d\\n" % (sequence, thread, number))
        number += 1
for thread in range(8):
    threading.Thread(target=write, args=(thread,)).start()
"""


def test_every_acknowledged_frame_survives_a_kill(folder: Path) -> None:
    generator = random.Random(seed := 41)
    after = 0
    acknowledged_total = 0
    for kill in range(10):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(generator.uniform(0, 0.08))
        child.kill()
        lines = [first, *child.stdout.read().splitlines(keepends=True)]
        child.wait()
        child.stdout.close()
        frames = {frame.sequence: frame for frame in read(folder, after)}
        for line in lines:
            if not line.endswith(b"\n"):
                continue
            sequence, thread, number = map(int, line.split())
            frame = frames[sequence]
            expected = b"%d:%d:" % (thread, number) + bytes((number * 37 + thread) % 3000)
            assert (frame.kind, bytes(frame.body)) == (thread, expected), f"seed {seed}, kill {kill}"
            acknowledged_total += 1
        after = max(frames)
    assert acknowledged_total > 100
