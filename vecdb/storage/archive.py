"""An archive: many files in one, all under checksums; made as a stream, taken apart into a new folder and nowhere else.

The end of a file that is a hole, as the rows not yet written of a row file, is not in it: only how long it is.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Final

import orjson

from vecdb.errors import Corrupted, VersionMismatch, brief
from vecdb.native.kernels import crc32c
from vecdb.progress import Report
from vecdb.storage.disk import disk_error, sync_folder, write_at
from vecdb.storage.rows import CHUNK_BYTES

MAGIC: Final = b"VECDBSNP"
VERSION: Final = 1
PIECE_BYTES: Final = 1 << 20
LIST_BYTES_MAXIMUM: Final = 256 << 20  # a million files and more
ZEROS_MAXIMUM: Final = CHUNK_BYTES

# magic, version, header checksum, bytes of the archive, bytes of the list, checksum of the list. As in a checked file,
# this prefix never changes its layout.
_HEADER = struct.Struct("<8sIIQII")
_CHECKSUM = struct.Struct("<I")
_END = struct.Struct("<8sII")  # magic, checksum of all bytes before, checksum of these
_END_MAGIC = b"VECDBEND"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}){0,7}")


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One file: its name in the archive, where it is, its first `bytes` bytes, and the zeros that follow them."""

    name: str
    path: Path
    bytes: int
    zeros: int = 0


class Archive:
    """An archive to be made of files that stay as they are meanwhile; `bytes` is its size."""

    def __init__(self, sequence: int, entries: Sequence[ArchiveEntry]) -> None:
        files = [[entry.name, entry.bytes, entry.zeros] for entry in entries]
        listed = orjson.dumps({"sequence": sequence, "files": files})
        assert len(listed) <= LIST_BYTES_MAXIMUM, "a database has far fewer files"
        contents = sum(entry.bytes + _CHECKSUM.size for entry in entries)
        self.bytes = _HEADER.size + len(listed) + contents + _END.size
        self._head = _header(self.bytes, len(listed), crc32c(listed)) + listed
        self._entries = entries

    def pieces(self) -> Generator[bytes, None, None]:
        """The archive in pieces of 1 MiB, the last one shorter. Corrupted if a file is shorter than listed."""
        pending = bytearray()
        for part in self._parts():
            pending += part
            while len(pending) >= PIECE_BYTES:
                piece = bytes(memoryview(pending)[:PIECE_BYTES])
                del pending[:PIECE_BYTES]
                yield piece
        yield bytes(pending)

    def _parts(self) -> Iterator[bytes]:
        whole_crc = crc32c(self._head)
        yield self._head
        for entry in self._entries:
            crc = 0
            for part in _contents(entry):
                crc, whole_crc = crc32c(part, crc), crc32c(part, whole_crc)
                yield part
            checksum = _CHECKSUM.pack(crc)
            whole_crc = crc32c(checksum, whole_crc)
            yield checksum
        yield _end(whole_crc)


def unpack(
    source: Path, folder: Path, *, accepts: Callable[[str], bool], report: Report | None = None
) -> list[ArchiveEntry]:
    """Writes the files of the archive `source` into the empty `folder`, each one durable; what and where they are.

    Corrupted unless every byte is as it was written and each name is plain, below `folder` and one that `accepts` has;
    VersionMismatch, StorageFull, StorageFailed. What was written by then stays. `report` gets (done, total) bytes.
    """
    with _naming(source), FileIO(source) as file:
        archive = _Input(source, file, report)
        entries = _read_entries(archive, folder, accepts)
        for entry in entries:
            _unpack_entry(archive, entry)
        end = _end(archive.crc)
        if archive.take(_END.size) != end:
            raise archive.corrupted("checksum of the whole differs")
    with _naming(folder):
        for parent in {parent for entry in entries for parent in PurePosixPath(entry.name).parents}:
            sync_folder(folder / parent)
    return entries


class _Input:
    """An archive that is being read."""

    def __init__(self, path: Path, file: FileIO, report: Report | None) -> None:
        self._path = path
        self._file = file
        self._report = report
        self.bytes = os.fstat(file.fileno()).st_size
        self.crc = 0
        self._done = 0

    def take(self, count: int) -> bytes:
        """The next bytes. Corrupted if there are fewer."""
        data = b""
        while len(data) < count:
            with _naming(self._path):
                part = self._file.read(count - len(data))
            if not part:
                raise self.corrupted(f"ends at offset {self._done + len(data)}")
            data = data + part if data else part
        self.crc = crc32c(data, self.crc)
        self._done += count
        if self._report is not None:
            self._report(self._done, self.bytes)
        return data

    def corrupted(self, detail: str) -> Corrupted:
        return Corrupted(path=str(self._path), detail=detail)

    def newer(self, version: int) -> VersionMismatch:
        return VersionMismatch(path=str(self._path), found=version, supported=VERSION)


def _read_entries(archive: _Input, folder: Path, accepts: Callable[[str], bool]) -> list[ArchiveEntry]:
    if archive.bytes < _HEADER.size:
        raise archive.corrupted(f"{archive.bytes} bytes are shorter than a header")
    header = archive.take(_HEADER.size)
    magic, version, crc, archive_bytes, list_bytes, list_crc = _HEADER.unpack(header)
    if magic != MAGIC:
        raise archive.corrupted(f"magic {magic!r} instead of {MAGIC!r}")
    if crc32c(header[:12] + bytes(4) + header[16:]) != crc:
        raise archive.corrupted("checksum of the header differs")
    if version > VERSION:
        raise archive.newer(version)
    if archive_bytes != archive.bytes:
        raise archive.corrupted(f"{archive.bytes} bytes, {archive_bytes} were written")
    if list_bytes > min(archive_bytes, LIST_BYTES_MAXIMUM):
        raise archive.corrupted(f"a list of {list_bytes} bytes")
    listed = archive.take(list_bytes)
    if crc32c(listed) != list_crc:
        raise archive.corrupted("checksum of the list of files differs")
    entries = []
    for name, size, zeros in _listed_files(archive, listed):
        if type(name) is not str or _NAME.fullmatch(name) is None or not accepts(name):
            raise archive.corrupted(f"a file may not be named {brief(name)}")
        if type(size) is not int or type(zeros) is not int or size < 0 or not 0 <= zeros <= ZEROS_MAXIMUM:
            raise archive.corrupted(f"file '{name}' has the sizes {brief(size)} and {brief(zeros)}")
        entries.append(ArchiveEntry(name, folder / name, size, zeros))
    names = {entry.name for entry in entries}
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    if len(names) < len(entries) or names & folders:
        raise archive.corrupted("two files have one name")
    contents = sum(entry.bytes + _CHECKSUM.size for entry in entries)
    if _HEADER.size + list_bytes + contents + _END.size != archive_bytes:
        raise archive.corrupted("the sizes of its files do not add up to its own")
    return entries


def _listed_files(archive: _Input, listed: bytes) -> list[tuple[object, object, object]]:
    try:
        return [(name, size, zeros) for name, size, zeros in orjson.loads(listed)["files"]]
    except (LookupError, TypeError, ValueError) as error:
        raise archive.corrupted(f"not a list of files: {error!r}") from error


def _unpack_entry(archive: _Input, entry: ArchiveEntry) -> None:
    crc = done = 0
    with _naming(entry.path):
        entry.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(entry.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        try:
            while done < entry.bytes:
                part = archive.take(min(entry.bytes - done, PIECE_BYTES))
                crc = crc32c(part, crc)
                done += write_at(descriptor, [memoryview(part)], done)
            if archive.take(_CHECKSUM.size) != _CHECKSUM.pack(crc):
                raise archive.corrupted(f"checksum of file '{entry.name}' differs")
            os.ftruncate(descriptor, entry.bytes + entry.zeros)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _contents(entry: ArchiveEntry) -> Iterator[bytes]:
    left = entry.bytes
    with _naming(entry.path), FileIO(entry.path) as file:
        while left:
            part = file.read(min(left, PIECE_BYTES))
            if not part:
                raise Corrupted(path=str(entry.path), detail=f"ends {left} bytes too early")
            left -= len(part)
            yield part


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the operating system refuses inside is the error for `path`."""
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error


def _header(archive_bytes: int, list_bytes: int, list_crc: int) -> bytes:
    header = _HEADER.pack(MAGIC, VERSION, 0, archive_bytes, list_bytes, list_crc)
    return _HEADER.pack(MAGIC, VERSION, crc32c(header), archive_bytes, list_bytes, list_crc)


def _end(whole_crc: int) -> bytes:
    return _END.pack(_END_MAGIC, whole_crc, crc32c(_END.pack(_END_MAGIC, whole_crc, 0)))
