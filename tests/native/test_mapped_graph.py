"""A graph that is searched where its numbers lie: it answers as a copy would, never changes, and survives any links."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.native.stored_rows import StoredRows, all_rows, stored
from vecdb.native import kernels
from vecdb.native.index import Graph, RowMask, ThreadPool, search_many
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4, RowStore, stored_checksums

ROWS, DIMENSION, M = 1_500, 12, 6
ONE_THREAD = ThreadPool(1)
SEEDS = range(20)


@pytest.mark.parametrize("metric", kernels.METRICS)
def test_it_answers_as_the_first_does(metric: Metric) -> None:
    rows, graph = built(metric)
    mapped = mapped_like(graph, rows.store)
    assert len(mapped) == len(graph)
    assert mapped.unsound_links() == 0
    assert mapped.member_mask().rows().tolist() == np.flatnonzero(graph.levels()).tolist()
    np.testing.assert_array_equal(mapped.levels(), graph.levels()[:ROWS])
    np.testing.assert_array_equal(mapped.upper_links(), graph.upper_links())
    np.testing.assert_array_equal(mapped.ground_links(0, ROWS), graph.ground_links(0, ROWS))
    for ef, masked in ((20, False), (60, True)):
        for one, other in zip(answers(graph, rows, ef, masked), answers(mapped, rows, ef, masked), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("part_rows", [256, 1024, ROWS - 1, ROWS + 1, 300])
def test_its_links_come_in_parts_of_whole_pages(part_rows: int) -> None:
    """A page of this graph has 16,384 rows, more than there are."""
    rows, graph = built("l2")
    levels, ground = graph.levels()[:ROWS], graph.ground_links(0, ROWS)
    parts = [ground[first : first + part_rows] for first in range(0, ROWS, part_rows)]
    for fill in (Graph.restore, Graph.map):
        again = Graph(rows.store, M, 30)
        if len(parts) > 1:
            with pytest.raises(ValueError, match="whole pages"):
                fill(again, levels, parts, graph.upper_links(), graph.entry)
        else:
            fill(again, levels, parts, graph.upper_links(), graph.entry)
            assert again.unsound_links() == 0


def test_parts_may_end_where_pages_do() -> None:
    """With 2 * 512 links a row a page has 512 rows: the same small graph in two parts."""
    count, m = 700, 512
    X = np.random.default_rng(3).standard_normal((count, 4)).astype(np.float32)
    rows = stored(X)
    graph = Graph(rows.store, m, 20)
    graph.insert(all_rows(count), ONE_THREAD)
    levels, ground = graph.levels()[:count], graph.ground_links(0, count)
    for fill in (Graph.restore, Graph.map):
        again = Graph(rows.store, m, 20)
        fill(again, levels, [ground[:512].copy(), ground[512:].copy()], graph.upper_links(), graph.entry)
        np.testing.assert_array_equal(again.ground_links(0, count), ground)
        assert again.unsound_links() == 0


def test_what_would_change_it_is_refused() -> None:
    rows, graph = built("l2")
    mapped = mapped_like(graph, rows.store)
    for change in (
        lambda: mapped.insert(all_rows(3), ONE_THREAD),
        lambda: mapped.remove(all_rows(3), ONE_THREAD),
        mapped.relink,
    ):
        with pytest.raises(ValueError, match="not changed"):
            change()
    with pytest.raises(ValueError, match="not empty"):
        mapped.map(graph.levels(), graph.ground_links(0, ROWS), graph.upper_links(), graph.entry)
    for one, other in zip(answers(graph, rows, 20, False), answers(mapped, rows, 20, False), strict=True):
        np.testing.assert_array_equal(one, other)


def test_levels_and_entry_are_checked() -> None:
    rows, graph = built("l2")
    levels, ground, upper = graph.levels()[:ROWS].copy(), graph.ground_links(0, ROWS), graph.upper_links()
    high = levels.copy()
    high[3] = 200
    for spoiled, spoiled_upper, entry in (
        (high, upper, graph.entry),
        (levels, upper[:-1].copy(), graph.entry),
        (levels, upper, graph.entry + (1 << 32)),
        (levels, upper, 2**64 - 1),
    ):
        mapped = Graph(rows.store, M, 30)
        with pytest.raises(ValueError, match=r"level|upper links|entry"):
            mapped.map(spoiled, ground, spoiled_upper, entry)
        assert len(mapped) == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("coded", [False, True])
def test_any_links_are_harmless(seed: int, coded: bool) -> None:
    """Walks end, and return different rows of the graph with their true distances, as many as are asked for."""
    rng = np.random.default_rng(seed)
    rows, graph = built("l2")
    ground, upper = graph.ground_links(0, ROWS), graph.upper_links()
    for links in (ground.reshape(-1), upper):
        some = rng.integers(0, links.size, int(rng.integers(1, links.size)))
        links[some] = rng.integers(0, 2**32 if seed % 2 else ROWS, len(some), np.uint32)
    mapped = Graph(rows.store, M, 30)
    mapped.map(graph.levels()[:ROWS], ground, upper, graph.entry)
    if coded:
        mapped.set_store(codes_of(rows, rng.integers(0, 256, (ROWS, 64), np.uint8)))
    live = graph.member_mask()
    truth = ((rows.values[:, None, :] - QUERIES[None]) ** 2).sum(axis=2)
    for masked in (False, True):
        found, distances, counts = answers(mapped, rows, 40, masked)
        assert (counts == 10).all(), f"seed {seed}"
        for query, (chosen, near) in enumerate(zip(found, distances, strict=True)):
            assert len(set(chosen.tolist())) == 10, f"seed {seed}"
            assert set(chosen.tolist()) <= set(live.rows().tolist()), f"seed {seed}"
            np.testing.assert_allclose(near, truth[chosen, query], rtol=1e-4, err_msg=f"seed {seed}")


def test_a_last_page_has_as_many_rows_as_it_holds() -> None:
    page = np.arange(4 * 8 * 4, dtype=np.float32).view(np.uint8)
    store = RowStore("float32", "l2", 8, 32, 2)
    store.add_page(page[:128])
    for wrong in (page[:0], page[:31], page[:33], page[:160]):
        with pytest.raises(ValueError, match="whole rows"):
            store.add_last_page(wrong)
    store.add_last_page(page[128:224])
    assert (store.row_bound, store.page_count) == (7, 2)
    for add in (store.add_page, store.add_last_page):
        with pytest.raises(ValueError, match="expected"):
            add(page[:128])
    sums = stored_checksums(store, np.array([6, 0], np.uint32))
    assert sums.tolist() == [kernels.crc32c(page[192:224]), kernels.crc32c(page[:32])]
    with pytest.raises(IndexError):
        stored_checksums(store, np.array([7], np.uint32))


QUERIES = np.random.default_rng(2).standard_normal((30, DIMENSION)).astype(np.float32)


def built(metric: Metric) -> tuple[StoredRows, Graph]:
    """All rows, less some that were taken out again."""
    rows = stored(np.random.default_rng(1).standard_normal((ROWS, DIMENSION)).astype(np.float32), metric=metric)
    graph = Graph(rows.store, M, 30)
    graph.insert(all_rows(ROWS), ONE_THREAD)
    graph.remove(np.arange(5, ROWS, 11, dtype=np.uint32), ONE_THREAD)
    return rows, graph


def mapped_like(graph: Graph, store: RowStore) -> Graph:
    mapped = Graph(store, M, 30)
    mapped.map(graph.levels()[:ROWS], graph.ground_links(0, ROWS), graph.upper_links(), graph.entry)
    return mapped


def codes_of(rows: StoredRows, coded: NDArray[np.uint8]) -> RowStore:
    code4 = Code4("l2", 1, np.eye(DIMENSION, 112, dtype=np.float32), np.zeros(DIMENSION, np.float32))
    store = RowStore("code4", "l2", DIMENSION, 64, 16, code4)
    store.add_last_page(coded.reshape(-1))
    return store


def answers(
    graph: Graph, rows: StoredRows, ef: int, masked: bool
) -> tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.uint32]]:
    return search_many(graph, rows.store, QUERIES, graph.member_mask(), RowMask(), 10, ef, masked, ONE_THREAD)
