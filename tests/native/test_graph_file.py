"""A graph as plain numbers: what is saved comes back as the same graph, and numbers that do not fit are refused."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.native.stored_rows import StoredRows, all_rows, stored
from vecdb.native import kernels
from vecdb.native.index import Graph, RowMask, ThreadPool, search_many
from vecdb.native.kernels import Metric

ROWS, DIMENSION, M = 1_500, 12, 6
ONE_THREAD = ThreadPool(1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a graph file holds."""

    levels: NDArray[np.uint8]
    ground: NDArray[np.uint32]
    upper: NDArray[np.uint32]
    entry: int


@pytest.mark.parametrize("metric", kernels.METRICS)
def test_a_restored_graph_answers_as_before(metric: Metric) -> None:
    rows = random_rows(metric)
    graph = built(rows)
    again = restored(rows, numbers(graph))
    assert len(again) == len(graph)
    assert again.unsound_links() == 0
    assert_same(numbers(again), numbers(graph))
    queries = np.random.default_rng(2).standard_normal((80, DIMENSION)).astype(np.float32)
    for ef, masked in ((20, False), (60, True)):
        live = graph.member_mask()
        before = search_many(graph, rows.store, queries, live, RowMask(), 10, ef, masked, ONE_THREAD)
        after = search_many(again, rows.store, queries, live, RowMask(), 10, ef, masked, ONE_THREAD)
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("metric", kernels.METRICS)
def test_a_restored_graph_changes_as_the_first_would(metric: Metric) -> None:
    rows = random_rows(metric)
    graph = built(rows)
    again = restored(rows, numbers(graph))
    for one in (graph, again):
        one.remove(all_rows(ROWS)[1::4].copy(), ONE_THREAD)
        one.insert(all_rows(ROWS)[1::8].copy(), ONE_THREAD)
        assert one.unsound_links() == 0
    np.testing.assert_array_equal(graph.levels(), again.levels())
    np.testing.assert_array_equal(graph.ground_links(0, ROWS), again.ground_links(0, ROWS))
    assert graph.entry == again.entry


def test_levels_past_the_last_row_may_be_left_out() -> None:
    rows = random_rows("l2")
    saved = numbers(built(rows))
    short = replace(saved, levels=saved.levels[:ROWS].copy(), ground=saved.ground[:ROWS].copy())
    again = restored(rows, short)
    assert len(again) == len(np.flatnonzero(saved.levels))
    assert again.unsound_links() == 0


def test_an_empty_graph_is_restored_empty() -> None:
    rows = random_rows("l2")
    nothing = Numbers(np.zeros(0, np.uint8), np.zeros((0, 2 * M), np.uint32), np.zeros(0, np.uint32), 2**64 - 1)
    no_members = replace(nothing, levels=np.zeros(7, np.uint8), ground=np.zeros((7, 2 * M), np.uint32))
    for empty in (nothing, no_members):
        graph = restored(rows, empty)
        assert len(graph) == 0
        graph.insert(all_rows(50), ONE_THREAD)
        assert len(graph) == 50


@pytest.mark.parametrize("seed", range(40))
def test_unsound_numbers_are_refused_or_harmless(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows("l2")
    whole = numbers(built(rows))
    for damage in range(8):
        spoiled = spoil(whole, rng, damage)
        graph = Graph(rows.store, M, 30)
        try:
            graph.restore(spoiled.levels, spoiled.ground, spoiled.upper, spoiled.entry)
        except ValueError:
            assert len(graph) == 0, f"seed {seed}, damage {damage}"
            assert not graph.levels().any(), f"seed {seed}, damage {damage}"
            graph.insert(all_rows(30), ONE_THREAD)
            assert len(graph) == 30
        queries = rng.standard_normal((3, DIMENSION)).astype(np.float32)
        live = graph.member_mask()
        _, _, counts = search_many(graph, rows.store, queries, live, RowMask(), 10, 20, True, ONE_THREAD)
        assert (counts == 10).all(), f"seed {seed}, damage {damage}"


def test_every_kind_of_damage_is_named() -> None:
    rows = random_rows("l2")
    whole = numbers(built(rows))
    upper_row = int(np.flatnonzero(whole.levels > 1)[0])
    outside = np.setdiff1d(np.arange(len(whole.levels)), np.flatnonzero(whole.levels))[0]
    ground_outside, ground_far = whole.ground.copy(), whole.ground.copy()
    ground_outside[3, 0] = outside
    ground_far[3, 0] = 2**32 - 1
    level_13, level_lower = whole.levels.copy(), whole.levels.copy()
    level_13[0] = 14
    level_lower[upper_row] = 1
    upper_low = whole.upper.copy()
    upper_low[0] = np.flatnonzero(whole.levels == 1)[0]
    cases = {
        "a link leads to a row outside": [
            replace(whole, ground=ground_outside),
            replace(whole, ground=ground_far),
            replace(whole, upper=upper_low),
        ],
        "level is out of range": [replace(whole, levels=level_13)],
        "do not match the levels": [replace(whole, upper=whole.upper[1:].copy()), replace(whole, levels=level_lower)],
        "the entry is not": [replace(whole, entry=entry) for entry in (2**64 - 1, 2**31, 9 << 32, whole.entry + 2**32)],
        "expected ground links": [replace(whole, ground=whole.ground[:, :-1].copy())],
    }
    for message, spoiled in cases.items():
        for one in spoiled:
            with pytest.raises(ValueError, match=message):
                restored(rows, one)
    with pytest.raises(ValueError, match="not empty"):
        built(rows).restore(whole.levels, whole.ground, whole.upper, whole.entry)
    small = stored(np.zeros((4, DIMENSION), np.float32), page_shift=2)
    with pytest.raises(ValueError, match="beyond its store"):
        restored(small, whole)


def spoil(whole: Numbers, rng: np.random.Generator, damage: int) -> Numbers:
    """A copy with some of its numbers changed at random."""
    levels, ground, upper = whole.levels.copy(), whole.ground.copy(), whole.upper.copy()
    count = int(rng.integers(1, 50))
    anything = rng.integers(0, 2**32, count, np.uint32)
    near = rng.integers(0, len(levels), count, np.uint32)
    if damage in (0, 1):
        ground.reshape(-1)[rng.integers(0, ground.size, count)] = anything if damage else near
    if damage in (2, 3):
        upper[rng.integers(0, upper.size, count)] = anything if damage == 2 else near
    if damage in (4, 5):
        levels[rng.integers(0, levels.size, count)] = rng.integers(0, 256 if damage == 4 else 4, count)
    if damage == 6:
        upper = upper[: rng.integers(0, len(upper))].copy()
    entry = int(rng.integers(0, 2**64, dtype=np.uint64)) if damage == 7 else whole.entry
    return Numbers(levels, ground, upper, entry)


def random_rows(metric: Metric) -> StoredRows:
    X = np.random.default_rng(1).standard_normal((ROWS, DIMENSION)).astype(np.float32)
    return stored(X, metric=metric)


def built(rows: StoredRows) -> Graph:
    """All rows, less some that were taken out again."""
    graph = Graph(rows.store, M, 30)
    graph.insert(all_rows(ROWS), ONE_THREAD)
    graph.remove(np.arange(5, ROWS, 11, dtype=np.uint32), ONE_THREAD)
    return graph


def numbers(graph: Graph) -> Numbers:
    levels = graph.levels()
    return Numbers(levels, graph.ground_links(0, len(levels)), graph.upper_links(), graph.entry)


def restored(rows: StoredRows, saved: Numbers) -> Graph:
    graph = Graph(rows.store, M, 30)
    graph.restore(saved.levels, saved.ground, saved.upper, saved.entry)
    return graph


def assert_same(a: Numbers, b: Numbers) -> None:
    np.testing.assert_array_equal(a.levels, b.levels)
    members = np.flatnonzero(a.levels)
    np.testing.assert_array_equal(a.ground[members], b.ground[members])
    np.testing.assert_array_equal(a.upper, b.upper)
    assert a.entry == b.entry
