"""An index whose file is searched where it is mapped: the same answers at once, then in memory, damage or not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from tests.index.coded_rows import ALL, EF, SEED, SETTINGS, SHAPES, K, Rows, check, clustered, rows_of
from tests.index.indexed_rows import POOL, view_of
from vecdb.errors import Corrupted
from vecdb.index import hnsw
from vecdb.index.graph_file import MAGIC, VERSION
from vecdb.index.hnsw import HnswIndex
from vecdb.native.index import RowMask
from vecdb.storage.checked_file import read_checked, write_checked

HEADER, LEVELS, GROUND, UPPER, CODES_HEADER, MEAN, MATRIX, CODES = range(8)
AT_OPEN = {HEADER, LEVELS, CODES_HEADER, MEAN, MATRIX}  # these are checked before anything is searched


@pytest.fixture(autouse=True)
def every_file_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hnsw, "_LOADED_AT_ONCE_BYTES", 0)


@pytest.fixture(scope="module", params=SHAPES)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Path]:
    """All rows but every fifth, in a file."""
    rows = rows_of(request.param)
    index = rows.index()
    index.insert(ALL)
    index.remove(ALL[::5].copy())
    path = tmp_path_factory.mktemp("saved") / "graph.bin"
    index.save(path)
    return rows, path


LEFT = np.setdiff1d(ALL, ALL[::5])


def mapped(rows: Rows, path: Path) -> HnswIndex:
    return HnswIndex(rows.store, SETTINGS, POOL, POOL, path, unit=rows.unit, mapped=True)


def is_mapped(path: Path) -> bool:
    return str(path) in Path("/proc/self/maps").read_text()


def load_in_steps(index: HnswIndex) -> int:
    """How many steps it took."""
    steps = 1
    while index.load(1):
        steps += 1
    return steps


def section_bounds(path: Path) -> list[tuple[int, int]]:
    """First byte and end of each section, as docs/file_formats.md has them."""
    data = path.read_bytes()
    count = int.from_bytes(data[24:28], "little")
    table = np.frombuffer(data, "<u8", count * 3, 32).reshape(-1, 3)
    return [(int(offset), int(offset + size)) for offset, size, _ in table]


def test_it_answers_before_and_after_it_is_loaded(saved: tuple[Rows, Path]) -> None:
    rows, path = saved
    whole, index = rows.index(path), mapped(rows, path)
    assert is_mapped(path)
    assert index.members().rows().tolist() == LEFT.tolist()
    queries = clustered(40, unit=rows.unit, sample=2)

    def answers(one: HnswIndex) -> list[list[list[float]]]:
        found = one.search_many(queries, K, EF, view_of(LEFT), exact=False, timeout_seconds=0)
        return [each.tolist() for each in found]

    expected = answers(whole)
    assert answers(index) == expected, f"seed {SEED}"
    check(rows, index, view_of(LEFT))
    assert len(ALL) * (64 + 8 * SETTINGS.m) < index.memory_bytes() < path.stat().st_size
    steps = 1
    while index.load(1):
        assert answers(index) == expected, f"seed {SEED}"
        steps += 1
    assert steps >= 3, "ground links, upper links and codes are checked one after the other"
    assert not is_mapped(path)
    assert answers(index) == expected, f"seed {SEED}"
    assert not index.load(1)


def test_it_changes_and_is_saved_as_one_that_was_read_whole(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    rows, path = saved
    files = []
    for index in (rows.index(path), mapped(rows, path)):
        index.save(tmp_path / "unchanged.bin")
        assert (tmp_path / "unchanged.bin").read_bytes() == path.read_bytes()
        index.remove(ALL[1::5].copy())
        index.insert(ALL[::5].copy(), RowMask.of(ALL))
        check(rows, index, view_of(np.setdiff1d(ALL, ALL[1::5])))
        index.save(tmp_path / "changed.bin")
        files.append((tmp_path / "changed.bin").stat().st_size)
        assert index.graph.unsound_links() == 0
    assert files[0] == files[1]


@pytest.mark.parametrize("first", ["insert", "remove"])
def test_a_change_loads_it_first(saved: tuple[Rows, Path], first: str) -> None:
    rows, path = saved
    index = mapped(rows, path)
    if first == "insert":
        index.insert(ALL[:1])
        check(rows, index, view_of(np.union1d(LEFT, ALL[:1])))
    else:
        index.remove(LEFT[:10])
        check(rows, index, view_of(LEFT[10:]))
    assert not is_mapped(path)


def test_a_file_that_is_removed_goes_on(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    rows, path = saved
    copy = tmp_path / "copy.bin"
    copy.write_bytes(path.read_bytes())
    index = mapped(rows, copy)
    copy.unlink()
    check(rows, index, view_of(LEFT))
    assert not index.load()
    check(rows, index, view_of(LEFT))


@pytest.mark.parametrize("section", range(8))
def test_a_changed_bit_is_damage_and_harms_nobody(saved: tuple[Rows, Path], tmp_path: Path, section: int) -> None:
    """At once where a walk relies on it; else searches find rows and their true distances until load() says so."""
    rows, path = saved
    numbers = random.Random(SEED + section)
    first, end = section_bounds(path)[section]
    whole = path.read_bytes()
    damaged = tmp_path / "graph.bin"
    for attempt in range(6):
        changed = bytearray(whole)
        for place in [numbers.randrange(first, end)] if attempt < 3 else range(first, end):
            changed[place] = numbers.randrange(256) if attempt < 3 else changed[place] ^ [0, 0, 0, 255, 128, 1][attempt]
        if changed == whole:
            continue
        damaged.write_bytes(changed)
        if section in AT_OPEN:
            with pytest.raises(Corrupted, match=f"section {section}") as raised:
                mapped(rows, damaged)
        else:
            index = mapped(rows, damaged)
            check(rows, index, view_of(LEFT), recall=0)
            with pytest.raises(Corrupted, match=f"section {section}") as raised:
                load_in_steps(index)
            check(rows, index, view_of(LEFT), recall=0)
            with pytest.raises(Corrupted):
                index.remove(LEFT[:1])
        assert raised.value.path == str(damaged)


def test_links_with_the_right_checksum_are_checked_as_well(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    rows, path = saved
    damaged = tmp_path / "graph.bin"
    for section, content in ((GROUND, 0), (GROUND, 2**32 - 1), (UPPER, 2**31)):
        sections = [bytes(each) for each in read_checked(path, MAGIC, VERSION)]
        sections[section] = np.full(len(sections[section]) // 4, content, np.uint32).tobytes()
        write_checked(damaged, MAGIC, VERSION, sections)
        index = mapped(rows, damaged)
        check(rows, index, view_of(LEFT), recall=0)
        with pytest.raises(Corrupted, match="outside the graph"):
            index.load()


def test_a_file_cut_anywhere_is_damage(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    rows, path = saved
    whole = path.read_bytes()
    for size in [0, 1, 20, *range(100, len(whole), 40_001), len(whole) - 1]:
        (tmp_path / "graph.bin").write_bytes(whole[:size])
        with pytest.raises(Corrupted):
            mapped(rows, tmp_path / "graph.bin")


def test_a_file_without_codes_is_walked_by_its_rows(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    """The first version of the format: the walk goes down the upper layers."""
    rows, path = saved
    old = tmp_path / "graph.bin"
    write_checked(old, MAGIC, 1, [bytes(each) for each in read_checked(path, MAGIC, VERSION)][:CODES_HEADER])
    index = mapped(rows, old)
    assert is_mapped(old)
    check(rows, index, view_of(LEFT))
    assert not index.load()
    check(rows, index, view_of(LEFT))


def test_parts_of_another_size_are_read_at_once(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    rows, path = saved
    sections = [bytes(each) for each in read_checked(path, MAGIC, VERSION)][:CODES_HEADER]
    count, m = len(sections[LEVELS]), SETTINGS.m
    cut = 1_000 * 2 * m * 4
    sections[HEADER] = sections[HEADER][:20] + (1_000).to_bytes(4, "little")
    ground = sections[GROUND]
    sections[GROUND : GROUND + 1] = [ground[first : first + cut] for first in range(0, count * 2 * m * 4, cut)]
    write_checked(tmp_path / "graph.bin", MAGIC, VERSION, sections)
    index = mapped(rows, tmp_path / "graph.bin")
    assert not is_mapped(tmp_path / "graph.bin")
    check(rows, index, view_of(LEFT))
