"""Ids and checksums of rows against a dict, and damage to any byte of a cell."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from vecdb.collection.row_heads import RowHeads, vector_checksums
from vecdb.errors import Corrupted
from vecdb.ids import Id, encode_ids
from vecdb.native.heads import HEAD_BYTES, INLINE_ID_BYTES
from vecdb.native.kernels import crc32c
from vecdb.storage.memory_rows import MemoryRows
from vecdb.storage.row_file import RowFile

SEED = 77
INLINE_TEXT = INLINE_ID_BYTES - 1  # its encoding has a tag


def some_ids(count: int) -> list[Id]:
    numbers = random.Random(SEED)
    special: list[Id] = [0, 2**63 - 1, "a", "\0", "ü" * (INLINE_TEXT // 2), "x" * INLINE_TEXT, UUID(int=2**128 - 1)]
    makers: list[Callable[[], Id]] = [
        lambda: numbers.getrandbits(63),
        lambda: UUID(int=numbers.getrandbits(128)),
        lambda: f"row {numbers.random()}",
    ]
    return [*special, *(numbers.choice(makers)() for _ in range(count - len(special)))]


def rows_of_bytes(count: int, *widths: int) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    numbers = np.random.default_rng(SEED)
    return [numbers.integers(0, 256, (count, width), dtype=np.uint8) for width in widths]


def test_ids_and_checksums_come_back_in_any_order() -> None:
    heads = RowHeads(MemoryRows(HEAD_BYTES))
    numbers = np.random.default_rng(SEED)
    rows = numbers.permutation(5000)[:300].astype(np.uint32)
    ids, vectors = some_ids(300), rows_of_bytes(300, 12, 40)
    heads.ensure(5000)
    heads.write(rows, encode_ids(ids), vectors)
    order = numbers.permutation(300)
    assert heads.ids(rows[order]) == ([ids[place] for place in order], []), f"seed {SEED}"
    assert [type(each) for each in heads.ids(rows)[0]] == [type(each) for each in ids]
    assert heads.checksums(rows[order]).tolist() == vector_checksums(vectors)[order].tolist()


def test_integers_come_as_one_array_and_only_where_all_are_integers() -> None:
    heads = RowHeads(MemoryRows(HEAD_BYTES))
    rows = np.arange(300, dtype=np.uint32)
    ids = some_ids(300)
    heads.ensure(300)
    heads.write(rows, encode_ids(ids), rows_of_bytes(300, 12))
    places = np.array([row for row, each in enumerate(ids) if isinstance(each, int)], np.uint32)[::-1].copy()
    found = heads.integers(places)
    assert found is not None
    assert found.dtype == np.int64
    assert found.tolist() == [ids[place] for place in places], f"seed {SEED}"
    other = next(row for row, each in enumerate(ids) if not isinstance(each, int))
    assert heads.integers(np.append(places, np.uint32(other))) is None
    assert heads.integers(rows[:0]) is not None
    with pytest.raises(Corrupted):
        heads.integers(np.array([places[0], 299 + 100_000], np.uint32))


def test_a_row_written_again_has_its_last_head() -> None:
    heads = RowHeads(MemoryRows(HEAD_BYTES))
    heads.ensure(1)
    row = np.array([0], np.uint32)
    for each in ("a much longer id than the next", 5, "b"):
        vectors = rows_of_bytes(1, len(str(each)))
        heads.write(row, encode_ids([each]), vectors)
        assert heads.ids(row) == ([each], [])
        assert heads.checksums(row).tolist() == vector_checksums(vectors).tolist()


def test_a_long_id_is_not_in_its_head() -> None:
    heads = RowHeads(MemoryRows(HEAD_BYTES))
    heads.ensure(2)
    rows = np.arange(2, dtype=np.uint32)
    heads.write(rows, encode_ids(["x" * INLINE_TEXT, "x" * (INLINE_TEXT + 1)]), rows_of_bytes(2, 8))
    assert heads.ids(rows) == (["x" * INLINE_TEXT, None], [1])
    assert heads.ids(np.array([1, 0, 1], np.uint32)) == ([None, "x" * INLINE_TEXT, None], [0, 2])


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_a_row_beyond_the_heads_is_damage_wherever_it_stands(count: int) -> None:
    heads = RowHeads(MemoryRows(HEAD_BYTES))
    rows = np.arange(count, dtype=np.uint32)
    heads.ensure(count)
    heads.write(rows, encode_ids([f"id {row}" for row in range(count)]), rows_of_bytes(count, 8))
    assert heads.ids(rows) == ([f"id {row}" for row in range(count)], [])
    for place in range(count + 1):
        with pytest.raises(Corrupted, match="row 4294967295 "):
            heads.ids(np.insert(rows, place, np.uint32(2**32 - 1)))


def test_rows_of_another_kind_are_refused() -> None:
    heads = RowHeads(MemoryRows(HEAD_BYTES))
    heads.ensure(4)
    reads: list[Callable[[Any], object]] = [heads.ids, heads.integers, heads.checksums]
    for read in reads:
        for rows in (np.zeros(2, np.int32), np.zeros((2, 2), np.uint32), np.zeros(4, np.uint32)[::2], [0, 1]):
            with pytest.raises(TypeError, match="rows"):
                read(rows)
        with pytest.raises(TypeError, match="rows"):
            read(np.zeros(2, ">u4"))


def test_the_checksum_of_one_vector_is_crc32c() -> None:
    (vectors,) = rows_of_bytes(50, 33)
    assert vector_checksums([vectors]).tolist() == [crc32c(row.tobytes()) for row in vectors]


def test_every_byte_of_every_vector_counts() -> None:
    vectors = rows_of_bytes(1, 5, 3)
    whole = vector_checksums(vectors)[0]
    assert vector_checksums(vectors[::-1])[0] != whole
    for array in vectors:
        for place in range(array.shape[1]):
            array[0, place] ^= 1
            assert vector_checksums(vectors)[0] != whole
            array[0, place] ^= 1


def test_damage_to_any_byte_names_the_file_and_the_row(tmp_path: Path) -> None:
    file = RowFile(tmp_path, "heads", HEAD_BYTES)
    heads = RowHeads(file)
    heads.ensure(10)
    rows = np.arange(10, dtype=np.uint32)
    heads.write(rows, encode_ids([f"id {row}" for row in range(10)]), rows_of_bytes(10, 8))
    cell = file.read(rows[3:4])
    for place in range(HEAD_BYTES):
        damaged = cell.copy()
        damaged[0, place] ^= 0x10
        file.write(rows[3:4], damaged)
        for read in (heads.ids, heads.checksums):
            with pytest.raises(Corrupted, match="row 3 ") as raised:
                read(rows)
            assert str(tmp_path) in raised.value.path
        assert heads.ids(rows[4:])[0] == [f"id {row}" for row in range(4, 10)]
    file.write(rows[3:4], cell)
    assert heads.ids(rows)[0][3] == "id 3"
    file.close()
