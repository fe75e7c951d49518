"""Recall as it is measured, against recall counted with numpy on the same queries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

import vecdb
from vecdb.collection.measure import between, measured_curve, promised, recalls, sampled_queries
from vecdb.collection.recall_curve import MEASURED_EFS, RecallCurve
from vecdb.collection.snapshot import Snapshot
from vecdb.collection.vector_column import VectorColumn
from vecdb.index.vector_index import View
from vecdb.native.index import RowMask, ThreadPool

SEED = 12
ROWS, DIMENSION, K = 1500, 24, 10
LIVE = np.arange(0, ROWS, 2, dtype=np.uint32)
POOL = ThreadPool(1)


@pytest.fixture(params=["l2", "cosine", "dot", "cosine float16"])
def column(request: pytest.FixtureRequest) -> Iterator[VectorColumn]:
    """Clustered rows in a poor graph, so that recall is not simply 1."""
    numbers = np.random.default_rng(SEED)
    X = numbers.standard_normal((ROWS, DIMENSION), dtype=np.float32)
    metric, dtype = (*request.param.split(), "float32")[:2]
    if metric == "cosine":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
    vector = vecdb.Vector(DIMENSION, metric=metric, index=vecdb.Hnsw(m=4, ef_construction=10), dtype=dtype)
    column = VectorColumn("", vector, None, rows=ROWS, index_file=None, pool=POOL, background=POOL, read_only=False)
    column.ensure(ROWS)
    column.write(np.arange(ROWS, dtype=np.uint32), X.astype(dtype).view(np.uint8).reshape(ROWS, -1))
    column.index.insert(np.arange(ROWS, dtype=np.uint32))
    yield column
    column.rows.close()


def snapshot_of(rows: npt.NDArray[np.uint32]) -> Snapshot:
    live = RowMask.of(rows)
    return Snapshot(1, live, {"": View(live, RowMask(), True)})


def counted(column: VectorColumn, queries: npt.NDArray[np.float32], ef: int) -> npt.NDArray[np.float64]:
    """recall@K of each query by numpy: found ids among the K nearest live rows."""
    X = column.read(LIVE).astype(np.float64)
    wide = queries.astype(np.float64)
    table = ((wide[:, None] - X) ** 2).sum(axis=2) if column.vector.metric == "l2" else -(wide @ X.T)
    view = snapshot_of(LIVE).views[""]
    found, _, counts = column.index.search_many(queries, K, ef, view, exact=False, timeout_seconds=0)
    assert (counts == K).all()
    nearest = LIVE[np.argsort(table, axis=1)[:, :K]]
    return np.array([len(set(a) & set(b)) / K for a, b in zip(found.tolist(), nearest.tolist(), strict=True)])


@pytest.mark.parametrize("ef", [10, 20, 200])
def test_recall_is_the_share_of_the_true_nearest(column: VectorColumn, ef: int) -> None:
    queries = sampled_queries(column, snapshot_of(LIVE), 60, SEED, mix=0.4)
    measured = recalls(column, snapshot_of(LIVE), queries, K, ef)
    np.testing.assert_allclose(measured, counted(column, queries, ef), atol=1e-9, err_msg=f"seed {SEED}")


def test_queries_are_live_vectors_without_repeats(column: VectorColumn) -> None:
    live = {row.tobytes() for row in column.read(LIVE)}
    queries = sampled_queries(column, snapshot_of(LIVE), 50, 1)
    assert queries.shape == (50, DIMENSION)
    assert len({row.tobytes() for row in queries}) == 50
    if column.vector.metric != "cosine":
        assert {row.tobytes() for row in queries} <= live
    np.testing.assert_array_equal(queries, sampled_queries(column, snapshot_of(LIVE), 50, 1))
    assert (queries != sampled_queries(column, snapshot_of(LIVE), 50, 2)).any()
    assert len(sampled_queries(column, snapshot_of(LIVE[:7]), 50, 1)) == 7
    mixed = sampled_queries(column, snapshot_of(LIVE), 50, 1, mix=0.4)
    assert not {row.tobytes() for row in mixed} & live
    if column.normalise:
        np.testing.assert_allclose(np.linalg.norm(mixed, axis=1), 1, atol=1e-6)


def strangers(column: VectorColumn, count: int) -> npt.NDArray[np.float32]:
    """Queries of the rows' distribution that are not among them."""
    X = np.random.default_rng(SEED + 5).standard_normal((count, DIMENSION), dtype=np.float32)
    return X / np.linalg.norm(X, axis=1, keepdims=True) if column.normalise else X


def assert_rises(curve: RecallCurve) -> None:
    efs, reached = [ef for ef, _ in curve.points], [recall for _, recall in curve.points]
    assert curve.rows == len(LIVE)
    assert tuple(efs) == MEASURED_EFS[: len(efs)]
    assert reached == sorted(reached)


def test_the_curve_of_the_rows_is_near_what_strangers_get(column: VectorColumn) -> None:
    curve = measured_curve(column, snapshot_of(LIVE))
    assert_rises(curve)
    queries = strangers(column, 400)
    for ef, recall in curve.points:
        got = counted(column, queries, ef).mean()
        assert recall - 0.05 < got < recall + 0.12, f"seed {SEED}, ef {ef}, promised {recall}"


@pytest.mark.parametrize(
    ("like", "unlike", "expected"), [(1.0, 1.0, 1.0), (1.0, 0.5, 1.0), (0.96, 0.64, 0.88), (0.5, 0.9, 0.5), (0, 0, 0)]
)
def test_between_two_kinds_of_queries(like: float, unlike: float, expected: float) -> None:
    assert between(like, unlike) == pytest.approx(expected)


def test_a_promise_is_a_standard_error_below_the_mean() -> None:
    assert promised(np.ones(5)) == 1
    assert promised(np.zeros(5)) == 0
    assert promised(np.array([1.0, 0.0] * 50)) == pytest.approx(0.5 - 0.5 / 10)
