"""RowMask against a Python set under random operations; a version once made never changes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vecdb.native.index import RowMask

CHUNK_ROWS = 32_768
# Where words and chunks begin and end, and rows far apart.
EDGES = [0, 1, 63, 64, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 63, 5 * CHUNK_ROWS, 1_000_000]


@pytest.mark.parametrize("seed", range(6))
def test_random_changes_agree_with_a_set_and_leave_older_versions_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bound = int(rng.choice([70, 1_000, 3 * CHUNK_ROWS]))
    versions: list[tuple[RowMask, frozenset[int]]] = [(RowMask(), frozenset())]
    for _ in range(60):
        mask, model = versions[rng.integers(len(versions))]
        added, removed = random_rows(rng, bound), random_rows(rng, bound)
        versions.append((mask.with_changes(added, removed), (model | set(added.tolist())) - set(removed.tolist())))
    for number, (mask, model) in enumerate(versions):
        assert_is(mask, model, f"seed {seed}, version {number}")


@pytest.mark.parametrize("seed", range(4))
def test_minus_is_the_difference_of_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(30):
        a, b = (random_rows(rng, 4 * CHUNK_ROWS, sparse=True) for _ in range(2))
        assert_is(RowMask.of(a).minus(RowMask.of(b)), frozenset(a.tolist()) - set(b.tolist()), f"seed {seed}")


@pytest.mark.parametrize("rows", [0, *EDGES, 1_000_037])
def test_all_rows_below_a_bound(rows: int) -> None:
    assert_is(RowMask.below(rows), frozenset(range(rows)), f"{rows} rows")


@pytest.mark.parametrize("seed", range(4))
def test_rows_come_from_the_first_on_and_no_more_than_asked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.union1d(np.array(EDGES, np.uint32), random_rows(rng, 2 * CHUNK_ROWS))
    mask = RowMask.of(rows)
    for first in [*EDGES, 65, 1_000_001, 2**31 - 1, *rng.integers(0, 2 * CHUNK_ROWS, 20).tolist()]:
        for most in (0, 1, 7, len(rows), 10**9):
            np.testing.assert_array_equal(mask.rows(first, most), rows[rows >= first][:most], f"seed {seed}, {first}")


def test_words_are_the_bitmap_and_make_the_mask_again() -> None:
    rows = np.array(EDGES, np.uint32)
    words = RowMask.of(rows).words()
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    np.testing.assert_array_equal(np.flatnonzero(bits), rows)
    assert_is(RowMask.from_words(words), frozenset(EDGES), "whole words")
    # A last chunk that is cut short, and words of their own making.
    some = np.random.default_rng(1).integers(0, 2**64, 700, np.uint64)
    some[::3] = 0
    expected = np.flatnonzero(np.unpackbits(some.view(np.uint8), bitorder="little"))
    assert_is(RowMask.from_words(some), frozenset(expected.tolist()), "seed 1")


def test_an_empty_mask_has_nothing() -> None:
    nothing = np.zeros(0, np.uint32)
    masks = [RowMask(), RowMask.of(nothing), RowMask.from_words(np.zeros(0, np.uint64)), RowMask().minus(RowMask())]
    masks += [RowMask().with_changes(None, None), RowMask().with_changes(nothing, np.array([5, 10**6], np.uint32))]
    for mask in masks:
        assert_is(mask, frozenset(), "empty")
    full = RowMask.of(np.arange(CHUNK_ROWS + 5, dtype=np.uint32))
    assert_is(full.with_changes(None, full.rows()), frozenset(), "emptied")
    assert_is(full.minus(full), frozenset(), "minus itself")


def test_added_rows_that_are_removed_by_the_same_change_are_gone() -> None:
    rows = np.array([3, 3, 9, CHUNK_ROWS], np.uint32)
    assert_is(RowMask().with_changes(rows, rows[:2]), frozenset({9, CHUNK_ROWS}), "")


def test_the_last_row_number_has_a_place() -> None:
    last = np.array([2**31 - 1], np.uint32)
    mask = RowMask.of(last)
    assert len(mask) == 1
    assert 2**31 - 1 in mask
    np.testing.assert_array_equal(mask.rows(), last)


def random_rows(rng: np.random.Generator, bound: int, sparse: bool = False) -> NDArray[np.uint32]:
    """Rows below a bound, some twice, sometimes a dense run; sparse: in a few chunks only."""
    rows = rng.integers(0, bound, rng.integers(0, 200))
    start = int(rng.integers(0, bound))
    run = np.arange(start, min(bound, start + int(rng.integers(0, 300))))
    rows = np.concatenate([rows, run, rows[:5]])
    if sparse:
        rows = rows[(rows // CHUNK_ROWS) % 2 == rng.integers(2)]
    return rng.permutation(rows).astype(np.uint32)


def assert_is(mask: RowMask, expected: frozenset[int], message: str) -> None:
    rows = mask.rows()
    assert rows.dtype == np.uint32
    np.testing.assert_array_equal(rows, sorted(expected), message)
    assert len(mask) == len(expected), message
    probes = [*list(expected)[:50], *(row + 1 for row in list(expected)[:50]), *EDGES]
    assert [row in mask for row in probes] == [row in expected for row in probes], message
