"""Files made of pieces: whole and durable, or as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_disk_full import largest_file
from vecdb.errors import Corrupted, StorageFull
from vecdb.exchange.piece_file import write_pieces


@pytest.mark.parametrize("old", [None, b"old"])
def test_stored_pieces_come_whole_or_not_at_all(old: bytes | None, tmp_path: Path) -> None:
    target = tmp_path / "file"
    if old is not None:
        target.write_bytes(old)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise Corrupted(path="source", detail="for the test")

    def failing(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Corrupted):
        write_pieces(target, broken(), 8)
    with pytest.raises(KeyboardInterrupt):
        write_pieces(target, [b"x"], 1, failing)
    with largest_file(100), pytest.raises(StorageFull) as caught:
        write_pieces(target, [bytes(90)] * 3, 270)
    assert caught.value.path == str(target)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    seen: list[tuple[int, int]] = []
    write_pieces(target, [b"ab", b"", b"c"], 3, lambda *both: seen.append(both))
    assert target.read_bytes() == b"abc"
    assert seen == [(2, 3), (2, 3), (3, 3)]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
