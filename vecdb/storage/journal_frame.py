"""The layout of the journal: file header, frame header, and LogFile, which reads one file and decides where it ends."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from vecdb.errors import Corrupted, VersionMismatch
from vecdb.native.kernels import crc32c
from vecdb.storage.disk import disk_error

VERSION: Final = 1
FILE_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 40
FRAME_ALIGNMENT: Final = 8
# Kinds from here on are the journal's own. A mark repeats the last sequence and carries no body.
OWN_KINDS: Final = 0xFF00
CLOSED_KIND: Final = 0xFFFE  # everything up to here was synced when the journal was closed
CONTINUED_KIND: Final = 0xFFFF  # the next file exists

_FILE_MAGIC = b"VECDBJNL"
_FILE_HEADER = struct.Struct("<8sIIQQ")  # magic, version, checksum, first sequence, salt
_FRAME_MAGIC = b"\xf7VJF"
# magic, checksum of what follows, checksum of body and padding, body bytes, sequence, synced sequence, kind, zeros
_FRAME_HEADER = struct.Struct("<4sIIIQQHHI")
_CHECKED_FROM = 8


class Frame(NamedTuple):
    """One record of the journal; `body` starts at a multiple of 8 bytes of its file and is not a copy."""

    sequence: int
    kind: int
    body: memoryview


def file_header(first_sequence: int, salt: int) -> bytes:
    """The 32 bytes a journal file begins with."""
    crc = crc32c(_FILE_HEADER.pack(_FILE_MAGIC, VERSION, 0, first_sequence, salt))
    return _FILE_HEADER.pack(_FILE_MAGIC, VERSION, crc, first_sequence, salt)


def frame_header(salt: int, body_crc: int, body_bytes: int, sequence: int, synced_sequence: int, kind: int) -> bytes:
    """The 40 bytes a frame begins with. The salt of the file is in the checksum: no body can pass for a frame."""
    header = _FRAME_HEADER.pack(_FRAME_MAGIC, 0, body_crc, body_bytes, sequence, synced_sequence, kind, 0, 0)
    crc = crc32c(header[_CHECKED_FROM:], _salt_crc(salt))
    return _FRAME_HEADER.pack(_FRAME_MAGIC, crc, body_crc, body_bytes, sequence, synced_sequence, kind, 0, 0)


def padding_bytes(body_bytes: int) -> int:
    """Zero bytes after a body, so that the next frame is aligned."""
    return -body_bytes % FRAME_ALIGNMENT


def log_files(folder: Path) -> list[tuple[int, Path]]:
    """(first sequence, path) of every journal file, ascending. StorageFailed, Corrupted if the folder is missing."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    return sorted((int(name[:20]), folder / name) for name in names if _is_log(name))


def log_path(folder: Path, first_sequence: int) -> Path:
    """Where the file that begins with this sequence lies."""
    return folder / f"{first_sequence:020d}.log"


class LogFile:
    """One journal file in memory. Corrupted, VersionMismatch.

    After frames() is exhausted: `end` is the offset behind the last good frame, `last_sequence` its sequence,
    `synced_sequence` the highest that the file itself proves durable, `continued` whether another file must follow.
    """

    def __init__(self, path: Path, first_sequence: int) -> None:
        self.path = path
        self._load()
        if len(self._data) < FILE_HEADER_BYTES:
            raise self._corrupted(f"{len(self._data)} bytes are shorter than a header")
        magic, version, crc, first, self.salt = _FILE_HEADER.unpack_from(self._data)
        if magic != _FILE_MAGIC:
            raise self._corrupted(f"magic {magic!r} instead of {_FILE_MAGIC!r}")
        if crc32c(_FILE_HEADER.pack(magic, version, 0, first, self.salt)) != crc:
            raise self._corrupted("checksum of the file header differs")
        if version > VERSION:
            raise VersionMismatch(path=str(path), found=version, supported=VERSION)
        if first != first_sequence:
            raise self._corrupted(f"begins with sequence {first}, its name says {first_sequence}")
        self._salt_crc = _salt_crc(self.salt)
        self.end = FILE_HEADER_BYTES
        self.last_sequence = first - 1
        self.synced_sequence = first - 1
        self.continued = False

    @property
    def file_bytes(self) -> int:
        """Bytes of the file as it was read."""
        return len(self._data)

    def frames(self, next_first_sequence: int | None) -> Iterator[Frame]:
        """The good frames in order. Corrupted if they end before `next_first_sequence`, where the next file begins.

        In the last file (None) an invalid frame is a torn tail, and the end, unless a later frame shows that it was
        once durable: by a synced sequence that covers it, or by being the frame that was expected in its place.
        """
        while True:
            frame = self._frame_at(self.end)
            if frame is None:
                if next_first_sequence is not None or not self._was_durable(self.end, self.last_sequence + 1):
                    break
                # A reader beside the writer may have read a frame half written and its successor whole: look again.
                self._load()
                frame = self._frame_at(self.end)
                if frame is None:
                    raise self._corrupted(f"invalid frame at offset {self.end}, with good frames after it")
            self.end += FRAME_HEADER_BYTES + len(frame.body) + padding_bytes(len(frame.body))
            if frame.kind < OWN_KINDS:
                self.last_sequence = frame.sequence
                yield frame
            elif frame.kind == CONTINUED_KIND:
                self.continued = True
                break
        if next_first_sequence is not None and self.last_sequence + 1 != next_first_sequence:
            detail = f"ends with sequence {self.last_sequence} at offset {self.end}, the next file begins with "
            raise self._corrupted(f"{detail}{next_first_sequence}")

    def _load(self) -> None:
        try:
            with open(self.path, "rb") as file:
                # No further than the size of now: what a writer adds meanwhile is for another look.
                self._data = file.read(os.fstat(file.fileno()).st_size)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._view = memoryview(self._data)

    def _frame_at(self, offset: int) -> Frame | None:
        header = self._header_at(offset)
        if header is None:
            return None
        body_crc, body_bytes, sequence, synced_sequence, kind = header
        start = offset + FRAME_HEADER_BYTES
        padded = start + body_bytes + padding_bytes(body_bytes)
        if padded > len(self._data) or crc32c(self._view[start:padded]) != body_crc:
            return None
        expected = self.last_sequence + (1 if kind < OWN_KINDS else 0)
        if sequence != expected:
            raise self._corrupted(f"sequence {sequence} at offset {offset}, {expected} was expected")
        self.synced_sequence = max(self.synced_sequence, synced_sequence)
        return Frame(sequence, kind, self._view[start : start + body_bytes])

    def _header_at(self, offset: int) -> tuple[int, int, int, int, int] | None:
        end = offset + FRAME_HEADER_BYTES
        if end > len(self._data):
            return None
        magic, crc, body_crc, body_bytes, sequence, synced_sequence, kind, _, _ = _FRAME_HEADER.unpack_from(
            self._data, offset
        )
        if magic != _FRAME_MAGIC or crc32c(self._view[offset + _CHECKED_FROM : end], self._salt_crc) != crc:
            return None
        return body_crc, body_bytes, sequence, synced_sequence, kind

    def _was_durable(self, offset: int, sequence: int) -> bool:
        while (offset := self._data.find(_FRAME_MAGIC, offset + 1)) >= 0:
            if offset % FRAME_ALIGNMENT == 0 and (header := self._header_at(offset)) is not None:
                _, _, later_sequence, synced_sequence, kind = header
                if synced_sequence >= sequence or (later_sequence == sequence and kind < OWN_KINDS):
                    return True
        return False

    def _corrupted(self, detail: str) -> Corrupted:
        return Corrupted(path=str(self.path), detail=detail)


def _salt_crc(salt: int) -> int:
    return crc32c(salt.to_bytes(8, "little"))


def _is_log(name: str) -> bool:
    return len(name) == 24 and name.endswith(".log") and name[:20].isdigit()
