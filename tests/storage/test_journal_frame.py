"""The journal's bytes, read by a second implementation written from docs/file_formats.md alone."""

import random
import struct
from pathlib import Path

from vecdb.storage.journal import Journal
from vecdb.storage.journal_frame import CLOSED_KIND, CONTINUED_KIND


def slow_crc32c(data: bytes, crc: int = 0) -> int:
    """RFC 3720, bit by bit."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def parse(data: bytes) -> tuple[int, list[tuple[int, int, int, bytes]]]:
    """(first sequence, [(sequence, synced sequence, kind, body)]) of a whole file; asserts every rule of the layout."""
    magic, version, crc, first, salt = struct.unpack_from("<8sIIQQ", data)
    assert (magic, version) == (b"VECDBJNL", 1)
    assert crc == slow_crc32c(data[:12] + bytes(4) + data[16:32])
    frames = []
    offset = 32
    while offset < len(data):
        header = data[offset : offset + 40]
        magic, header_crc, body_crc, size, sequence, synced, kind, zero, zeros = struct.unpack("<4sIIIQQHHI", header)
        assert (magic, zero, zeros) == (b"\xf7VJF", 0, 0)
        assert header_crc == slow_crc32c(struct.pack("<Q", salt) + header[8:])
        padded = (size + 7) // 8 * 8
        body = data[offset + 40 : offset + 40 + padded]
        assert body_crc == slow_crc32c(body)
        assert body[size:] == bytes(padded - size)
        frames.append((sequence, synced, kind, body[:size]))
        offset += 40 + padded
    assert offset == len(data)
    return first, frames


def test_a_closed_journal_is_made_of_the_documented_bytes(tmp_path: Path) -> None:
    generator = random.Random(seed := 23)
    journal = Journal(tmp_path / "journal", sync=True, create=True)
    parts = [[generator.randbytes(generator.randrange(40)) for _ in range(generator.randrange(4))] for _ in range(20)]
    for number, part in enumerate(parts, 1):
        assert journal.append(number, part) == number
        if number % 3 == 0:
            journal.wait_durable(number)
        if number == 12:
            journal.rotate()
    journal.close()
    one, two = sorted((tmp_path / "journal").iterdir())
    assert [one.name, two.name] == ["00000000000000000001.log", "00000000000000000013.log"]
    synced = [(number - 1) // 3 * 3 for number in range(1, 21)]
    frames = [(number, synced[number - 1], number, b"".join(parts[number - 1])) for number in range(1, 21)]
    assert parse(one.read_bytes()) == (1, [*frames[:12], (12, 12, CONTINUED_KIND, b"")]), f"seed {seed}"
    assert parse(two.read_bytes()) == (13, [*frames[12:], (20, 20, CLOSED_KIND, b"")]), f"seed {seed}"
