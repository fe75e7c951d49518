"""Checked files: what was written or an error that names the file, for every byte that can be damaged."""

import errno
import os
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecdb.errors import Corrupted, Error, StorageFailed, StorageFull, VersionMismatch
from vecdb.storage.checked_file import SECTION_ALIGNMENT, CheckedFile, read_checked, write_checked

MAGIC = b"TESTFILE"
SECTIONS: list[Any] = [b"first section", b"", bytes(range(100)), np.arange(20, dtype=np.float32)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    write_checked(path, MAGIC, 3, SECTIONS)
    return path


def contents(path: Path, version: int = 3) -> list[bytes]:
    return [bytes(section) for section in read_checked(path, MAGIC, version)]


def test_sections_come_back_aligned(path: Path) -> None:
    assert contents(path) == [bytes(memoryview(section).cast("B")) for section in SECTIONS]
    for section in read_checked(path, MAGIC, 3):
        if len(section):
            assert np.frombuffer(section, np.uint8).ctypes.data % SECTION_ALIGNMENT == 0


def test_layout_is_the_documented_one(path: Path) -> None:
    data = path.read_bytes()
    magic, version, _, total, count, _ = struct.unpack_from("<8sIIQII", data)
    assert (magic, version, total, count) == (MAGIC, 3, len(data), 4)
    for number, section in enumerate(SECTIONS):
        offset, size, _, zero = struct.unpack_from("<QQII", data, 32 + 24 * number)
        assert offset % 64 == 0
        assert zero == 0
        assert data[offset : offset + size] == bytes(memoryview(section).cast("B"))


def test_a_section_is_checked_when_it_is_asked_for(path: Path) -> None:
    data = path.read_bytes()
    for number in range(len(SECTIONS)):
        offset, size, _, _ = struct.unpack_from("<QQII", data, 32 + 24 * number)
        if not size:
            continue
        damaged = bytearray(data)
        damaged[offset + size - 1] ^= 1
        path.write_bytes(damaged)
        file = CheckedFile(path, MAGIC, 3)
        assert [len(each) for each in file.sections] == [13, 0, 100, 80]
        for other in range(len(SECTIONS)):
            if other != number:
                file.check(other)
        for _ in range(2):
            with pytest.raises(Corrupted, match=f"section {number}") as raised:
                file.check(number)
        assert raised.value.path == str(path)


@pytest.mark.parametrize("sizes", [[], [0], [1], [64], [63, 65, 128], [0, 0, 0], [100_000]])
def test_any_number_and_size_of_sections(tmp_path: Path, sizes: list[int]) -> None:
    generator = random.Random(5)
    sections = [generator.randbytes(size) for size in sizes]
    write_checked(tmp_path / "file", MAGIC, 1, sections)
    assert contents(tmp_path / "file") == sections


def test_a_flip_of_any_byte_is_found(path: Path) -> None:
    good = path.read_bytes()
    for offset in range(len(good)):
        damaged = bytearray(good)
        damaged[offset] ^= 1 << (offset % 8)
        path.write_bytes(damaged)
        with pytest.raises(Corrupted) as raised:
            read_checked(path, MAGIC, 3)
        assert raised.value.path == str(path), f"offset {offset}"


def test_every_other_length_is_found(path: Path) -> None:
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(Corrupted):
            read_checked(path, MAGIC, 3)
    path.write_bytes(good + bytes(64))
    with pytest.raises(Corrupted):
        read_checked(path, MAGIC, 3)


def test_a_newer_version_is_refused_and_an_older_one_is_read(path: Path) -> None:
    with pytest.raises(VersionMismatch) as raised:
        read_checked(path, MAGIC, 2)
    assert (raised.value.path, raised.value.found, raised.value.supported) == (str(path), 3, 2)
    assert len(read_checked(path, MAGIC, 4)) == len(SECTIONS)


def test_another_kind_or_no_file_is_corrupted(path: Path) -> None:
    with pytest.raises(Corrupted, match="magic"):
        read_checked(path, b"OTHERONE", 3)
    path.unlink()
    with pytest.raises(Corrupted, match="missing"):
        read_checked(path, MAGIC, 3)


@pytest.mark.parametrize(
    ("call", "number", "kind"),
    [
        ("pwritev", errno.ENOSPC, StorageFull),
        ("fsync", errno.EIO, StorageFailed),
        ("replace", errno.EIO, StorageFailed),
    ],
)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, kind: type[Error]
) -> None:
    def failing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    before = contents(path)
    monkeypatch.setattr(os, call, failing)
    with pytest.raises(kind) as raised:
        write_checked(path, MAGIC, 3, [b"new"])
    monkeypatch.undo()
    assert str(path) in str(raised.value)
    assert contents(path) == before
    assert os.listdir(path.parent) == [path.name]


def test_order_of_durability(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def watch(name: str) -> None:
        real = getattr(os, name)

        def watched(*arguments: Any) -> Any:
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, watched)

    for name in ("fsync", "replace", "pwritev"):
        watch(name)
    write_checked(path, MAGIC, 3, [b"new"])
    assert calls == ["pwritev", "fsync", "replace", "fsync"]
