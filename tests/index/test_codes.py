"""A graph index walked by codes: it answers by the rows themselves, and the codes follow the rows."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import pytest

from tests.index.coded_rows import (
    ALL,
    COUNT,
    DIMENSION,
    EF,
    SEED,
    SETTINGS,
    SHAPES,
    K,
    Rows,
    check,
    clustered,
    rows_of,
    walked_by_codes,
)
from tests.index.indexed_rows import view_of
from vecdb.index import hnsw
from vecdb.index.code_training import code4_for
from vecdb.index.codes import Codes
from vecdb.index.hnsw import HnswIndex
from vecdb.index.vector_index import RowNumbers
from vecdb.native.index import Graph, RowMask, ThreadPool, search
from vecdb.native.rows import Code4, RowStore


@dataclass(frozen=True, slots=True)
class Built:
    """An index over all rows, which no test changes."""

    rows: Rows
    index: HnswIndex


@pytest.fixture(scope="module", params=SHAPES)
def built(request: pytest.FixtureRequest) -> Built:
    rows = rows_of(request.param)
    index = rows.index()
    for part in np.array_split(ALL, 3):
        index.insert(part, RowMask.of(ALL))
    return Built(rows, index)


def test_codes_are_used_and_the_nearest_are_found(built: Built) -> None:
    assert walked_by_codes(built.index)
    assert built.index.graph.store.metric == ("dot" if built.rows.metric == "dot" and not built.rows.unit else "l2")
    assert built.index.graph.unsound_links() == 0
    check(built.rows, built.index, view_of(ALL))


@pytest.mark.parametrize("share", [0.9, 0.3, 0.02, 0.001])
def test_a_mask_hides_rows(built: Built, share: float) -> None:
    live = ALL[np.random.default_rng(SEED).random(COUNT) < share]
    check(built.rows, built.index, view_of(live, masked=True))
    check(built.rows, built.index, view_of(live, masked=False), recall=0 if share < 0.9 else 0.9)


def test_a_tail_is_scanned(built: Built) -> None:
    tail = ALL[::9].copy()
    check(built.rows, built.index, view_of(ALL, tail, masked=True))
    check(built.rows, built.index, view_of(ALL, tail, masked=False))


@pytest.mark.parametrize("ef", [1, 3, 24, 25, 40, 64, 65, 128, 129, 500, 2 * COUNT, 2**31, 2**32 - 1])
@pytest.mark.parametrize("k", [1, 10, 100, 1_000, COUNT + 100])
def test_any_k_and_ef_give_as_many_rows_as_there_are(built: Built, k: int, ef: int) -> None:
    for live, masked in ((ALL, False), (ALL[::3].copy(), True), (ALL[5:8], True)):
        view = view_of(live, masked=masked)
        found, distances, _ = built.index.search(
            built.rows.X[7], k, ef, view, exact=False, normalise=False, timeout_seconds=0
        )
        assert len(set(found.tolist())) == len(found) == min(k, len(live))
        assert set(found.tolist()) <= set(live.tolist())
        assert (np.diff(distances) >= 0).all()


def test_more_candidates_find_no_less(built: Built) -> None:
    for ef, floor in ((10, 0.6), (40, 0.9), (129, 0.97), (500, 0.99)):
        check(built.rows, built.index, view_of(ALL), recall=floor, ef=ef)


def test_every_row_is_its_own_nearest(built: Built) -> None:
    found, distances, _ = built.index.search_many(
        np.ascontiguousarray(built.rows.X[:COUNT:7]), 1, EF, view_of(ALL), exact=False, timeout_seconds=0
    )
    if built.rows.metric == "l2":
        assert not distances.any()
    if built.rows.metric == "l2" or built.rows.unit:
        assert np.mean(found[:, 0] == ALL[::7]) >= 0.99


def test_few_rows_are_walked_as_they_are() -> None:
    rows = rows_of("l2", 1_100)
    index = rows.index()
    index.insert(ALL[:1_000])
    assert not walked_by_codes(index)
    check(rows, index, view_of(ALL[:1_000]))
    links = index.memory_bytes()
    index.insert(ALL[1_000:1_100], RowMask.of(ALL[:1_100]))
    assert walked_by_codes(index)
    assert index.memory_bytes() >= links + 1_100 * 64
    check(rows, index, view_of(ALL[:1_100]))


def test_rows_that_codes_cannot_tell_apart_are_walked_as_they_are() -> None:
    """Tight clusters far from one another: four bits do not resolve what is within one of them."""
    rows = rows_of("l2")
    centres = 1_000 * np.sign(np.random.default_rng(SEED).standard_normal((4, DIMENSION)))
    rows.X[:COUNT] = centres[np.arange(COUNT) % 4] + 0.01 * np.random.default_rng(SEED).standard_normal(
        (COUNT, DIMENSION)
    )
    index = rows.index()
    index.insert(ALL[:1_500])
    assert not walked_by_codes(index)
    rows.X[:COUNT] = clustered(COUNT)
    index = rows.index()
    index.insert(ALL[:1_100])
    assert walked_by_codes(index)
    # What joins may be such that the codes, made anew, are given up.
    rows.X[1_100:COUNT] = 1e5 * rows.X[1_100:COUNT]
    rows.X[1_100:COUNT:2] = rows.X[1_100] + 0.1 * clustered(len(rows.X[1_100:COUNT:2]), sample=3)
    index.insert(ALL[1_100:], RowMask.of(ALL))
    assert not walked_by_codes(index)
    found, distances, _ = index.search(rows.X[9], K, EF, view_of(ALL), exact=False, normalise=False, timeout_seconds=0)
    assert (found[0], distances[0], len(found)) == (9, 0, K)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_index_that_lost_most_rows_gives_memory_back_and_takes_them_again(shape: str) -> None:
    rows = rows_of(shape)
    index = rows.index()
    index.insert(ALL, RowMask.of(ALL))
    kept = ALL[:200]
    index.remove(ALL[200:])
    assert walked_by_codes(index)
    assert index._codes is not None
    codes = index._codes.read(ALL)
    assert codes[:200].any(axis=1).all()
    assert not codes[1000:2800].any(), "pages given back are zeros"
    check(rows, index, view_of(kept))
    index.insert(ALL[1000:], RowMask.of(np.concatenate([kept, ALL[1000:]])))
    check(rows, index, view_of(np.concatenate([kept, ALL[1000:]])))


@pytest.mark.parametrize("shape", SHAPES)
def test_other_rows_may_take_the_numbers_of_removed_ones(shape: str) -> None:
    rows = rows_of(shape)
    index = rows.index()
    index.insert(ALL)
    rng = np.random.default_rng(SEED)
    for sample in (3, 4):
        gone = np.sort(rng.choice(ALL, 3 * COUNT // 10, replace=False))
        index.remove(gone)
        left = np.setdiff1d(ALL, gone)
        assert index.graph.unsound_links() == 0
        check(rows, index, view_of(left))
        rows.X[gone] = clustered(len(gone), unit=rows.unit, sample=sample)
        index.insert(gone[: len(gone) // 2], RowMask.of(ALL))
        index.insert(gone[len(gone) // 2 :], RowMask.of(ALL))
        assert walked_by_codes(index)
        check(rows, index, view_of(ALL))


def test_rows_of_no_length_copies_and_rows_far_away_are_found() -> None:
    rows = rows_of("l2")
    index = rows.index()
    index.insert(ALL[:2_000])
    rows.X[2_000:2_100] = 0
    rows.X[2_100:2_300] = rows.X[5]
    rows.X[2_300:2_400] *= 1e12  # after the codes were made for others
    index.insert(ALL[2_000:], RowMask.of(ALL))
    assert walked_by_codes(index)
    assert index.graph.unsound_links() == 0
    check(rows, index, view_of(ALL), recall=0.85)  # rows of no length lie near everything, and hide some
    found, distances, _ = index.search(
        rows.X[5], 150, EF, view_of(ALL), exact=False, normalise=False, timeout_seconds=0
    )
    assert not distances.any()
    assert set(found.tolist()) <= {5, *range(2_100, 2_300)}


def test_codes_are_made_anew_as_rows_double_while_others_search(monkeypatch: pytest.MonkeyPatch) -> None:
    trainings: list[int] = []

    def noted(source: RowStore, live: RowNumbers, unit: bool, pool: ThreadPool) -> Code4 | None:
        trainings.append(len(live))
        return code4_for(source, live, unit, pool)

    monkeypatch.setattr(hnsw, "code4_for", noted)
    rows = rows_of("l2", 4_700)
    index = rows.index()
    order = np.random.default_rng(SEED).permutation(4_700).astype(np.uint32)
    steps = [600, 1_100, 1_500, 2_300, 3_000, 4_700]
    published = [np.sort(order[: steps[0]])]
    index.insert(order[: steps[0]])
    queries = clustered(20, sample=2)
    stop = threading.Event()
    errors: list[str] = []
    recalls: list[float] = []

    def search_on() -> None:
        turn = 0
        while not stop.is_set() or turn < 5:
            turn += 1
            live = published[-1]
            try:
                found, distances, counts = index.search_many(
                    queries, K, EF, view_of(live, masked=True), exact=False, timeout_seconds=0
                )
                one, _, _ = index.search(
                    queries[0], K, EF, view_of(live, masked=True), exact=False, normalise=False, timeout_seconds=0
                )
            except Exception as error:
                errors.append(repr(error))
                return
            hits = 0
            for query, chosen, near in zip(queries, found, distances, strict=True):
                truth, bound = rows.nearest(query, live)
                if not set(chosen.tolist()) <= set(live.tolist()) or (np.diff(near) < 0).any():
                    errors.append(f"{chosen} {near}")
                hits += int(np.count_nonzero(truth[chosen] <= bound * (1 + 1e-6)))
            if set(counts.tolist()) != {K} or len(set(one.tolist())) != K:
                errors.append(f"{counts} {one}")
            recalls.append(hits / (K * len(queries)))

    threads = [threading.Thread(target=search_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for done, until in zip(steps, steps[1:], strict=False):
            index.insert(order[done:until], RowMask.of(np.sort(order[:until])))
            published.append(np.sort(order[:until]))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors, f"seed {SEED}: {errors[:3]}"
    assert trainings == [1_100, 2_300, 4_700]
    assert min(recalls) >= 0.85, f"seed {SEED}"
    assert np.mean(recalls) >= 0.95, f"seed {SEED}"
    check(rows, index, view_of(np.arange(4_700, dtype=np.uint32)))


def test_an_entry_beyond_the_codes_of_a_search_under_way_is_answered_by_a_scan() -> None:
    """A search that began before codes were made anew holds fewer of them than the graph has rows."""
    rows = rows_of("l2")
    index = rows.index()
    index.insert(ALL)
    codes = index._codes
    assert codes is not None
    page = np.ascontiguousarray(codes.read(ALL[:512])).reshape(-1)
    smaller = RowStore("code4", "l2", DIMENSION, codes.code4.row_bytes, 9, codes.code4)
    smaller.add_page(page)
    levels = index.graph.levels()[:COUNT]
    entries = [int(index.graph.entry), (int(levels[2_000]) - 1) << 32 | 2_000, (int(levels[3]) - 1) << 32 | 3]
    for entry in entries:
        graph = Graph(rows.store, SETTINGS.m, SETTINGS.ef_construction)
        graph.restore(levels, index.graph.ground_links(0, COUNT), index.graph.upper_links(), entry)
        graph.set_store(smaller)
        for masked in (False, True):
            found, _, scanned = search(
                graph, rows.store, rows.X[2_500], RowMask.of(ALL), RowMask(), 600, 700, masked, False
            )
            assert scanned
            assert len(set(found.tolist())) == 600
            assert found[0] == 2_500
            near, _, scanned = search(graph, rows.store, rows.X[5], RowMask.of(ALL), RowMask(), 5, 50, masked, False)
            assert len(set(near.tolist())) == 5
            assert scanned == (entry & 0xFFFFFFFF >= 512)


def test_codes_are_read_as_they_were_written() -> None:
    rows = rows_of("l2")
    code4 = Code4("l2", 1, np.eye(DIMENSION, 112, dtype=np.float32), np.zeros(DIMENSION, np.float32))
    codes = Codes(rows.store, code4, COUNT)
    codes.write(ALL[:0])
    assert codes.store.page_count == 0
    codes.write(ALL[2_990:])
    assert codes.store.row_bound > 2_990
    expected = np.empty((10, 64), np.uint8)
    code4.encode(rows.store, ALL[2_990:], expected)
    np.testing.assert_array_equal(codes.read(ALL[2_990:]), expected)
    assert not codes.read(ALL[:10]).any()
    codes.restore(3, expected)
    np.testing.assert_array_equal(codes.read(ALL[3:13]), expected)
    assert codes.memory_bytes() == COUNT * 64 + code4.matrix.nbytes


def test_codes_are_made_anew_as_rows_are_replaced() -> None:
    """No more rows than before, but elsewhere: what the codes were made for is gone."""
    rows = rows_of("l2")
    index = rows.index()
    live = RowMask.of(ALL)
    index.insert(ALL, live)
    first = index.graph.store
    shift = np.float32(5)
    parts = np.array_split(ALL, 3)
    for turn in range(2):
        for part in parts:
            index.remove(part)
            rows.X[part] = clustered(len(part), sample=2 + turn) + shift
            index.insert(part, live)
    assert index.graph.store is not first
    assert index._codes is not None
    np.testing.assert_allclose(index._codes.code4.mean, rows.X[:COUNT].mean(axis=0), atol=0.2)
    view = view_of(ALL)
    queries = clustered(40, sample=9) + shift
    share = 0.0
    for query in queries:
        _, found, _ = index.search(query, K, EF, view, exact=False, normalise=False, timeout_seconds=0)
        _, bound = rows.nearest(query, ALL)
        share += np.count_nonzero(found <= bound * (1 + 1e-5)) / K / len(queries)
    assert share >= 0.95, f"seed {SEED}"
