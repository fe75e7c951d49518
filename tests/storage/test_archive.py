"""Many files in one and out again; every damage to the bytes in between is noticed, and nothing leaves the folder."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.docs.plain_reader import crc32c
from tests.storage.archive_bytes import archive_bytes, header, sealed
from tests.test_disk_full import largest_file
from vecdb.errors import Corrupted, StorageFailed, StorageFull, VersionMismatch
from vecdb.storage.archive import PIECE_BYTES, ZEROS_MAXIMUM, Archive, ArchiveEntry, unpack

CONTENTS = {
    "FORMAT": b"{}\n",
    "empty": b"",
    "kv/000012.sst": bytes(range(256)) * 10,
    "collections/1/rows/vName_x-0.rows": random.Random(1).randbytes(PIECE_BYTES + 5),
    "collections/1/live-7.mask": b"\0" * 100,
}
SMALL = {name: content[:100] for name, content in CONTENTS.items()}


def anything(name: str) -> bool:
    return True


def entries_of(folder: Path, contents: dict[str, bytes], zeros: dict[str, int] | None = None) -> list[ArchiveEntry]:
    entries = []
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + b"more that is not listed")
        entries.append(ArchiveEntry(name, path, len(content), (zeros or {}).get(name, 0)))
    return entries


def made(folder: Path, contents: dict[str, bytes], zeros: dict[str, int] | None = None) -> bytes:
    return b"".join(Archive(7, entries_of(folder, contents, zeros)).pieces())


def unpacked(data: bytes, folder: Path) -> dict[str, bytes]:
    source = folder / "archive"
    source.write_bytes(data)
    target = folder / "target"
    target.mkdir()
    unpack(source, target, accepts=anything)
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    zeros = {"empty": 3, "kv/000012.sst": ZEROS_MAXIMUM}
    data = made(tmp_path / "source", CONTENTS, zeros)
    found = unpacked(data, tmp_path)
    assert found == {name: content + bytes(zeros.get(name, 0)) for name, content in CONTENTS.items()}


def test_an_archive_is_what_the_format_says(tmp_path: Path) -> None:
    data = made(tmp_path, SMALL, {"empty": 9})
    text = b'{"sequence":7,"files":[%s]}' % b",".join(
        b'["%s",%d,%d]' % (name.encode(), len(content), 9 * (name == "empty")) for name, content in SMALL.items()
    )
    assert data == archive_bytes(list(SMALL.values()), [], text=text)
    assert made(tmp_path, {}) == archive_bytes([], [], text=b'{"sequence":7,"files":[]}')


def test_pieces_are_of_one_size_and_as_many_bytes_as_announced(tmp_path: Path) -> None:
    archive = Archive(1, entries_of(tmp_path, CONTENTS | {"large": bytes(3 * PIECE_BYTES)}))
    sizes = [len(piece) for piece in archive.pieces()]
    assert set(sizes[:-1]) == {PIECE_BYTES}
    assert 0 < sizes[-1] <= PIECE_BYTES
    assert sum(sizes) == archive.bytes > 4 * PIECE_BYTES


def test_progress_is_of_bytes_and_ends_with_all(tmp_path: Path) -> None:
    data = made(tmp_path, CONTENTS)
    (tmp_path / "archive").write_bytes(data)
    (tmp_path / "target").mkdir()
    seen: list[tuple[int, int]] = []
    unpack(tmp_path / "archive", tmp_path / "target", accepts=anything, report=lambda *both: seen.append(both))
    assert seen == sorted(seen)
    assert seen[-1] == (len(data), len(data))


def test_every_truncation_is_corrupted(tmp_path: Path) -> None:
    data = made(tmp_path / "source", SMALL)
    for length in range(len(data)):
        check_refused(data[:length], tmp_path)


def test_every_flipped_bit_is_corrupted(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "source", SMALL))
    generator = random.Random(seed := 3)
    for at in range(len(data)):
        bit = 1 << generator.randrange(8)
        data[at] ^= bit
        try:
            check_refused(bytes(data), tmp_path)
        except BaseException as error:
            raise AssertionError(f"seed {seed}, bit {bit} of byte {at}") from error
        data[at] ^= bit


def test_bytes_that_were_lost_doubled_added_or_moved_are_corrupted(tmp_path: Path) -> None:
    data = made(tmp_path / "source", SMALL)
    generator = random.Random(seed := 4)
    for _ in range(300):
        first, second = sorted(generator.choices(range(len(data) + 1), k=2))
        for other in (
            data[:first] + data[second:],
            data[:second] + data[first:],
            data + data[first:second],
            data[first:second] + data[:first] + data[second:],
            data[:first] + bytes(second - first) + data[second:],
        ):
            if other != data:
                try:
                    check_refused(other, tmp_path)
                except BaseException as error:
                    raise AssertionError(f"seed {seed}: {first} .. {second} of {len(data)}") from error


def check_refused(data: bytes, folder: Path) -> None:
    source, target = folder / "archive", folder / "target"
    source.write_bytes(data)
    target.mkdir()
    with pytest.raises(Corrupted) as caught:
        unpack(source, target, accepts=anything)
    assert caught.value.path == str(source)
    for path in sorted(target.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    target.rmdir()


def test_a_newer_version_is_refused_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(VersionMismatch) as caught:
        unpacked(archive_bytes([], [], version=2), tmp_path)
    assert (caught.value.found, caught.value.supported) == (2, 1)


HOSTILE_NAMES: list[Any] = [
    "..",
    "../out",
    "a/../../out",
    "/out",
    "//out",
    "a//b",
    "a/",
    "./a",
    ".",
    "",
    ".hidden",
    "a/.hidden",
    "a\\b",
    "a\0b",
    "a b",
    "a\n",
    "ä",
    "~",
    "C:out",
    "a" * 201,
    "/".join("abcdefghi"),
    7,
    None,
    ["a"],
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_that_are_not_plain_are_refused(name: Any, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(Corrupted, match="named"):
        unpacked(archive_bytes([b"fine", b"evil"], [["fine", 4, 0], [name, 4, 0]]), tmp_path)
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "archive", tmp_path / "target"}, "nothing was written"


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a/b"], ["a/b", "a"], ["a/b/c", "b", "a/b"]])
def test_names_that_collide_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(Corrupted, match="one name"):
        unpacked(archive_bytes([b"x"] * len(names), [[name, 1, 0] for name in names]), tmp_path)
    assert list((tmp_path / "target").iterdir()) == []


def test_a_name_that_is_not_accepted_is_refused(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(archive_bytes([b"x"], [["a", 1, 0]]))
    (tmp_path / "target").mkdir()
    with pytest.raises(Corrupted, match="named 'a'"):
        unpack(tmp_path / "archive", tmp_path / "target", accepts=lambda name: name == "b")
    unpack(tmp_path / "archive", tmp_path / "target", accepts=lambda name: name == "a")


IMPOSSIBLE_SIZES: list[tuple[Any, Any]] = [
    *((size, 0) for size in (5, 3, -4, 2**63, 1e9, "4", True, None)),
    *((4, zeros) for zeros in (-1, 2**62, 1.5, ZEROS_MAXIMUM + 1)),
]


@pytest.mark.parametrize("sizes", IMPOSSIBLE_SIZES)
def test_sizes_that_the_bytes_do_not_have_are_refused(sizes: tuple[Any, Any], tmp_path: Path) -> None:
    with pytest.raises(Corrupted):
        unpacked(archive_bytes([b"four"], [["a", *sizes]]), tmp_path)
    assert list((tmp_path / "target").iterdir()) == []


def test_files_that_are_listed_beyond_the_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Corrupted, match="add up"):
        unpacked(archive_bytes([b"four"], [["a", 4, 0], *([f"b{n}", 2**50, 0] for n in range(1000))]), tmp_path)
    assert list((tmp_path / "target").iterdir()) == []


NO_LISTS = [b"", b"{", b"[]", b"7", b"{}", b"\xff", b"[" * 100_000]
NO_FILES = [b"7", b'{"a":1}', b'{"abc":1}', b"[7]", b'[["a",1]]', b'[["a",1,0,0]]']


@pytest.mark.parametrize("text", [*NO_LISTS, *(b'{"files":%s}' % files for files in NO_FILES)])
def test_lists_that_are_none_are_refused(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(Corrupted):
        unpacked(archive_bytes([], [], text=text), tmp_path)
    assert list((tmp_path / "target").iterdir()) == []


def test_a_list_larger_than_the_file_takes_no_memory(tmp_path: Path) -> None:
    listing = b'{"files":[]}'
    for claimed in (len(listing) + 17, 2**32 - 1):
        fields = bytearray(header(32 + len(listing) + 16, listing))
        fields[24:28] = claimed.to_bytes(4, "little")
        fields[12:16] = bytes(4)
        fields[12:16] = crc32c(bytes(fields)).to_bytes(4, "little")
        source = tmp_path / "archive"
        source.write_bytes(sealed(bytes(fields) + listing))
        with pytest.raises(Corrupted):
            unpack(source, tmp_path, accepts=anything)


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    source, target = tmp_path / "archive", tmp_path / "target"
    source.write_bytes(archive_bytes([b"evil"], [["a", 4, 0]]))
    target.mkdir()
    (target / "a").symlink_to(tmp_path / "out")
    with pytest.raises(StorageFailed):
        unpack(source, target, accepts=anything)
    assert not (tmp_path / "out").exists()


def test_a_file_shorter_than_listed_is_corrupted_while_packing(tmp_path: Path) -> None:
    (entry,) = entries_of(tmp_path, {"a": bytes(3 * PIECE_BYTES)})
    pieces = Archive(1, [entry]).pieces()
    next(pieces)
    os.truncate(entry.path, PIECE_BYTES + 1)
    with pytest.raises(Corrupted) as caught:
        list(pieces)
    assert caught.value.path == str(entry.path)
    with pytest.raises(Corrupted, match="missing"):
        list(Archive(1, [ArchiveEntry("b", tmp_path / "b", 1)]).pieces())


def test_an_abandoned_archive_closes_its_files(tmp_path: Path) -> None:
    pieces = Archive(1, entries_of(tmp_path, {"a": bytes(3 * PIECE_BYTES)})).pieces()
    before = os.listdir("/proc/self/fd")
    next(pieces)
    assert len(os.listdir("/proc/self/fd")) == len(before) + 1
    pieces.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    data = made(tmp_path / "source", CONTENTS)
    (tmp_path / "archive").write_bytes(data)
    (tmp_path / "target").mkdir()
    with largest_file(PIECE_BYTES // 2), pytest.raises(StorageFull) as caught:
        unpack(tmp_path / "archive", tmp_path / "target", accepts=anything)
    assert caught.value.path.startswith(str(tmp_path / "target"))
