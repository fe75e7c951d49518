"""A snapshot is what docs/file_formats.md says: the files of the database, found by a reader written from that page."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

import vecdb
from tests.docs.plain_reader import crc32c

ROWS = 1100


def files_of(data: bytes) -> tuple[int, dict[str, tuple[bytes, int]]]:
    """The sequence of a snapshot; and by name the bytes of each file, and the zeros after them."""
    magic, version, crc, size, list_bytes, list_crc = struct.unpack_from("<8sIIQII", data)
    assert (magic, version, size) == (b"VECDBSNP", 1, len(data))
    assert crc32c(data[:12] + bytes(4) + data[16:32]) == crc
    at = 32 + list_bytes
    assert crc32c(data[32:at]) == list_crc
    listed = json.loads(data[32:at])
    found = {}
    for name, size, zeros in listed["files"]:
        content, (content_crc,) = data[at : at + size], struct.unpack_from("<I", data, at + size)
        assert crc32c(content) == content_crc
        found[name] = content, zeros
        at += size + 4
    mark, all_crc, end_crc = struct.unpack_from("<8sII", data, at)
    assert (mark, all_crc, at + 16) == (b"VECDBEND", crc32c(data[:at]), len(data))
    assert end_crc == crc32c(data[at : at + 12] + bytes(4))
    return listed["sequence"], found


def test_a_reader_written_from_the_page_finds_every_file(tmp_path: Path) -> None:
    with vecdb.connect(tmp_path / "db") as db:
        docs = db.create_collection("docs", vectors={"a": vecdb.Vector(2), "": vecdb.Vector(3, index=vecdb.Flat())})
        vectors = np.random.default_rng(1).standard_normal((ROWS, 3)).astype(np.float32)
        docs.upsert(ids=range(ROWS), vectors={"a": vectors[:, :2], "": vectors})
        db.create_collection("empty", dimension=2)
        docs.optimize()
        report = db.snapshot(tmp_path / "file")
    sequence, found = files_of((tmp_path / "file").read_bytes())
    assert (sequence, len(found)) == (report.sequence, report.files) == (3, len(found))
    assert {"FORMAT", "MANIFEST", "collections/1/rows/heads-0.rows", "collections/1/rows/v-0.rows", "kv/CURRENT"} < set(
        found
    )
    assert len(found["collections/1/rows/va-0.rows"][0]) == 4096 + ROWS * 8
    assert [name for name, (_, zeros) in found.items() if zeros and not name.endswith(".rows")] == []
    for name, (content, zeros) in found.items():
        if not name.startswith("kv/"):  # the store goes on: it writes its files anew
            assert (tmp_path / "db" / name).read_bytes() == content + bytes(zeros), name
    assert {name.split("/")[0] for name in found} == {"FORMAT", "MANIFEST", "collections", "kv"}
