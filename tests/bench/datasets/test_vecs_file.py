"""TEXMEX's forms, written here value by value."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.datasets.vecs_file import read_vecs
from vecdb.bench.mistake import Mistake

CODES = {".fvecs": "f", ".bvecs": "B", ".ivecs": "i"}


def vecs_bytes(suffix: str, rows: list[list[int]]) -> bytes:
    return b"".join(struct.pack(f"<i{len(row)}{CODES[suffix]}", len(row), *row) for row in rows)


@pytest.mark.parametrize(("suffix", "kind"), [(".fvecs", "f4"), (".bvecs", "u1"), (".ivecs", "i4")])
def test_rows_are_read(tmp_path: Path, suffix: str, kind: str) -> None:
    rows = [[1, 2, 255], [0, 7, 9], [4, 5, 6], [8, 8, 8]]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(vecs_bytes(suffix, rows))
    found = read_vecs(path)
    assert found.dtype == np.dtype(kind)
    assert found.tolist() == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "received 0 bytes"),
        (b"\1\0", "received 2 bytes"),
        (vecs_bytes(".fvecs", [[1, 2], [3, 4]])[:-1], "not whole rows of the dimension 2"),
        (struct.pack("<i", 0), "dimension 0"),
        (struct.pack("<i", -1), "dimension -1"),
        (vecs_bytes(".fvecs", [[1, 2], [3, 4]])[:12] + struct.pack("<i2f", 3, 1, 2), "row 1 the dimension 3"),
    ],
)
def test_torn_and_differing_rows_are_mistakes(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.fvecs"
    path.write_bytes(content)
    with pytest.raises(Mistake, match=message):
        read_vecs(path)
