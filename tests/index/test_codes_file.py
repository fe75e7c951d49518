"""Codes in the file of a graph: they come back whole, or are refused as damaged; older files have none."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tests.index.coded_rows import (
    ALL,
    DIMENSION,
    EF,
    SEED,
    SHAPES,
    K,
    Rows,
    check,
    clustered,
    rows_of,
    walked_by_codes,
)
from tests.index.indexed_rows import view_of
from vecdb.errors import Corrupted
from vecdb.index.graph_file import MAGIC, VERSION
from vecdb.native.index import RowMask
from vecdb.storage.checked_file import read_checked, write_checked

CODES_HEADER, MEAN, MATRIX, CODES = range(4, 8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Path]:
    rows = rows_of("l2", 1_500)
    index = rows.index()
    index.insert(ALL[:1_500])
    path = tmp_path_factory.mktemp("saved") / "graph.bin"
    index.save(path)
    return rows, path


@pytest.mark.parametrize("shape", SHAPES)
def test_saved_and_loaded_it_answers_the_same(shape: str, tmp_path: Path) -> None:
    rows = rows_of(shape)
    index = rows.index()
    index.insert(ALL)
    index.remove(ALL[::5].copy())
    left = np.setdiff1d(ALL, ALL[::5])
    index.save(tmp_path / "graph.bin")
    again = rows.index(tmp_path / "graph.bin")
    assert walked_by_codes(again)
    assert again.memory_bytes() == pytest.approx(index.memory_bytes(), rel=0.2)
    queries = clustered(40, unit=rows.unit, sample=2)
    for each, other in zip(
        index.search_many(queries, K, EF, view_of(left), exact=False, timeout_seconds=0),
        again.search_many(queries, K, EF, view_of(left), exact=False, timeout_seconds=0),
        strict=True,
    ):
        assert each.tolist() == other.tolist(), f"seed {SEED}"
    again.save(tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "graph.bin").read_bytes()
    again.insert(ALL[::5].copy(), RowMask.of(ALL))
    check(rows, again, view_of(ALL))


def test_an_index_that_was_emptied_comes_back(tmp_path: Path) -> None:
    rows = rows_of("l2", 1_500)
    index = rows.index()
    index.insert(ALL[:1_500])
    index.remove(ALL[:1_500])
    index.save(tmp_path / "graph.bin")
    again = rows.index(tmp_path / "graph.bin")
    assert len(again.members()) == 0
    again.insert(ALL[:1_200])
    check(rows, again, view_of(ALL[:1_200]))


def test_a_file_of_version_one_has_no_codes(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    rows, path = saved
    old = tmp_path / "graph.bin"
    write_checked(old, MAGIC, 1, [bytes(each) for each in read_checked(path, MAGIC, VERSION)][:CODES_HEADER])
    index = rows.index(old)
    assert not walked_by_codes(index)
    check(rows, index, view_of(ALL[:1_500]))
    index.remove(ALL[:1])
    index.insert(ALL[:1], RowMask.of(ALL[:1_500]))
    assert walked_by_codes(index)
    check(rows, index, view_of(ALL[:1_500]))


def sections_of(path: Path) -> list[bytes]:
    return [bytes(each) for each in read_checked(path, MAGIC, VERSION)]


def codes_header(dimension: int = DIMENSION, lines: int = 1, trained_rows: int = 1_500) -> bytes:
    return struct.pack("<IIQ", dimension, lines, trained_rows)


@pytest.mark.parametrize(
    ("section", "content"),
    [
        (CODES_HEADER, b""),
        (CODES_HEADER, codes_header() + b"\0"),
        (CODES_HEADER, codes_header(dimension=DIMENSION + 1)),
        (CODES_HEADER, codes_header(dimension=0)),
        (CODES_HEADER, codes_header(dimension=2**32 - 1)),
        (CODES_HEADER, codes_header(lines=0)),
        (CODES_HEADER, codes_header(lines=2)),
        (CODES_HEADER, codes_header(lines=2**32 - 1)),
        (MEAN, b""),
        (MEAN, b"\0" * 7),
        (MEAN, np.zeros(DIMENSION - 1, np.float32).tobytes()),
        (MEAN, np.full(DIMENSION, np.nan, np.float32).tobytes()),
        (MATRIX, b""),
        (MATRIX, np.zeros((DIMENSION, 111), np.float32).tobytes()),
        (MATRIX, np.full((DIMENSION, 112), np.inf, np.float32).tobytes()),
        (CODES, b""),
        (CODES, bytes(64 * 1_499)),
        (CODES, bytes(64 * 1_501)),
        (CODES, bytes(64 * 1_500 - 1)),
    ],
)
def test_sections_that_contradict_each_other_are_damage(
    saved: tuple[Rows, Path], tmp_path: Path, section: int, content: bytes
) -> None:
    """The checksums are right: it is the content that no codes have."""
    rows, path = saved
    sections = sections_of(path)
    assert len(sections) == CODES + 1
    assert sections[CODES_HEADER] == codes_header()
    sections[section] = content
    refused(rows, sections, tmp_path / "graph.bin")


def refused(rows: Rows, sections: list[bytes], path: Path) -> None:
    write_checked(path, MAGIC, VERSION, sections)
    with pytest.raises(Corrupted) as raised:
        rows.index(path)
    assert raised.value.path == str(path)


@pytest.mark.parametrize("dimension", [1, DIMENSION - 1, DIMENSION + 1, 4 * DIMENSION])
def test_codes_of_rows_of_another_dimension_are_damage(
    saved: tuple[Rows, Path], tmp_path: Path, dimension: int
) -> None:
    """They agree with one another, but a search would read a query of the store's dimension."""
    rows, path = saved
    sections = sections_of(path)
    sections[CODES_HEADER] = codes_header(dimension=dimension)
    sections[MEAN] = np.zeros(dimension, np.float32).tobytes()
    sections[MATRIX] = np.zeros((dimension, 112), np.float32).tobytes()
    refused(rows, sections, tmp_path / "graph.bin")


@pytest.mark.parametrize("first", [0, 1, 1_000, 1_499])
def test_codes_cut_at_another_place_are_damage(saved: tuple[Rows, Path], tmp_path: Path, first: int) -> None:
    """As many rows in all, but the second part belongs to rows that are not there."""
    rows, path = saved
    sections = sections_of(path)
    whole = sections.pop()
    sections += [whole[: 64 * first], whole[64 * first :]]
    refused(rows, sections, tmp_path / "graph.bin")


@pytest.mark.parametrize("removed", [CODES_HEADER, MEAN, MATRIX, CODES])
def test_a_missing_section_is_damage(saved: tuple[Rows, Path], tmp_path: Path, removed: int) -> None:
    rows, path = saved
    sections = sections_of(path)
    del sections[removed]
    refused(rows, sections, tmp_path / "graph.bin")


def test_random_codes_are_walked_without_harm(saved: tuple[Rows, Path], tmp_path: Path) -> None:
    """Bits that mean something else, NaN factors among them, cost recall and nothing more."""
    rows, path = saved
    rng = np.random.default_rng(SEED)
    sections = sections_of(path)
    for content in (rng.bytes(64 * 1_500), b"\xff" * 64 * 1_500, b"\0" * 64 * 1_500):
        sections[CODES] = content
        write_checked(tmp_path / "graph.bin", MAGIC, VERSION, sections)
        index = rows.index(tmp_path / "graph.bin")
        check(rows, index, view_of(ALL[:1_500]), recall=0)
        index.remove(ALL[:100])
        index.insert(ALL[:100])
        assert index.graph.unsound_links() == 0
