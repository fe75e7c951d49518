"""Every kernel of every level this machine has, against numpy in float64; exactly where integers or bits decide."""

import ctypes
import mmap
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from vecdb.native import kernels

DIMENSIONS = [*range(1, 71), 100, 127, 128, 384, 385, 768, 1000]
FLOAT_KINDS = kernels.KINDS[:3]
EPSILON = float(np.finfo(np.float32).eps)

Scalar = TypeVar("Scalar", bound=np.generic)

every_level = pytest.mark.parametrize("level", kernels.levels())
every_kind = pytest.mark.parametrize("kind", kernels.KINDS)
every_metric = pytest.mark.parametrize("metric", kernels.METRICS)


def test_kinds_and_metrics_are_named_in_the_order_of_the_tables() -> None:
    assert kernels.KINDS == ("float32", "float16", "bfloat16", "int8")
    assert kernels.METRICS == ("l2", "dot")


@every_level
@every_metric
@pytest.mark.parametrize("kind", FLOAT_KINDS)
def test_float_scores_are_those_of_float64(level: str, kind: kernels.Kind, metric: kernels.Metric) -> None:
    for dimension in DIMENSIONS:
        rng = np.random.default_rng(dimension)
        codes = kernels.encode(kind, normal(rng, 29, dimension), level=level)
        query = normal(rng, dimension)
        rows = rng.integers(0, 29, 37).astype(np.uint32)
        scores = kernels.score(level, kind, metric, query, codes, rows, page_shift=3)
        X = kernels.decode(kind, codes, dimension, level=level)[rows]
        terms = (query.astype(np.float64) - X) ** 2 if metric == "l2" else -query.astype(np.float64) * X
        bound = (dimension / 8 + 8) * EPSILON * np.abs(terms).sum(axis=1)
        assert (np.abs(scores - terms.sum(axis=1)) <= bound).all(), f"dimension {dimension}, seed {dimension}"


@every_level
@every_metric
def test_int8_scores_are_exact_sums_scaled_in_one_order(level: str, metric: kernels.Metric) -> None:
    for dimension in DIMENSIONS:
        rng = np.random.default_rng(dimension)
        codes = kernels.encode("int8", normal(rng, 29, dimension), level=level)
        query = normal(rng, dimension)
        rows = rng.integers(0, 29, 37).astype(np.uint32)
        scores = kernels.score(level, "int8", metric, query, codes, rows, page_shift=2)
        values, scale, _, norm = kernels.prepare_int8(level, query)
        sums = (codes[rows, :dimension].astype(np.int64) - 128) @ values.astype(np.int64)
        factors = codes[:, -8:].copy().view(np.float32)[rows]
        dots = factors[:, 0] * np.float32(scale) * sums.astype(np.float32)
        assert dots.dtype == np.float32
        expected = np.maximum(np.float32(norm) + factors[:, 1] - 2 * dots, 0) if metric == "l2" else -dots
        np.testing.assert_array_equal(scores, expected, f"dimension {dimension}, seed {dimension}")


@every_level
def test_int8_sums_do_not_saturate_at_the_largest_dimension(level: str) -> None:
    dimension = 65_536
    X = np.ones((1, dimension), np.float32)
    codes = kernels.encode("int8", X, level=level)
    [distance] = kernels.score(level, "int8", "dot", X[0], codes, np.zeros(1, np.uint32))
    assert codes[0, :dimension].min() == 255
    assert distance == pytest.approx(-dimension, rel=1e-6)


@every_level
@every_kind
@every_metric
def test_a_score_does_not_depend_on_its_company(level: str, kind: kernels.Kind, metric: kernels.Metric) -> None:
    rng = np.random.default_rng(5)
    for dimension in (1, 37, 384):
        codes = kernels.encode(kind, normal(rng, 40, dimension), level=level)
        query = normal(rng, dimension)
        alone = np.array([kernels.score(level, kind, metric, query, codes, one(row))[0] for row in range(40)])
        for count in range(12):
            rows = rng.integers(0, 40, count).astype(np.uint32)
            np.testing.assert_array_equal(kernels.score(level, kind, metric, query, codes, rows), alone[rows])


@every_level
@every_kind
@every_metric
def test_stride_and_pages_change_nothing(level: str, kind: kernels.Kind, metric: kernels.Metric) -> None:
    rng = np.random.default_rng(6)
    X, query = normal(rng, 50, 45), normal(rng, 45)
    rows = rng.permutation(50).astype(np.uint32)
    tight = kernels.encode(kind, X, level=level)
    expected = kernels.score(level, kind, metric, query, tight, rows)
    for padding in (1, 3, 8, 64):
        codes = kernels.encode(kind, X, tight.shape[1] + padding, level=level)
        np.testing.assert_array_equal(codes[:, : tight.shape[1]], tight)
        assert not codes[:, tight.shape[1] :].any()
        for page_shift in (0, 1, 4, 30):
            scores = kernels.score(level, kind, metric, query, codes, rows, page_shift)
            np.testing.assert_array_equal(scores, expected)


@every_level
@every_kind
def test_nothing_is_read_past_a_row_or_a_query(level: str, kind: kernels.Kind) -> None:
    rng = np.random.default_rng(7)
    for dimension in range(1, 140):
        X = normal(rng, 3, dimension)
        codes, query = fenced(kernels.encode(kind, X, level=level)), normal(rng, dimension)
        for metric in kernels.METRICS:
            expected = kernels.score(level, kind, metric, query, codes.copy(), np.arange(3, dtype=np.uint32))
            scores = kernels.score(level, kind, metric, fenced(query), codes, np.arange(3, dtype=np.uint32))
            np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(
            kernels.decode(kind, codes, dimension, level=level), kernels.decode(kind, codes.copy(), dimension)
        )
        np.testing.assert_array_equal(kernels.encode(kind, fenced(X), level=level), codes)
        assert kernels.squared_norm(level, fenced(query)) == kernels.squared_norm(level, query)
        np.testing.assert_array_equal(kernels.scale(level, fenced(query), 2.0), query * 2)


@every_level
def test_every_half_is_decoded_exactly(level: str) -> None:
    halves = np.arange(65_536, dtype=np.uint16)
    for dimension in (1, 7, 256, 65_536):
        X = kernels.decode("float16", as_rows(halves, dimension), dimension, level=level).ravel()
        expected = halves.view(np.float16).astype(np.float32)
        np.testing.assert_array_equal(X, expected[: X.size])
        np.testing.assert_array_equal(np.signbit(X), np.signbit(expected[: X.size]))


@every_level
def test_halves_are_rounded_to_nearest_even(level: str) -> None:
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    midpoints = np.append((halves[1:] + halves[:-1]) / 2, 65_520.0).astype(np.float32)
    around = [midpoints, np.nextafter(midpoints, np.float32(0)), np.nextafter(midpoints, np.float32(np.inf))]
    X = np.concatenate([halves.astype(np.float32), *around, random_bits(8)])
    X = np.concatenate([X, -X])
    with np.errstate(over="ignore", under="ignore"):
        expected = X.astype(np.float16)
    for dimension in (1, 13, 512):
        rows = X[: X.size // dimension * dimension].reshape(-1, dimension)
        received = kernels.encode("float16", rows, level=level).view(np.float16).ravel()
        assert_same_floats(received.view(np.uint16), expected.view(np.uint16)[: received.size], np.isnan(rows).ravel())
        assert np.isnan(received[np.isnan(rows).ravel()]).all()


@every_level
def test_bfloats_are_rounded_to_nearest_even(level: str) -> None:
    specials = np.array([0x7F7F8000, 0x7F7F7FFF, 0x7F800000, 0x7F800001, 0x7FFFFFFF, 1, 0x8000, 0x18000], np.uint32)
    X = np.concatenate([random_bits(9), specials.view(np.float32), random_bits(10, mask=0xFFFF8000)])
    X = np.concatenate([X, -X])
    received = kernels.encode("bfloat16", X[:, None], level=level).view(np.uint16).ravel()
    low = (np.abs(X).view(np.uint32) >> 16).astype(np.uint16)
    with np.errstate(invalid="ignore"):
        to_low, to_high = np.abs(X) - bfloat_value(low), bfloat_value(low + np.uint16(1)) - np.abs(X)
    is_up = (to_high < to_low) | ((to_high == to_low) & (low % 2 == 1))
    expected = (low + is_up) | np.where(np.signbit(X), 0x8000, 0)
    assert_same_floats(received, expected.astype(np.uint16), np.isnan(X))
    decoded = kernels.decode("bfloat16", received.view(np.uint8).reshape(-1, 2), 1, level=level).ravel()
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(X))
    np.testing.assert_array_equal(decoded.view(np.uint32), received.astype(np.uint32) << 16)


@every_level
def test_int8_rows_are_the_nearest_codes(level: str) -> None:
    for dimension in DIMENSIONS:
        rng = np.random.default_rng(dimension)
        X = normal(rng, 11, dimension) * rng.uniform(1e-3, 1e3, (11, 1)).astype(np.float32)
        X[3] = 0
        codes = kernels.encode("int8", X, level=level)
        assert codes.shape[1] == kernels.row_bytes("int8", dimension) == -(-dimension // 4) * 4 + 8
        assert not codes[:, dimension:-8].any()
        scales, norms = codes[:, -8:].copy().view(np.float32).T
        np.testing.assert_array_equal(scales, np.abs(X).max(axis=1) / np.float32(127))
        decoded = kernels.decode("int8", codes, dimension, level=level)
        np.testing.assert_array_equal(decoded, scales[:, None] * (codes[:, :dimension].astype(np.float32) - 128))
        assert (np.abs(decoded - X) <= scales[:, None] * 0.5001).all(), f"dimension {dimension}, seed {dimension}"
        np.testing.assert_allclose(norms, (decoded.astype(np.float64) ** 2).sum(axis=1), rtol=4 * EPSILON)


@every_level
@pytest.mark.parametrize("value", [1e-45, 1e-38, 1e-20, 1e20, 3.4e38])
def test_int8_rows_of_extreme_values_stay_finite(level: str, value: float) -> None:
    X = np.array([[value, -value / 2, 0]], np.float32)
    codes = kernels.encode("int8", X, level=level)
    decoded = kernels.decode("int8", codes, 3, level=level)
    assert np.abs(decoded - X).max() <= max(value / 200, 2.0**-100)


@every_level
def test_an_int8_query_is_rounded_summed_and_measured(level: str) -> None:
    for dimension in DIMENSIONS:
        query = normal(np.random.default_rng(dimension), dimension)
        values, scale, total, norm = kernels.prepare_int8(level, query)
        assert scale == np.abs(query).max() / np.float32(127)
        assert np.abs(values.astype(np.float64) * scale - query).max() <= 0.5001 * scale
        assert total == values.astype(np.int64).sum()
        assert norm == pytest.approx(float((query.astype(np.float64) ** 2).sum()), rel=EPSILON)


@every_kind
def test_rows_are_the_same_bytes_at_every_level(kind: kernels.Kind) -> None:
    rng = np.random.default_rng(11)
    for dimension in DIMENSIONS:
        X = normal(rng, 5, dimension)
        first, *others = [kernels.encode(kind, X, level=level) for level in kernels.levels()]
        assert all(np.array_equal(first, other) for other in others)
        prepared, *others_prepared = [kernels.prepare_int8(level, X[0]) for level in kernels.levels()]
        for other in others_prepared:
            np.testing.assert_array_equal(other[0], prepared[0])
            assert other[1:] == prepared[1:]


@every_level
def test_squared_norm_is_that_of_float64_and_shows_what_is_not_finite(level: str) -> None:
    for dimension in DIMENSIONS:
        rng = np.random.default_rng(dimension)
        x = normal(rng, dimension)
        exact = float((x.astype(np.float64) ** 2).sum())
        assert kernels.squared_norm(level, x) == pytest.approx(exact, rel=(dimension / 16 + 8) * EPSILON)
        for bad in (np.nan, np.inf, -np.inf):
            spoilt = x.copy()
            spoilt[rng.integers(dimension)] = bad
            assert not np.isfinite(kernels.squared_norm(level, spoilt))
    assert kernels.squared_norm(level, np.empty(0, np.float32)) == 0


@every_level
def test_scale_multiplies(level: str) -> None:
    for dimension in DIMENSIONS:
        x = normal(np.random.default_rng(dimension), dimension)
        np.testing.assert_array_equal(kernels.scale(level, x, 0.3), x * np.float32(0.3))


@every_level
def test_panel_dot_is_the_matrix_product(level: str) -> None:
    height, width = kernels.panel_shape(level)
    for dimension in (1, 2, 31, 100, 385):
        for row_count, query_count in [
            (height, width),
            (1, 1),
            (height + 1, width - 1),
            (3 * height - 1, 2 * width + 5),
        ]:
            rng = np.random.default_rng(dimension)
            queries, rows = normal(rng, query_count, dimension), normal(rng, row_count, dimension)
            exact = rows.astype(np.float64) @ queries.T.astype(np.float64)
            bound = (dimension + 8) * EPSILON * (np.abs(rows) @ np.abs(queries).T)
            assert (np.abs(kernels.panel_dot(level, queries, rows) - exact) <= bound).all(), f"seed {dimension}"


@every_level
def test_select_below_is_nonzero_of_the_comparison(level: str) -> None:
    for n in [*range(70), 127, 128, 129, 1000]:
        for share in (0.0, 0.1, 1.0):
            rng = np.random.default_rng(n)
            values, bounds = normal(rng, n), np.full(n, np.float32(1 if share else -9))
            values[rng.random(n) < share] = 1  # ties pass
            values[rng.random(n) < 0.1] = np.nan
            bounds[rng.random(n) < 0.1] = np.nan
            values[rng.random(n) < 0.1] = -np.inf
            hits = kernels.select_below(level, values, bounds)
            np.testing.assert_array_equal(hits, np.nonzero(values <= bounds)[0], f"n {n}, seed {n}")


@pytest.mark.parametrize("dimension", [1, 3, 16, 384, 1000])
def test_check_rows_accepts_and_normalises(dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    X = normal(rng, 23, dimension)
    X *= 10.0 ** rng.integers(-37, 37, (23, 1))
    X[7] = 1e-45  # the least float32: its square vanishes
    X[8] = np.finfo(np.float32).max
    exact = X / np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    out = np.empty_like(X)
    assert kernels.check_rows(X, False) == kernels.check_rows(X, True) == (-1, kernels.ROW_OK)
    assert kernels.check_rows(X, True, out) == (-1, kernels.ROW_OK)
    np.testing.assert_allclose(out, exact, rtol=(dimension / 16 + 8) * EPSILON, atol=0)
    assert kernels.check_rows(X, True, X) == (-1, kernels.ROW_OK)
    np.testing.assert_array_equal(X, out)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize(
    ("value", "reason"),
    [(np.nan, kernels.ROW_NAN), (np.inf, kernels.ROW_INFINITE), (-np.inf, kernels.ROW_INFINITE)],
)
def test_check_rows_names_the_first_bad_row(normalise: bool, value: float, reason: int) -> None:
    for dimension in (1, 5, 40, 385):
        for column in {0, dimension // 2, dimension - 1}:
            X = normal(np.random.default_rng(1), 9, dimension)
            X[4, column] = value
            X[6] = np.nan
            assert kernels.check_rows(X, normalise) == (4, reason)


def test_check_rows_refuses_a_zero_row_only_to_normalise_it() -> None:
    X = np.ones((4, 6), np.float32)
    X[2] = -0.0
    assert kernels.check_rows(X, False) == (-1, kernels.ROW_OK)
    assert kernels.check_rows(X, True) == (2, kernels.ROW_ZERO)
    assert kernels.check_rows(X[:0], True) == (-1, kernels.ROW_OK)


def test_arguments_that_do_not_fit_are_refused() -> None:
    X = np.ones((4, 6), np.float32)
    codes, query = kernels.encode("float32", X), X[0]
    with pytest.raises(ValueError, match=r"codes: expected at least 24 bytes a row, received 20"):
        kernels.score(None, "float32", "l2", query, codes[:, :20].copy(), one(0))
    with pytest.raises(ValueError, match=r"rows: expected below 4, received 4"):
        kernels.score(None, "float32", "l2", query, codes, one(4))
    with pytest.raises(ValueError, match=r"out: expected shape \(4, 6\), received \(3, 6\)"):
        kernels.check_rows(X, True, X[:3].copy())
    with pytest.raises(ValueError, match="out is written only when normalise is set"):
        kernels.check_rows(X, False, X)
    with pytest.raises(ValueError, match=r"level: expected one of .*, received 'mmx'"):
        kernels.score("mmx", "float32", "l2", query, codes, one(0))


def fenced(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """A copy in the last bytes before a page that may not be read."""
    room = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    everything = np.frombuffer(mmap.mmap(-1, room + mmap.PAGESIZE), np.uint8)
    guard = ctypes.c_void_p(everything.ctypes.data + room)
    assert ctypes.CDLL(None).mprotect(guard, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    copy = everything[room - array.nbytes : room].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def normal(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.standard_normal(shape, np.float32)


def one(row: int) -> NDArray[np.uint32]:
    return np.array([row], np.uint32)


def random_bits(seed: int, mask: int = 0xFFFFFFFF) -> NDArray[np.float32]:
    bits = np.random.default_rng(seed).integers(0, 2**32, 20_000, np.uint32)
    return (bits & np.uint32(mask)).view(np.float32)


def as_rows(words: NDArray[np.uint16], dimension: int) -> NDArray[np.uint8]:
    return words[: words.size // dimension * dimension].view(np.uint8).reshape(-1, 2 * dimension)


def bfloat_value(words: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The value of non-negative bfloat16 words, with 2 ** 128 where float32 has infinity."""
    values = (words.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return np.where(words == 0x7F80, 2.0**128, values)


def assert_same_floats(received: NDArray[np.uint16], expected: NDArray[np.uint16], is_nan: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(received[~is_nan], expected[~is_nan])
