"""Made runbooks: carried out on a dict, nothing is deleted that is not there, and it looks like what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.runbook_file import Book, Delete, Insert, Replace, Search
from vecdb.bench.workloads.runbook_maker import cluster_order, clustered, expiration_time, sliding_window


def sizes_at_searches(book: Book, rows: int) -> list[int]:
    """Carries the book out on a dict."""
    there: dict[int, int] = {}
    sizes, most = [], 0
    for step in book.steps:
        match step:
            case Insert(start, end):
                assert 0 <= start < end <= rows
                assert not there.keys() & set(range(start, end))
                there.update((number, number) for number in range(start, end))
            case Delete(start, end):
                for number in range(start, end):
                    del there[number]
            case Replace(tags_start, tags_end, ids_start, ids_end):
                assert ids_end <= rows
                assert tags_end - tags_start == ids_end - ids_start
                assert not set(there.values()) & set(range(ids_start, ids_end)), "rows that were not there"
                for tag, row in zip(range(tags_start, tags_end), range(ids_start, ids_end), strict=True):
                    assert tag in there
                    there[tag] = row
            case Search():
                sizes.append(len(there))
        most = max(most, len(there))
    assert book.rows_needed <= rows
    return sizes


def most_of(book: Book) -> int:
    there = most = 0
    for step in book.steps:
        there += {Insert: 1, Delete: -1}.get(type(step), 0) * (getattr(step, "end", 0) - getattr(step, "start", 0))
        most = max(most, there)
    return most


@pytest.mark.parametrize(("rows", "batches"), [(100, 10), (103, 7), (2, 2)])
def test_a_window_slides(rows: int, batches: int) -> None:
    book = sliding_window("made", rows, batches)
    sizes = sizes_at_searches(book, rows)
    assert len(sizes) == batches
    assert sizes[-1] == pytest.approx(rows / 2, abs=rows / batches)
    assert book.rows_maximum == most_of(book)
    assert sorted(set(sizes[: batches // 2])) == sizes[: batches // 2], "it fills first"


def test_rows_expire() -> None:
    for seed in range(20):
        book = expiration_time("made", 500, 25, seed)
        sizes = sizes_at_searches(book, 500)
        assert len(sizes) == 25, f"seed {seed}"
        assert sum(isinstance(step, Delete) for step in book.steps) > 10, f"seed {seed}"
        assert 0 < sizes[-1] < 500, f"seed {seed}"
    assert expiration_time("made", 500, 25, 3) == expiration_time("made", 500, 25, 3)
    assert expiration_time("made", 500, 25, 3) != expiration_time("made", 500, 25, 4)


def test_clusters_come_change_and_go() -> None:
    for seed in range(50):
        random = np.random.default_rng(seed)
        sizes = random.integers(0, 40, 8).tolist()
        big = sum(size >= 4 for size in sizes)
        book = clustered("made", sizes, seed)
        found = sizes_at_searches(book, sum(sizes))
        assert len(found) == 3 * big, f"seed {seed}"
        assert found[big - 1] == found[2 * big - 1], f"seed {seed}: replacing changes no number"
        assert found[-1] < found[2 * big], f"seed {seed}"
        assert sum(isinstance(step, Replace) for step in book.steps) == big, f"seed {seed}"
    with pytest.raises(Mistake, match="cluster of 4 rows"):
        clustered("made", [1, 2, 3], 0)


@pytest.mark.parametrize("batches", [1, 11])
def test_batches_are_bounded(batches: int) -> None:
    with pytest.raises(Mistake, match=f"from 2 to 10 batches, received {batches}"):
        sliding_window("made", 10, batches)


@pytest.mark.parametrize("metric", ["euclidean", "angular"])
def test_rows_are_put_in_order_of_their_cluster(metric: str) -> None:
    for seed in range(5):
        random = np.random.default_rng(seed)
        centres = 50 * np.eye(4, dtype=np.float32)
        own = random.integers(0, 4, 400)
        train = (centres[own] + random.standard_normal((400, 4))).astype(np.float32)
        order, sizes = cluster_order(train, "angular" if metric == "angular" else "euclidean", 12, seed)
        assert sorted(order.tolist()) == list(range(400)), f"seed {seed}"
        assert sum(sizes) == 400, f"seed {seed}"
        # More clusters than there are blobs: each lies (all but) within one of them.
        clusters = np.split(own[order], np.cumsum(sizes)[:-1])
        pure = sum(np.bincount(cluster, minlength=4).max() for cluster in clusters)
        assert pure >= 0.7 * 400, f"seed {seed}: {pure}"
