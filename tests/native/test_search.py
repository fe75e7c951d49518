"""What a walk by codes found, scored again: as good as if all of it were, by far fewer rows, and never too few."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.native.stored_rows import StoredRows, all_rows, mask_of, stored
from vecdb.native.index import Graph, RowMask, ThreadPool, search, search_many
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4, RowStore

SEED = 515
ROWS, QUERIES, DIMENSION, K = 4_000, 100, 64, 10
WIDTH = 128 - 16

Floats = NDArray[np.float32]


def coded(rows: StoredRows, X: Floats, metric: Metric) -> RowStore:
    """Codes of the rows along random directions."""
    random = np.linalg.qr(np.random.default_rng(SEED).normal(size=(WIDTH, WIDTH)))[0][: X.shape[1]]
    mean = X.mean(axis=0) if metric == "l2" else np.zeros(X.shape[1], np.float32)
    code4 = Code4(metric, 1, np.ascontiguousarray(random, np.float32), mean)
    codes = np.zeros((-(-len(X) // 256) * 256, code4.row_bytes), np.uint8)
    code4.encode(rows.store, all_rows(len(X)), codes[: len(X)])
    store = RowStore("code4", metric, X.shape[1], code4.row_bytes, 8, code4)
    for first in range(0, len(codes), 256):
        store.add_page(codes[first : first + 256].reshape(-1))
    return store


def made(kind: str, metric: Metric) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(SEED)
    if kind == "even":
        X, Q = rng.normal(size=(ROWS, DIMENSION)), rng.normal(size=(QUERIES, DIMENSION))
    elif kind == "clusters":
        centers = 5 * rng.normal(size=(40, DIMENSION))
        X = centers[rng.integers(40, size=ROWS)] + rng.normal(size=(ROWS, DIMENSION))
        Q = centers[rng.integers(40, size=QUERIES)] + rng.normal(size=(QUERIES, DIMENSION))
    else:  # copies: a hundred rows of each
        X = np.repeat(rng.normal(size=(ROWS // 100, DIMENSION)), 100, axis=0)
        Q = rng.normal(size=(QUERIES, DIMENSION))
    if metric == "dot":  # as under cosine
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        Q /= np.linalg.norm(Q, axis=1, keepdims=True)
    return np.ascontiguousarray(X, np.float32), np.ascontiguousarray(Q, np.float32)


@pytest.mark.parametrize("kind", ["even", "clusters", "copies"])
@pytest.mark.parametrize("metric", ["l2", "dot"])
def test_hardly_any_of_the_best_is_left_out(metric: Metric, kind: str) -> None:
    """Codes of unit rows are of their squared distances, whatever the metric of the rows is: see HnswIndex."""
    X, Q = made(kind, metric)
    rows = stored(X, "float32", metric)
    codes = coded(rows, X, "l2")
    pool = ThreadPool(2)
    graph = Graph(codes, 16, 100, 1)
    graph.insert(all_rows(ROWS), pool)
    live, nothing = mask_of(all_rows(ROWS)), RowMask()
    for ef in (16, 64, 300):
        missed = 0
        found, distances, counts = search_many(graph, rows.store, Q, live, nothing, K, ef, False, pool)
        assert (counts == K).all()
        for query, each, own in zip(Q, found, distances, strict=True):
            # All that the walk keeps, by codes alone.
            kept, _, _ = search(graph, codes, query, live, nothing, ef, ef, False, False)
            exact, slack = rows.distances(query)
            best = np.sort(exact[kept])[:K]
            assert (np.abs(own - exact[each]) <= slack[each]).all(), (metric, kind, ef)
            assert (np.diff(own) >= 0).all()
            missed += K - int((exact[each] <= best[-1] + slack.max()).sum())
        assert missed <= 0.002 * K * QUERIES, (metric, kind, ef, missed, SEED)


@pytest.mark.parametrize("size", [1e-25, 1e12, 3e17])
def test_sizes_at_the_edges_of_float32(size: float) -> None:
    """Squares of errors leave float's range: then everything that was found is scored."""
    X, Q = made("even", "l2")
    X, Q = X * np.float32(size), Q * np.float32(size)
    rows = stored(X, "float32", "l2")
    graph = Graph(coded(rows, X, "l2"), 16, 100, 1)
    graph.insert(all_rows(ROWS), ThreadPool(2))
    live = mask_of(all_rows(ROWS))
    for query in Q[:20]:
        found, _, scanned = search(graph, rows.store, query, live, RowMask(), K, 64, False, False)
        assert len(set(found.tolist())) == K
        assert not scanned
