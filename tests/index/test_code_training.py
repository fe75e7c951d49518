"""The projection of codes: its directions are those of numpy's SVD, and it is tried before it is used."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.index.indexed_rows import POOL
from vecdb.index.code_training import (
    CODES_ROWS_A_DIMENSION,
    CODES_ROWS_MINIMUM,
    COVERAGE_MINIMUM,
    Projection,
    code4_for,
    code4_width,
    distinct_rows,
    principal_directions,
)
from vecdb.native.index import RowMask, search_many
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4, RowStore
from vecdb.schema import Dtype

SEED = 77
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def trained(X: Floats, metric: Metric, lines: int) -> Code4 | None:
    projection = Projection.of(X, metric, min(code4_width(lines), X.shape[1]))
    return None if projection is None else projection.code4(metric, lines)


def store_of(X: npt.NDArray[np.floating], metric: Metric = "l2", dtype: Dtype = "float32") -> RowStore:
    shift = max(len(X) - 1, 1).bit_length()
    page = np.zeros((1 << shift, X.shape[1]), dtype)
    page[: len(X)] = X
    store = RowStore(dtype, metric, X.shape[1], page.itemsize * X.shape[1], shift)
    store.add_page(page.view(np.uint8).reshape(-1))
    return store


def code4_of(X: npt.NDArray[np.floating], metric: Metric = "l2", *, unit: bool = False) -> Code4 | None:
    return code4_for(store_of(X, metric), np.arange(len(X), dtype=np.uint32), unit, POOL)


def spectrum(rng: np.random.Generator, count: int, dimension: int, decay: float) -> Doubles:
    """Gaussian rows whose principal directions are random and carry less and less."""
    turn = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
    return np.asarray(rng.standard_normal((count, dimension)) * decay ** np.arange(dimension) @ turn)


def covered(code4: Code4, X: npt.NDArray[np.floating], metric: Metric, queries: Floats) -> float:
    """The share of the ten nearest by numpy that are among the thirty nearest by codes."""
    store = store_of(X, metric)
    rows = np.arange(len(X), dtype=np.uint32)
    coded = np.empty((len(X), code4.row_bytes), np.uint8)
    code4.encode(store, rows, coded)
    shift = max(len(X) - 1, 1).bit_length()
    page = np.zeros((1 << shift, code4.row_bytes), np.uint8)
    page[: len(X)] = coded
    codes = RowStore("code4", code4.metric, X.shape[1], code4.row_bytes, shift, code4)
    codes.add_page(page.reshape(-1))
    ranked, _, _ = search_many(None, codes, queries, RowMask.of(rows), RowMask(), 30, 30, False, POOL)
    wide, asked = X.astype(np.float32).astype(np.float64), queries.astype(np.float64)
    found = 0
    for query, chosen in zip(asked, ranked, strict=True):
        distances = ((wide - query) ** 2).sum(axis=1) if metric == "l2" else -(wide @ query)
        bound = np.sort(distances)[9]
        found += min(int(np.count_nonzero(distances[chosen] <= bound + 1e-6 * np.abs(bound))), 10)
    return found / (10 * len(queries))


@pytest.mark.parametrize(
    ("count", "dimension", "wanted"),
    [(500, 40, 40), (500, 40, 7), (30, 40, 40), (500, 1, 1), (300, 768, 112), (900, 800, 112), (1_500, 800, 112)],
)
def test_directions_are_those_of_the_svd(count: int, dimension: int, wanted: int) -> None:
    """The last two have so many dimensions that the directions are found by random projections, nearly as good."""
    X = spectrum(np.random.default_rng(SEED), count, dimension, 0.97)
    found = principal_directions(X, wanted)
    assert found.shape == (dimension, wanted)
    np.testing.assert_allclose(found.T @ found, np.eye(wanted), atol=1e-9, err_msg=f"seed {SEED}")
    singular, directions = np.linalg.svd(X, full_matrices=False)[1:]
    squares = singular**2
    kept = np.square(X @ found).sum()
    # No other directions keep more, and these keep as much.
    assert kept <= squares[:wanted].sum() * (1 + 1e-9), f"seed {SEED}"
    assert kept >= squares[:wanted].sum() * (1 - (1e-9 if dimension <= 768 else 2e-3)), f"seed {SEED}"
    # The first ones stand for themselves, whichever way they point.
    first = min(wanted, 5)
    assert (np.abs((directions[:first] * found.T[:first]).sum(axis=1)) > 0.99).all(), f"seed {SEED}"


@pytest.mark.parametrize(("metric", "unit"), [("l2", False), ("dot", False), ("dot", True)])
def test_codes_for_halves_are_those_for_their_numbers(metric: Metric, unit: bool) -> None:
    X = spectrum(np.random.default_rng(SEED), 1_300, 60, 0.9)
    X = X / np.linalg.norm(X, axis=1, keepdims=True) if unit else X
    rows = np.arange(len(X), dtype=np.uint32)
    of_halves = code4_for(store_of(X, metric, "float16"), rows, unit, POOL)
    of_floats = code4_for(store_of(X.astype(np.float16), metric), rows, unit, POOL)
    assert of_halves is not None
    assert of_floats is not None
    assert np.array_equal(of_halves.matrix, of_floats.matrix), f"seed {SEED}"
    assert np.array_equal(of_halves.mean, of_floats.mean), f"seed {SEED}"


def test_the_projection_keeps_lengths_inside_of_its_directions() -> None:
    rng = np.random.default_rng(SEED)
    for dimension, lines in ((48, 1), (112, 1), (300, 1), (300, 3)):
        X = spectrum(rng, 1_200, dimension, 0.98).astype(np.float32)
        code4 = trained(X, "l2", lines)
        assert code4 is not None
        assert code4.matrix.shape == (dimension, code4_width(lines))
        np.testing.assert_allclose(code4.mean, X.astype(np.float64).mean(axis=0), rtol=1e-5, atol=1e-6)
        matrix = code4.matrix.astype(np.float64)
        product = matrix.T @ matrix if dimension >= code4_width(lines) else matrix @ matrix.T
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5, err_msg=f"seed {SEED}")
        # Every number of a row carries about as much.
        shares = np.square((X - code4.mean) @ matrix).sum(axis=0)
        assert shares.max() < 10 * shares.mean(), f"seed {SEED}, dimension {dimension}"


def test_the_dot_product_is_not_centred() -> None:
    X = np.random.default_rng(SEED).standard_normal((1_100, 20)) + 3
    code4 = trained(X.astype(np.float32), "dot", 1)
    assert code4 is not None
    assert not code4.mean.any()
    assert code4.metric == "dot"


def test_unit_rows_are_coded_for_l2() -> None:
    X = np.random.default_rng(SEED).standard_normal((1_100, 20))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    code4 = code4_of(X, "dot", unit=True)
    assert code4 is not None
    assert code4.metric == "l2"


def test_too_few_rows_are_not_coded() -> None:
    X = np.random.default_rng(SEED).standard_normal((CODES_ROWS_MINIMUM, 20))
    assert CODES_ROWS_MINIMUM == 1024
    assert code4_of(X[:-1]) is None
    assert code4_of(X) is not None
    wide = np.random.default_rng(SEED).standard_normal((CODES_ROWS_A_DIMENSION * 200, 200))
    assert code4_of(wide[:-1]) is None
    assert code4_of(wide) is not None


@pytest.mark.parametrize("metric", ["l2", "dot"])
@pytest.mark.parametrize("shape", ["low rank", "gaussian", "clustered", "far from the origin"])
def test_codes_that_are_used_find_the_neighbours(shape: str, metric: Metric) -> None:
    rng = np.random.default_rng(SEED)
    X = {
        "low rank": lambda: rng.standard_normal((3_000, 6)) @ rng.standard_normal((6, 200)),
        "gaussian": lambda: rng.standard_normal((3_000, 64)),
        "clustered": lambda: (
            rng.standard_normal((30, 100))[np.arange(3_000) % 30] + 0.3 * rng.standard_normal((3_000, 100))
        ),
        "far from the origin": lambda: rng.standard_normal((3_000, 64)) + 50,
    }[shape]()
    code4 = code4_of(X, metric)
    assert code4 is not None
    queries = (0.6 * X[:100] + 0.4 * X[100:200]).astype(np.float32)
    assert covered(code4, X, metric, queries) >= 0.97, f"seed {SEED}"


def test_gaussian_rows_of_many_dimensions_take_more_lines() -> None:
    X = np.random.default_rng(SEED).standard_normal((5_000, 500))
    code4 = code4_of(X)
    assert code4 is not None
    assert code4.lines > 2
    queries = (0.6 * X[:50] + 0.4 * X[50:100]).astype(np.float32)
    assert covered(code4, X, "l2", queries) >= 0.97, f"seed {SEED}"
    one_line = trained(X.astype(np.float32), "l2", 1)
    assert one_line is not None
    assert covered(one_line, X, "l2", queries) < COVERAGE_MINIMUM, f"seed {SEED}"


def test_rows_that_codes_cannot_tell_apart_are_not_coded() -> None:
    """Tight clusters far from one another: four bits do not resolve what is within one of them."""
    rng = np.random.default_rng(SEED)
    X = 1_000 * np.sign(rng.standard_normal((4, 48)))[np.arange(2_000) % 4] + 0.01 * rng.standard_normal((2_000, 48))
    assert code4_of(X) is None
    code4 = trained(X.astype(np.float32), "l2", 1)
    assert code4 is not None
    queries = (0.6 * X[:50] + 0.4 * X[4:54]).astype(np.float32)
    assert covered(code4, X, "l2", queries) < COVERAGE_MINIMUM, f"seed {SEED}"


@pytest.mark.parametrize("metric", ["l2", "dot"])
@pytest.mark.parametrize("value", [0.0, 1.0, -7.25, 1e9])
def test_rows_that_are_all_equal_do_no_harm(metric: Metric, value: float) -> None:
    X = np.full((1_500, 30), value)
    code4 = code4_of(X, metric)
    assert code4 is not None
    assert np.isfinite(code4.matrix).all()
    assert covered(code4, X, metric, X[:5].astype(np.float32)) == 1


@pytest.mark.parametrize("values", ["gaussian", "steps"])
def test_one_dimension_is_covered(values: str) -> None:
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((2_000, 1)) if values == "gaussian" else rng.integers(0, 8, (2_000, 1)).astype(float)
    code4 = code4_of(X)
    assert code4 is not None
    assert covered(code4, X, "l2", X[:50].astype(np.float32)) >= 0.97, f"seed {SEED}"


@pytest.mark.parametrize("metric", ["l2", "dot"])
@pytest.mark.parametrize("beyond", [1e16, -3e37, 3e38, np.nan])
def test_numbers_beyond_range_are_not_coded(metric: Metric, beyond: float) -> None:
    X = np.random.default_rng(SEED).standard_normal((1_100, 20))
    X[500, 3] = beyond
    assert trained(X.astype(np.float32), metric, 1) is None
    assert code4_of(X, metric) is None


def test_tiny_numbers_do_no_harm() -> None:
    X = np.random.default_rng(SEED).standard_normal((1_100, 20))
    for size in (1e-10, 1e-20, 1e-38):
        code4 = code4_of(X * size)
        assert code4 is not None
        assert np.isfinite(code4.matrix).all()
        if size**2 > 1e-45:  # else all distances are zero in float32
            assert covered(code4, X * size, "l2", (X[:50] * size).astype(np.float32)) >= 0.97, f"seed {SEED}"


@pytest.mark.parametrize("dimension", [40, 800])
def test_the_same_rows_give_the_same_codes(dimension: int) -> None:
    X = spectrum(np.random.default_rng(SEED), max(1_200, CODES_ROWS_A_DIMENSION * dimension), dimension, 0.95)
    first, second = code4_of(X), code4_of(X)
    assert first is not None
    assert second is not None
    assert first.lines == second.lines
    np.testing.assert_array_equal(first.matrix, second.matrix)
    np.testing.assert_array_equal(first.mean, second.mean)


def test_only_live_rows_are_learned_from() -> None:
    X = np.random.default_rng(SEED).standard_normal((3_000, 20))
    live = np.arange(0, 3_000, 2, dtype=np.uint32)
    clean = code4_for(store_of(X), live, False, POOL)
    X[1::2] = 1e30
    dirty = code4_for(store_of(X), live, False, POOL)
    assert clean is not None
    assert dirty is not None
    np.testing.assert_array_equal(clean.matrix, dirty.matrix)


def test_copies_say_nothing_about_the_other_rows() -> None:
    """Nine rows of ten are one vector: by them any code would do, and the best direction would be theirs."""
    rng = np.random.default_rng(SEED)
    others = spectrum(rng, 2_000, 96, 0.98)
    X = np.concatenate([others, np.repeat(others[:1] + 5, 18_000, axis=0)])
    code4 = code4_of(X)
    assert code4 is not None
    queries = (others[rng.choice(2_000, 100)] * 0.6 + others[rng.choice(2_000, 100)] * 0.4).astype(np.float32)
    assert covered(code4, others, "l2", queries) >= COVERAGE_MINIMUM, f"seed {SEED}"


def test_rows_without_repeats() -> None:
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((50, 3)).astype(np.float32)
    assert distinct_rows(X, rng) is X
    again = distinct_rows(np.concatenate([X, X[:20]]), rng)
    assert sorted(map(tuple, again.tolist())) == sorted(map(tuple, X.tolist()))
