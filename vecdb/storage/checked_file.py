"""Files written once, whole and checked: a header, a table of sections, 64-byte aligned sections, all under CRC-32C."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.native.kernels import crc32c
from vecdb.storage.disk import disk_error, flat_bytes, replace_file

SECTION_ALIGNMENT: Final = 64

# magic, version, header checksum, bytes of the file, number of sections, table checksum. This prefix never changes its
# layout, so that every release can tell a newer file from a damaged one.
_HEADER = struct.Struct("<8sIIQII")
_ENTRY = struct.Struct("<QQII")  # offset, bytes, checksum of the bytes and their padding, zero
_SECTIONS_MAXIMUM = 4096


def write_checked(path: str | Path, magic: bytes, version: int, sections: Sequence[object]) -> None:
    """Replaces `path` atomically and durably by a file of these buffers (C-contiguous). StorageFull, StorageFailed."""
    assert len(magic) == 8, "a magic has eight bytes"
    assert len(sections) <= _SECTIONS_MAXIMUM
    replace_file(Path(path), _laid_out(magic, version, [flat_bytes(section) for section in sections]))


def read_checked(path: str | Path, magic: bytes, version: int) -> list[memoryview]:
    """The sections, mapped and verified, each at a multiple of 64 bytes. Corrupted, VersionMismatch, StorageFailed.

    `version` is the newest that the caller reads; a file of a newer one is refused.
    """
    file = CheckedFile(path, magic, version)
    for number in range(len(file.sections)):
        file.check(number)
    return file.sections


class CheckedFile:
    """A mapped file whose header and table are verified, and its sections one by one when the caller says so.

    Raises as read_checked() does. What `sections` shows of a section that was not checked may be anything.
    """

    def __init__(self, path: str | Path, magic: bytes, version: int) -> None:
        self.path = str(path)
        self._data = data = _mapped(path)
        if len(data) < _HEADER.size:
            raise self._corrupted(f"{len(data)} bytes are shorter than a header")
        found_magic, found_version, header_crc, total_bytes, count, table_crc = _HEADER.unpack_from(data)
        if found_magic != magic:
            raise self._corrupted(f"magic {found_magic!r} instead of {magic!r}")
        if _header_crc(found_magic, found_version, total_bytes, count, table_crc) != header_crc:
            raise self._corrupted("checksum of the header differs")
        if found_version > version:
            raise VersionMismatch(path=self.path, found=found_version, supported=version)
        if total_bytes != len(data):
            raise self._corrupted(f"{len(data)} bytes, {total_bytes} were written")
        table_end = _aligned(_HEADER.size + count * _ENTRY.size)
        if table_end > total_bytes or crc32c(data[_HEADER.size : table_end]) != table_crc:
            raise self._corrupted("checksum of the section table differs")
        self.sections: list[memoryview] = []
        self._entries: list[tuple[int, int, int]] = []  # offset, end of the padding, checksum
        end = table_end
        for number in range(count):
            offset, section_bytes, crc, _ = _ENTRY.unpack_from(data, _HEADER.size + number * _ENTRY.size)
            if offset != end or _aligned(offset + section_bytes) > total_bytes:
                raise self._corrupted(f"section {number} does not lie where the table says")
            end = _aligned(offset + section_bytes)
            self._entries.append((offset, end, crc))
            self.sections.append(data[offset : offset + section_bytes])
        if end != total_bytes:
            raise self._corrupted(f"{total_bytes - end} bytes after the last section")

    def check(self, number: int) -> None:
        """Verifies a section and its padding. Corrupted."""
        offset, end, crc = self._entries[number]
        if crc32c(self._data[offset:end]) != crc:
            section_bytes = len(self.sections[number])
            raise self._corrupted(f"checksum of section {number} differs, {section_bytes} bytes at offset {offset}")

    def _corrupted(self, detail: str) -> Corrupted:
        return Corrupted(path=self.path, detail=detail)


def _mapped(path: str | Path) -> memoryview:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise disk_error(path, error) from error


def _laid_out(magic: bytes, version: int, sections: list[memoryview]) -> list[memoryview]:
    table = bytearray(_aligned(_HEADER.size + len(sections) * _ENTRY.size) - _HEADER.size)
    buffers = []
    end = _HEADER.size + len(table)
    for number, section in enumerate(sections):
        offset, end = end, _aligned(end + len(section))
        padding = bytes(end - offset - len(section))
        _ENTRY.pack_into(table, number * _ENTRY.size, offset, len(section), crc32c(padding, crc32c(section)), 0)
        buffers += [section, memoryview(padding)]
    table_crc = crc32c(table)
    header_crc = _header_crc(magic, version, end, len(sections), table_crc)
    header = _HEADER.pack(magic, version, header_crc, end, len(sections), table_crc)
    return [memoryview(header), memoryview(table), *buffers]


def _header_crc(magic: bytes, version: int, total_bytes: int, count: int, table_crc: int) -> int:
    return crc32c(_HEADER.pack(magic, version, 0, total_bytes, count, table_crc))


def _aligned(offset: int) -> int:
    return -(-offset // SECTION_ALIGNMENT) * SECTION_ALIGNMENT
