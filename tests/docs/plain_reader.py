"""The files of a database, read as docs/file_formats.md describes them and with nothing of vecdb."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

CHUNK_BYTES = 16 << 20
CELL_BYTES = 48


@cache
def crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def crc32c(data: bytes) -> int:
    table, crc = crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def sections_of(path: Path, magic: bytes, version: int = 1) -> list[bytes]:
    """The sections of a checked file."""
    data = path.read_bytes()
    assert struct.unpack_from("<8sI", data) == (magic, version)
    header_crc, file_bytes, count, table_crc = struct.unpack_from("<IQII", data, 12)
    assert crc32c(data[:12] + bytes(4) + data[16:32]) == header_crc
    assert file_bytes == len(data)
    entries = [struct.unpack_from("<QQII", data, 32 + 24 * number) for number in range(count)]
    assert crc32c(data[32 : entries[0][0]]) == table_crc
    sections = []
    for offset, size, crc, zero in entries:
        assert offset % 64 == zero == 0
        assert crc32c(data[offset : offset + -(-size // 64) * 64]) == crc
        sections.append(data[offset : offset + size])
    return sections


def manifest_of(folder: Path) -> dict[str, Any]:
    """MANIFEST as JSON."""
    (text,) = sections_of(folder / "MANIFEST", b"VECDBMAN")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def live_rows(path: Path) -> list[int]:
    """The rows of a mask."""
    (words,) = sections_of(path, b"VECDBLIV")
    assert len(words) % (32_768 // 8) == 0
    return [int(row) for row in np.flatnonzero(np.unpackbits(np.frombuffer(words, np.uint8), bitorder="little"))]


def row_bytes_of(folder: Path, stem: str, row: int, row_bytes: int) -> bytes:
    """One row of the row files of a collection."""
    shift = (CHUNK_BYTES // row_bytes).bit_length() - 1
    chunk = row >> shift
    path = folder / "rows" / f"{stem}-{chunk}.rows"
    assert path.stat().st_size == 4096 + (row_bytes << shift)
    with path.open("rb") as file:
        header = file.read(28)
        assert struct.unpack_from("<8sI", header) == (b"VECDBROW", 1)
        assert struct.unpack_from("<III", header, 16) == (row_bytes, 1 << shift, chunk)
        file.seek(4096 + (row & (1 << shift) - 1) * row_bytes)
        return file.read(row_bytes)


def id_of(cell: bytes, vectors: list[bytes]) -> int | str | UUID | None:
    """The id in the head of a row with these vectors; None if it is too long to be there."""
    size, encoded, vector_crc, cell_crc = struct.unpack("<B39sII", cell)
    assert crc32c(cell[:44]) == cell_crc
    checksum = crc32c(vectors[0])
    for vector in vectors[1:]:
        checksum = checksum * 31 % 2**32 ^ crc32c(vector)
    assert checksum == vector_crc
    return decoded(encoded[:size]) if size else None


def decoded(encoded: bytes) -> int | str | UUID:
    """An encoded id."""
    if encoded[0] == 1:
        return int.from_bytes(encoded[1:], "big")
    return encoded[1:].decode() if encoded[0] == 2 else UUID(bytes=encoded[1:])


def frames_of(folder: Path) -> Iterator[tuple[int, int, list[bytes]]]:
    """(kind, collection, sections) of each record of the journal; marks are passed over."""
    for path in sorted((folder / "journal").glob("*.log")):
        data = path.read_bytes()
        magic, version, crc, sequence, salt = struct.unpack_from("<8sIIQ8s", data)
        assert (magic, version, f"{sequence:020}.log") == (b"VECDBJNL", 1, path.name)
        assert crc32c(data[:12] + bytes(4) + data[16:32]) == crc
        place = 32
        while place < len(data) and data[place : place + 4] == b"\xf7VJF":
            header_crc, body_crc, size, found, _, kind = struct.unpack_from("<IIIQQH", data, place + 4)
            end = place + 40 + -(-size // 8) * 8
            assert crc32c(salt + data[place + 8 : place + 40]) == header_crc
            assert crc32c(data[place + 40 : end]) == body_crc
            if kind < 0xFF00:
                assert found == sequence
                yield kind, *record_of(data[place + 40 : place + 40 + size])
                sequence += 1
            place = end


def record_of(body: bytes) -> tuple[int, list[bytes]]:
    """The collection and the sections of a record."""
    collection, count = struct.unpack_from("<II", body)
    sizes = struct.unpack_from(f"<{count}Q", body, 8)
    ends = np.cumsum([8 + 8 * count, *sizes]).tolist()
    assert ends[-1] == len(body)
    return collection, [body[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def strings_of(sizes: bytes, joined: bytes) -> list[bytes]:
    """A list of byte strings from its two sections."""
    ends = np.cumsum([0, *np.frombuffer(sizes, "<u4")]).tolist()
    return [joined[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def graph_of(path: Path) -> tuple[int, npt.NDArray[np.uint8], npt.NDArray[np.uint32], int]:
    """m, levels, ground links (rows, 2m) and entry row of a graph."""
    header, levels, *more = sections_of(path, b"VECDBGRA", 2)
    entry, rows, m, section_rows = struct.unpack("<QQII", header)
    level_of = np.frombuffer(levels, np.uint8)
    assert (len(level_of), section_rows) == (rows, 65_536)
    sections = -(-rows // section_rows)
    ground, upper = more[:sections], more[sections]
    assert len(upper) == 4 * m * sum(max(int(level) - 1, 0) for level in level_of)
    assert entry >> 32 == level_of.max() - 1
    links = np.frombuffer(b"".join(ground), np.uint32).reshape(rows, 2 * m)
    return m, level_of, links, entry & 0xFFFFFFFF


def coded_rows_of(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """What the codes of a graph's rows say the vectors are (rows, d), and their squared distances to the mean."""
    header, _, *more = sections_of(path, b"VECDBGRA", 2)
    _, rows, _, section_rows = struct.unpack("<QQII", header)
    codes_header, mean, matrix, *codes = more[-(-rows // section_rows) + 1 :]
    dimension, lines, _ = struct.unpack("<IIQ", codes_header)
    found = np.frombuffer(b"".join(codes), np.uint8).reshape(rows, lines, 64)
    factors = found[:, -1, 56:].copy().view(np.float32)
    numbers = []
    for line in range(lines):
        data = found[:, line, : 56 if line == lines - 1 else 64]
        numbers += [data & 15, data >> 4]
    projected = (np.concatenate(numbers, axis=1) - 7.5) * factors[:, :1]
    projection = np.frombuffer(matrix, np.float32).reshape(dimension, 128 * lines - 16)
    return np.frombuffer(mean, np.float32) + projected @ projection.T.astype(np.float64), factors[:, 1]
