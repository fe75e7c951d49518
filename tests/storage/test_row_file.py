"""One contract for rows on disk and in memory, against a numpy array; then what only files can get wrong."""

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vecdb.errors import Corrupted, StorageFailed, StorageFull, VersionMismatch
from vecdb.storage.memory_rows import MemoryRows
from vecdb.storage.row_file import HEADER_BYTES, RowFile
from vecdb.storage.rows import RowNumbers, Rows, chunk_shift_of, whole_pages

MakeRows = Callable[[int], Rows]
MakeDiscarding = Callable[[int], RowFile | MemoryRows]

# Large rows make small chunks: 4 rows each, and 16.
BIG_ROW_BYTES = 4 << 20


@pytest.fixture(params=["file", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeDiscarding]:
    made: list[RowFile | MemoryRows] = []

    def make(row_bytes: int) -> RowFile | MemoryRows:
        made.append(RowFile(tmp_path, "v", row_bytes) if request.param == "file" else MemoryRows(row_bytes))
        return made[-1]

    yield make
    for rows in made:
        rows.close()


def numbers(*rows: int) -> RowNumbers:
    return np.array(rows, np.uint32)


@pytest.mark.parametrize("row_bytes", [1, 3, 24, 512, 1536, 4100, 262_144, 16 << 20, 20 << 20])
def test_chunks_are_about_16_mebibytes_and_a_power_of_two_of_rows(make: MakeRows, row_bytes: int) -> None:
    rows = make(row_bytes)
    assert rows.rows_per_chunk == 1 << rows.chunk_shift == 1 << chunk_shift_of(row_bytes)
    assert rows.rows_per_chunk == 1 or 8 << 20 < rows.rows_per_chunk * row_bytes <= 16 << 20
    assert rows.chunk_buffers() == []


@pytest.mark.parametrize("row_bytes", [7, 1536, 4096, 5000, BIG_ROW_BYTES])
def test_discarded_rows_are_as_before_or_zero_and_no_other_row_changes(make: MakeDiscarding, row_bytes: int) -> None:
    generator = np.random.default_rng(seed := 47)
    rows = make(row_bytes)
    count = min(2 * rows.rows_per_chunk + 3, 9000)
    rows.ensure(count)
    model = generator.integers(1, 256, (count, row_bytes), np.uint8)
    everything = np.arange(count, dtype=np.uint32)
    rows.write(everything, model)
    for share in (0.1, 0.9, 1.0):
        gone = everything[generator.random(count) < share]
        rows.discard(gone)
        read = rows.read(everything)
        kept = np.setdiff1d(everything, gone)
        assert (read[kept] == model[kept]).all(), f"seed {seed}, share {share}"
        assert ((read[gone] == model[gone]) | (read[gone] == 0)).all(), f"seed {seed}, share {share}"
        rows.write(gone, model[gone])
        assert (rows.read(everything) == model).all(), f"seed {seed}, share {share}"
    rows.discard(numbers())


@pytest.mark.parametrize("header_bytes", [0, 4096])
@pytest.mark.parametrize("row_bytes", [100, 1536, 4096, 10_000])
def test_whole_pages_are_those_that_hold_no_other_row(row_bytes: int, header_bytes: int) -> None:
    shift, generator = 8, np.random.default_rng(seed := 48)
    for share in (0.3, 0.97):
        rows = np.flatnonzero(generator.random(700) < share).astype(np.uint32)
        bytes_of = {chunk: np.zeros(header_bytes + (row_bytes << shift) + 4096, bool) for chunk in range(3)}
        for row in rows.tolist():
            first = header_bytes + (row & 255) * row_bytes
            bytes_of[row >> 8][first : first + row_bytes] = True
        expected = {
            (chunk, page)
            for chunk, taken in bytes_of.items()
            for page in range(0, len(taken) - 4095, 4096)
            if taken[page : page + 4096].all()
        }
        found = whole_pages(rows, shift, row_bytes, header_bytes)
        pages = {(chunk, page) for chunk, first, end in found for page in range(first, end, 4096)}
        assert pages == expected, f"seed {seed}"


def test_discarded_blocks_leave_the_disk(tmp_path: Path) -> None:
    rows = RowFile(tmp_path, "v", 1536)
    everything = np.arange(8000, dtype=np.uint32)
    rows.ensure(8000)
    rows.write(everything, np.full((8000, 1536), 5, np.uint8))
    rows.sync()
    before = rows.bytes_on_disk()
    rows.discard(everything[1000:])
    assert rows.bytes_on_disk() < 0.2 * before
    rows.close()
    again = RowFile(tmp_path, "v", 1536, at_least=8000)
    assert (again.read(everything[:1000]) == 5).all()
    again.close()


@pytest.mark.parametrize("row_bytes", [7, 1536, 1 << 19, BIG_ROW_BYTES])
def test_random_writes_and_reads_against_an_array(make: MakeRows, row_bytes: int) -> None:
    generator = np.random.default_rng(seed := 43)
    rows = make(row_bytes)
    count = min(3 * rows.rows_per_chunk - 1, 3000) if row_bytes > 7 else 5000
    if row_bytes == 7:
        assert rows.rows_per_chunk > count
    model = np.zeros((count, row_bytes), np.uint8)
    ensured = 0
    for step in range(15 if row_bytes < 1 << 19 else 6):
        ensured = max(ensured, int(generator.integers(1, count + 1)))
        rows.ensure(ensured)
        size = int(generator.integers(1, 12))
        where = generator.integers(0, ensured, size).astype(np.uint32)
        if step % 3 == 0:
            start = int(generator.integers(0, ensured))
            where = np.arange(start, min(start + size, ensured), dtype=np.uint32)
        data = generator.integers(0, 256, (len(where), row_bytes), np.uint8)
        rows.write(where, data)
        for row, values in zip(where, data, strict=True):
            model[row] = values
        asked = np.concatenate([where, generator.integers(0, ensured, size).astype(np.uint32)])
        read = rows.read(asked)
        assert read.dtype == np.uint8
        assert (read == model[asked]).all(), f"seed {seed}, step {step}"
    buffers = rows.chunk_buffers()
    assert all(buffer.shape == (rows.rows_per_chunk, row_bytes) for buffer in buffers)
    for row in where:
        assert (buffers[row >> rows.chunk_shift][row & (rows.rows_per_chunk - 1)] == model[row]).all()
    rows.sync()


@pytest.mark.parametrize("count", [3, 100, 2000])
def test_reads_across_chunks_of_any_number_of_rows(make: MakeRows, count: int) -> None:
    rows = make(1 << 17)
    rows.ensure(300)
    every = np.arange(300, dtype=np.uint32)
    for row in range(300):
        rows.write(every[row : row + 1], np.full((1, 1 << 15), row, np.uint32))
    asked = np.random.default_rng(47).integers(0, 300, min(count, 500)).astype(np.uint32)
    assert (rows.read(asked).view(np.uint32)[:, ::5000] == asked[:, None]).all()


def test_any_array_whose_rows_have_the_size_can_be_written(make: MakeRows) -> None:
    rows = make(12)
    rows.ensure(10)
    data = np.arange(12, dtype=np.float32).reshape(4, 3)
    rows.write(numbers(1, 2, 3, 9), data)
    assert (rows.read(numbers(9, 1)).view(np.float32) == data[[3, 0]]).all()
    rows.write(numbers(5, 4), data[:, ::-1][:2])
    assert (rows.read(numbers(5, 4)).view(np.float32) == data[:2, ::-1]).all()
    rows.write(numbers(), data[:0])
    assert rows.read(numbers()).shape == (0, 12)
    assert not rows.read(numbers(0, 8)).any()


def test_buffers_are_read_only_stay_in_place_and_show_later_writes(make: MakeRows) -> None:
    rows = make(BIG_ROW_BYTES)
    rows.ensure(1)
    (before,) = rows.chunk_buffers()
    rows.ensure(9)
    rows.write(numbers(3, 8), np.full((2, BIG_ROW_BYTES), 5, np.uint8))
    after = rows.chunk_buffers()
    assert len(after) == 3
    assert after[0].ctypes.data == before.ctypes.data
    assert before[3].all()
    with pytest.raises(ValueError, match="read-only"):
        before[0, 0] = 1
    rows.close()
    assert before[3].all()


def test_rows_survive_and_a_read_only_opener_sees_them(tmp_path: Path) -> None:
    rows = RowFile(tmp_path, "v", BIG_ROW_BYTES)
    rows.ensure(6)
    rows.write(numbers(0, 5), np.full((2, BIG_ROW_BYTES), 9, np.uint8))
    rows.sync()
    assert 8 << 20 <= rows.bytes_on_disk() < 10 << 20
    beside = RowFile(tmp_path, "v", BIG_ROW_BYTES, at_least=6, read_only=True)
    assert beside.read(numbers(0, 1, 5))[:, 0].tolist() == [9, 0, 9]
    rows.write(numbers(1), np.full((1, BIG_ROW_BYTES), 8, np.uint8))
    assert beside.read(numbers(1))[0, 0] == 8
    beside.close()
    rows.close()
    rows.close()
    rows = RowFile(tmp_path, "v", BIG_ROW_BYTES, at_least=8)
    assert rows.read(numbers(5, 1))[:, 0].tolist() == [9, 8]
    rows.close()


def test_stems_that_begin_alike_do_not_mix(tmp_path: Path) -> None:
    for stem in ("a", "a-1", "a-1-0"):
        rows = RowFile(tmp_path, stem, 16 << 20)
        assert rows.chunk_buffers() == []
        rows.ensure(2)
        rows.close()
    for stem in ("a", "a-1", "a-1-0"):
        rows = RowFile(tmp_path, stem, 16 << 20)
        assert len(rows.chunk_buffers()) == 2
        rows.close()


def test_mappings_take_no_descriptors_and_end_with_their_last_view(tmp_path: Path) -> None:
    def mappings() -> int:
        return Path("/proc/self/maps").read_text().count(str(tmp_path))

    descriptors = len(os.listdir("/proc/self/fd"))
    rows = RowFile(tmp_path, "v", 16 << 20)
    rows.ensure(100)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert mappings() == 100
    for row in range(100):
        if row % 10 == 0:
            rows.write(numbers(row), np.full((1, 16 << 20), row + 1, np.uint8))
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 32
    view = rows.chunk_buffers()[10][0, :5]
    rows.close()
    del rows
    gc.collect()
    assert mappings() == 1
    assert view.tolist() == [11] * 5
    del view
    gc.collect()
    assert mappings() == 0


def test_more_dirty_chunks_than_descriptors_are_all_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vecdb.storage.row_file._DESCRIPTORS_MAXIMUM", 3)
    synced: list[str] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    rows = RowFile(tmp_path, "v", 9 << 20)
    rows.ensure(8)
    for row in (0, 1, 2, 0, 3, 4, 5, 1):
        rows.write(numbers(row), np.ones((1, 9 << 20), np.uint8))
    rows.sync()
    assert set(synced) == {f"v-{chunk}.rows" for chunk in range(6)}
    # Chunk 1 was synced to make room, and again because it was written again; nothing is left to sync.
    assert synced.count("v-1.rows") == 2
    rows.sync()
    assert len(synced) == 7
    rows.close()


@pytest.fixture
def chunk(tmp_path: Path) -> Path:
    rows = RowFile(tmp_path, "v", 16 << 20)
    rows.ensure(3)
    rows.sync()
    rows.close()
    return tmp_path / "v-1.rows"


def test_a_flip_of_any_byte_of_a_header_is_found(chunk: Path) -> None:
    with chunk.open("r+b") as file:
        good = file.read(HEADER_BYTES)
        for offset in [*range(64), *range(64, HEADER_BYTES, 61)]:
            damaged = bytearray(good)
            damaged[offset] ^= 1 << (offset % 8)
            file.seek(0)
            file.write(damaged)
            file.flush()
            with pytest.raises(Corrupted) as raised:
                RowFile(chunk.parent, "v", 16 << 20)
            assert raised.value.path == str(chunk), f"offset {offset}"


@pytest.mark.parametrize("length", [0, 100, HEADER_BYTES, HEADER_BYTES + (16 << 20) - 1, HEADER_BYTES + (16 << 20) + 1])
def test_every_other_length_is_found(chunk: Path, length: int) -> None:
    os.truncate(chunk, length)
    with pytest.raises(Corrupted):
        RowFile(chunk.parent, "v", 16 << 20)


def test_another_row_size_and_another_chunk_are_found(chunk: Path) -> None:
    with pytest.raises(Corrupted, match="were expected"):
        RowFile(chunk.parent, "v", 8 << 20)
    os.replace(chunk.with_name("v-2.rows"), chunk)
    with pytest.raises(Corrupted, match="were expected"):
        RowFile(chunk.parent, "v", 16 << 20)


def test_a_newer_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vecdb.storage.row_file.VERSION", 2)
    rows = RowFile(tmp_path, "v", 16 << 20)
    rows.ensure(1)
    rows.close()
    monkeypatch.undo()
    with pytest.raises(VersionMismatch):
        RowFile(tmp_path, "v", 16 << 20)


def test_a_missing_chunk_is_corruption_below_the_checkpoint_and_dropped_beyond(chunk: Path) -> None:
    chunk.unlink()
    (chunk.parent / "v-7.rows.new").write_bytes(b"half")
    for at_least in (2, 3, 4):
        with pytest.raises(Corrupted) as raised:
            RowFile(chunk.parent, "v", 16 << 20, at_least=at_least)
        assert raised.value.path == str(chunk)
    reader = RowFile(chunk.parent, "v", 16 << 20, at_least=1, read_only=True)
    assert len(reader.chunk_buffers()) == 1
    reader.close()
    assert chunk.with_name("v-2.rows").exists()
    writer = RowFile(chunk.parent, "v", 16 << 20, at_least=1)
    assert sorted(os.listdir(chunk.parent)) == ["v-0.rows"]
    writer.close()


def test_a_failed_sync_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    rows = RowFile(tmp_path, "v", 1000)
    rows.ensure(1)
    rows.write(numbers(0), np.ones((1, 1000), np.uint8))
    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(StorageFailed):
        rows.sync()
    monkeypatch.undo()
    with pytest.raises(StorageFailed, match="Input/output"):
        rows.sync()
    rows.close()


def test_a_chunk_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    rows = RowFile(tmp_path, "v", 16 << 20)
    rows.ensure(1)
    monkeypatch.setattr(os, "ftruncate", full)
    with pytest.raises(StorageFull):
        rows.ensure(2)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["v-0.rows"]
    rows.ensure(2)
    rows.close()


FULL_DISK = """
import resource, signal, sys
import numpy as np
from vecdb.errors import StorageFull
from vecdb.storage.row_file import RowFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rows = RowFile(sys.argv[1], "v", 1 << 20)
rows.ensure(16)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096 + (5 << 20), resource.RLIM_INFINITY))
data = np.arange(8, dtype=np.uint8).repeat(1 << 20).reshape(8, -1) + 1
try:
    rows.write(np.arange(8, dtype=np.uint32), data)
except StorageFull:
    pass
else:
    raise SystemExit("not refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
rows.write(np.arange(8, dtype=np.uint32), data)
assert (rows.read(np.arange(8, dtype=np.uint32)) == data).all()
"""


def test_a_full_disk_is_an_error_and_no_signal(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
