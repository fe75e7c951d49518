"""The file of a graph: it comes back whole, or is refused as damaged, whatever was done to it."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.index.indexed_rows import POOL, SETTINGS, IndexedRows, random_rows, view_of
from vecdb.errors import Corrupted, VersionMismatch
from vecdb.index.graph_file import MAGIC, VERSION
from vecdb.index.hnsw import HnswIndex
from vecdb.schema import Hnsw
from vecdb.storage.checked_file import read_checked, write_checked

SEED = 9
COUNT = 700
ROWS = np.arange(COUNT, dtype=np.uint32)
M = SETTINGS.m
ENTRY, LEVELS, GROUND, UPPER = 0, 1, 2, 3


@pytest.fixture
def rows() -> IndexedRows:
    return random_rows(SEED, COUNT, 5, "l2")


@pytest.fixture
def path(rows: IndexedRows, tmp_path: Path) -> Path:
    index = rows.index("hnsw")
    index.insert(ROWS)
    index.save(tmp_path / "graph.bin")
    return tmp_path / "graph.bin"


def refused(rows: IndexedRows, path: Path) -> Corrupted:
    with pytest.raises(Corrupted) as raised:
        rows.index("hnsw", path)
    assert raised.value.path == str(path)
    return raised.value


def test_a_loaded_graph_has_the_same_links(rows: IndexedRows, path: Path) -> None:
    index = HnswIndex(rows.store, SETTINGS, POOL, POOL, path)
    assert (len(index.graph), index.graph.unsound_links()) == (COUNT, 0)
    index.save(path.with_name("again.bin"))
    assert path.with_name("again.bin").read_bytes() == path.read_bytes()


def test_an_empty_graph_comes_back(rows: IndexedRows, tmp_path: Path) -> None:
    rows.index("hnsw").save(tmp_path / "graph.bin")
    again = rows.index("hnsw", tmp_path / "graph.bin")
    assert len(again.members()) == 0
    again.insert(ROWS[:3])
    assert again.members().rows().tolist() == [0, 1, 2]


def test_a_changed_bit_anywhere_is_damage(rows: IndexedRows, path: Path) -> None:
    numbers = random.Random(SEED)
    whole = path.read_bytes()
    for place in [*range(64), *numbers.sample(range(len(whole)), 100)]:
        changed = bytearray(whole)
        changed[place] ^= 1 << numbers.randrange(8)
        path.write_bytes(changed)
        refused(rows, path)


def test_a_file_cut_anywhere_is_damage(rows: IndexedRows, path: Path) -> None:
    whole = path.read_bytes()
    for size in [0, 1, 20, *range(100, len(whole), 4001), len(whole) - 1]:
        path.write_bytes(whole[:size])
        refused(rows, path)
    path.unlink()
    refused(rows, path)


def test_another_m_is_refused(rows: IndexedRows, path: Path) -> None:
    with pytest.raises(Corrupted, match="m=8, expected 16"):
        rows.index("hnsw", path, Hnsw(m=16))


def test_a_newer_version_is_told_apart(rows: IndexedRows, path: Path) -> None:
    write_checked(path, MAGIC, VERSION + 1, [b"x"])
    with pytest.raises(VersionMismatch):
        rows.index("hnsw", path)


@pytest.mark.parametrize(
    ("section", "content"),
    [
        (ENTRY, b""),
        (ENTRY, struct.pack("<QQII", COUNT, COUNT, M, 1 << 16)),  # no such row
        (ENTRY, struct.pack("<QQII", 2**64 - 1, COUNT, M, 1 << 16)),  # no entry, yet there are rows
        (ENTRY, struct.pack("<QQII", 200 << 32, COUNT, M, 1 << 16)),  # no such level
        (ENTRY, struct.pack("<QQII", 0, COUNT + 1, M, 1 << 16)),
        (ENTRY, struct.pack("<QQII", 0, 2**63, M, 1 << 16)),
        (LEVELS, b""),
        (LEVELS, bytes(COUNT)),  # all rows outside
        (LEVELS, b"\xff" * COUNT),
        (LEVELS, b"\x01" * (1 << 20)),  # more rows than the store has
        (GROUND, b""),
        (GROUND, b"\x01"),
        (GROUND, b"\xff" * (COUNT * 2 * M * 4)),  # links out of range
        (GROUND, np.full(COUNT * 2 * M, COUNT, np.uint32).tobytes()),
        (GROUND, bytes((COUNT - 1) * 2 * M * 4)),
        (UPPER, b""),
        (UPPER, b"\xff" * 4),
        (UPPER, b"\xff" * (1 << 16)),
    ],
)
def test_sections_that_contradict_each_other_are_damage(
    rows: IndexedRows, path: Path, section: int, content: bytes
) -> None:
    """The checksums are right: it is the content that no graph has."""
    sections = [bytes(each) for each in read_checked(path, MAGIC, VERSION)]
    sections[section] = content
    write_checked(path, MAGIC, VERSION, sections)
    refused(rows, path)


def test_random_sections_are_damage_or_a_sound_graph(rows: IndexedRows, path: Path) -> None:
    numbers = random.Random(SEED)
    whole = [bytes(each) for each in read_checked(path, MAGIC, VERSION)]
    query = rows.X[3]
    for attempt in range(150):
        sections = list(whole)
        section = bytearray(sections[numbers.randrange(4)])
        for _ in range(numbers.choice([1, 3, 50])):
            section[numbers.randrange(len(section))] = numbers.randrange(256)
        sections[[len(each) for each in sections].index(len(section))] = bytes(section)
        write_checked(path, MAGIC, VERSION, sections)
        try:
            index = HnswIndex(rows.store, SETTINGS, POOL, POOL, path)
        except Corrupted:
            continue
        live = index.members().rows()
        found, _, _ = index.search(query, 5, 20, view_of(live), exact=False, normalise=False, timeout_seconds=0)
        assert set(found.tolist()) <= set(live.tolist()), f"seed {SEED}, attempt {attempt}"
