"""Rows of code4 at every level, each in a process of its own, against numpy: what a row holds, how far it is."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from numpy.typing import NDArray

from vecdb.native import kernels
from vecdb.native.index import RowMask, ThreadPool, search_many
from vecdb.native.kernels import Metric
from vecdb.native.rows import Code4, RowStore

ROOT = Path(__file__).parents[2]
EPSILON = float(np.finfo(np.float32).eps)
PAGE_SHIFT = 6
SEED = 44
CLIPS = [2.0 + 0.2 * step for step in range(7)]  # standard deviations that the largest number stands for

NO_NUMBERS = [20, 21]  # rows of a whole case whose factor, or squared norm, is none

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Case:
    """What is coded, and asked for; `codes`, if any, stand in the place of those made at the level."""

    metric: Metric
    matrix: Floats
    mean: Floats
    X: Floats
    queries: Floats
    codes: Bytes | None = None

    @property
    def lines(self) -> int:
        return int(self.matrix.shape[1] + 16) // 128


@dataclass(frozen=True, slots=True)
class Answer:
    """Codes made at one level, and distances (queries, rows)."""

    codes: Bytes
    distances: Floats

    def nibbles(self) -> Doubles:
        """(rows, width): the numbers in order, less the middle."""
        numbers = []
        for first in range(0, self.codes.shape[1], 64):
            line = self.codes[:, first : first + (64 if first + 64 < self.codes.shape[1] else 56)]
            numbers += [line & 15, line >> 4]
        return np.concatenate(numbers, axis=1) - 7.5

    def factors(self) -> Doubles:
        """(rows, 2): factor and squared norm."""
        return np.ascontiguousarray(self.codes[:, -8:]).view(np.float32).astype(np.float64)


def coded_case(metric: Metric, lines: int, dimension: int) -> Case:
    rng = np.random.default_rng([SEED, lines, dimension])
    X = rng.standard_normal((50, dimension)) * rng.uniform(0.1, 3, dimension) + 0.5
    mean = X.mean(axis=0) if metric == "l2" else np.zeros(dimension)
    X[7], X[8], X[9] = 0, mean, X[10]
    queries = np.concatenate([rng.standard_normal((6, dimension)), X[10:12], X[7:9]])
    matrix = orthonormal(rng, dimension, 128 * lines - 16)
    return Case(metric, matrix, mean.astype(np.float32), X.astype(np.float32), queries.astype(np.float32))


def whole_case(metric: Metric, lines: int) -> Case:
    """Every number is whole and the projection leaves it as it is: nothing is rounded, however sums are formed."""
    rng = np.random.default_rng([SEED, lines])
    width = 128 * lines - 16
    queries = rng.integers(-60, 61, (9, width)).astype(np.float32)
    queries[:, 3] = 127
    codes = rng.integers(0, 256, (50, 64 * lines), np.uint8)
    factors = np.stack([rng.uniform(0.1, 3, 50), rng.uniform(0, 1e5, 50)], axis=1).astype(np.float32)
    factors[NO_NUMBERS, [0, 1]] = np.nan
    codes[:, -8:] = factors.view(np.uint8)
    X = np.zeros((50, width), np.float32)
    return Case(metric, np.eye(width, dtype=np.float32), np.zeros(width, np.float32), X, queries, codes)


def extreme_case(metric: Metric, size: float) -> Case:
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((50, 100))
    X[:20] *= size
    X[20:30, ::7] *= size
    mean = X[10:].mean(axis=0) if metric == "l2" else np.zeros(100)
    return Case(
        metric,
        orthonormal(rng, 100, 112),
        mean.astype(np.float32),
        X.astype(np.float32),
        np.concatenate([X[:3], X[25:28], X[40:44], np.zeros((1, 100))]).astype(np.float32),
    )


def agreeing_case(metric: Metric) -> Case:
    """All products of a projection have one sign; together they are more than 32 bits hold."""
    dimension = 3000
    matrix = np.zeros((dimension, 112), np.float32)
    matrix[:, 0] = dimension**-0.5
    X = np.repeat(np.linspace(0.5, 3, 50), dimension).reshape(50, dimension)
    queries = np.stack([np.full(dimension, 2.0), np.full(dimension, -1.0)])
    return Case(metric, matrix, np.zeros(dimension, np.float32), X.astype(np.float32), queries.astype(np.float32))


def orthonormal(rng: np.random.Generator, dimension: int, width: int) -> Floats:
    """(dimension, width) with orthonormal columns, or rows where it is wider than high."""
    q = np.linalg.qr(rng.standard_normal((max(dimension, width), min(dimension, width))))[0]
    return np.ascontiguousarray(q if dimension >= width else q.T, np.float32)


CODED = [
    *(
        (metric, lines, dimension)
        for metric in kernels.METRICS
        for lines in (1, 2, 3, 8)
        for dimension in (5, 100, 113)
    ),
    *((metric, lines, 300) for metric in kernels.METRICS for lines in (2, 3)),
]
WHOLE = [(metric, lines) for metric in kernels.METRICS for lines in (1, 2, 3, 8)]
EXTREME = [(metric, size) for metric in kernels.METRICS for size in (1e18, 1e-18, 1e-30, 1e-38)]


def cases() -> dict[str, Case]:
    """Every case by name."""
    return {
        **{f"coded {choice}": coded_case(*choice) for choice in CODED},
        **{f"whole {choice}": whole_case(*choice) for choice in WHOLE},
        **{f"extreme {choice}": extreme_case(*choice) for choice in EXTREME},
        **{f"agreeing {metric}": agreeing_case(metric) for metric in kernels.METRICS},
    }


def answered(case: Case) -> Answer:
    """The case at this process's level."""
    source = RowStore("float32", case.metric, case.X.shape[1], 4 * case.X.shape[1], PAGE_SHIFT)
    source.add_page(page_of(case.X.view(np.uint8)))
    code4 = Code4(case.metric, case.lines, case.matrix, case.mean)
    rows = np.arange(len(case.X), dtype=np.uint32)
    codes = np.empty((len(rows), code4.row_bytes), np.uint8)
    code4.encode(source, rows, codes)
    scored = codes if case.codes is None else case.codes
    store = RowStore("code4", case.metric, case.X.shape[1], code4.row_bytes, PAGE_SHIFT, code4)
    store.add_page(page_of(scored))
    found, distances, _ = search_many(
        None, store, case.queries, RowMask.of(rows), RowMask(), len(rows), 1, False, ThreadPool(1)
    )
    by_row = np.empty_like(distances)
    np.put_along_axis(by_row, found.astype(np.int64), distances, axis=1)
    return Answer(codes, by_row)


def write_answers(path: str) -> None:
    """Runs in a process of its own."""
    arrays: dict[str, NDArray[np.generic]] = {"level": np.array(kernels.active())}
    for name, case in cases().items():
        answer = answered(case)
        arrays[f"{name} codes"], arrays[f"{name} distances"] = answer.codes, answer.distances
    np.savez(path, **arrays)  # type: ignore[arg-type]


def page_of(rows: Bytes) -> Bytes:
    page = np.zeros((1 << PAGE_SHIFT, rows.shape[1]), np.uint8)
    page[: len(rows)] = rows
    return page.reshape(-1)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Answer]]:
    """By level, then by name of the case."""
    answers = {}
    with TemporaryDirectory() as folder:
        for level in kernels.levels():
            path = f"{folder}/{level}.npz"
            program = f"from tests.native.test_code4 import write_answers; write_answers({path!r})"
            environment = {**os.environ, "VECDB_ISA": level, "OPENBLAS_NUM_THREADS": "1"}
            process = subprocess.run(
                [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            assert process.returncode == 0, f"{level}: {process.stderr}"
            arrays = np.load(path)
            assert str(arrays["level"]) == level
            answers[level] = {name: Answer(arrays[f"{name} codes"], arrays[f"{name} distances"]) for name in cases()}
    return answers


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("choice", CODED, ids=str)
def test_a_row_holds_the_numbers_that_point_most_nearly_where_it_does(
    answers: dict[str, dict[str, Answer]], level: str, choice: tuple[Metric, int, int]
) -> None:
    case, answer = coded_case(*choice), answers[level][f"coded {choice}"]
    X, mean, matrix = (array.astype(np.float64) for array in (case.X, case.mean, case.matrix))
    norms = ((X - mean) ** 2).sum(axis=1)
    np.testing.assert_allclose(answer.factors()[:, 1], norms, rtol=1e-5, atol=0, err_msg=f"seed {SEED}")
    Y, unsure = (X - mean) @ matrix, 16 * EPSILON * (np.abs(X) + np.abs(mean)) @ np.abs(matrix)
    for row, (y, codes, factor) in enumerate(zip(Y, answer.nibbles(), answer.factors()[:, 0], strict=True)):
        message = f"seed {SEED}, row {row}"
        if norms[row] == 0:
            assert factor == 0, message
            continue
        np.testing.assert_allclose(factor, (y @ y) / (y @ codes), rtol=1e-4, err_msg=message)
        candidates = [quantised(y, clip) for clip in CLIPS]
        best = max(cosine(y, chosen) for chosen, _ in candidates)
        assert cosine(y, codes) == pytest.approx(best, abs=1e-4), message
        assert any(
            (np.abs(codes - chosen) <= np.where(np.abs(exact - chosen) + unsure[row] / step >= 0.5, 1, 0)).all()
            for clip, (chosen, exact) in zip(CLIPS, candidates, strict=True)
            if (step := clip * np.sqrt((y @ y) / len(y)) / 7.5) > 0
        ), message


def narrowed(matrix: Floats) -> Doubles:
    """The matrix as eight bits a number leave it."""
    scales = np.abs(matrix).max(axis=0) / np.float32(127)
    unit = np.where(scales > 0, scales, np.float32(1))
    return np.rint(matrix / unit).astype(np.float64) * unit


def rounded_queries(centered: Floats) -> tuple[Doubles, Doubles]:
    """The queries less the mean as sixteen bits a number leave them, and a step where they lie between two."""
    steps = np.maximum(np.abs(centered).max(axis=1, keepdims=True).astype(np.float64), 1e-30) / 32767
    exact = centered / steps
    between = np.abs(np.abs(exact - np.rint(exact)) - 0.5) < 0.02
    return np.rint(exact) * steps, between * steps


def quantised(y: Doubles, clip: float) -> tuple[Doubles, Doubles]:
    """Numbers -7.5 .. 7.5 for y, and y in the same unit before it was rounded."""
    exact = np.clip(y / (clip * np.sqrt((y @ y) / len(y)) / 7.5) + 7.5, 0, 15)
    return np.rint(exact) - 7.5, exact - 7.5


def cosine(y: Doubles, codes: Doubles) -> float:
    return float(y @ codes / np.linalg.norm(y) / np.linalg.norm(codes))


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("choice", CODED, ids=str)
def test_distances_are_those_of_the_formula(
    answers: dict[str, dict[str, Answer]], level: str, choice: tuple[Metric, int, int]
) -> None:
    case, answer = coded_case(*choice), answers[level][f"coded {choice}"]
    expected, slack = formula(case, answer)
    np.testing.assert_array_less(np.abs(answer.distances - expected), slack, err_msg=f"seed {SEED}")


def formula(case: Case, answer: Answer) -> tuple[Doubles, Doubles]:
    """Distances (queries, rows) of the rounded queries to the decoded codes, and how far float32 may be from each."""
    queries, mean = case.queries.astype(np.float64), case.mean.astype(np.float64)
    matrix = narrowed(case.matrix)
    values, unsure = rounded_queries(case.queries - case.mean)
    Y = values @ matrix
    unsure = unsure @ np.abs(matrix) + 16 * EPSILON * np.abs(values) @ np.abs(matrix)
    scale = np.abs(Y).max(axis=1, keepdims=True) / 127
    unit = np.where(scale > 0, scale, 1)
    values = np.rint(Y / unit)
    nearly_half = np.abs(np.abs(Y / unit - values) - 0.5) <= 2 * unsure.max(axis=1, keepdims=True) / unit
    codes, factors = answer.nibbles(), answer.factors()
    dots = scale * (values @ codes.T) * factors[:, 0]
    slack = 7.5 * scale * nearly_half.sum(axis=1, keepdims=True) * factors[:, 0]
    slack += (unsure.max(axis=1, keepdims=True) + 16 * EPSILON * scale) * np.abs(codes).sum(axis=1) * factors[:, 0]
    slack += 1e-30
    if case.metric == "dot":
        return -dots, slack
    norms = ((queries - mean) ** 2).sum(axis=1, keepdims=True) + factors[:, 1]
    # A query whose projection vanishes has a scale made of rounding alone.
    return np.maximum(norms - 2 * dots, 0), 2 * slack + 16 * EPSILON * (norms + 2 * np.abs(dots))


@pytest.mark.parametrize("choice", CODED, ids=str)
def test_distances_are_near_the_true_ones(
    answers: dict[str, dict[str, Answer]], choice: tuple[Metric, int, int]
) -> None:
    """Where the projection leaves nothing out, four bits a number are right to some percent of the rows' sizes."""
    case = coded_case(*choice)
    if case.matrix.shape[1] < case.X.shape[1]:
        return
    X, queries, mean = (array.astype(np.float64) for array in (case.X, case.queries, case.mean))
    dots = (queries - mean) @ (X - mean).T
    sizes = np.linalg.norm(queries - mean, axis=1)[:, None] * np.linalg.norm(X - mean, axis=1)
    true = -dots if case.metric == "dot" else ((queries[:, None] - X) ** 2).sum(axis=2)
    for answer in (by_case[f"coded {choice}"] for by_case in answers.values()):
        assert (np.abs(answer.distances - true) <= 0.12 * sizes + 1e-3).all(), f"seed {SEED}"


@pytest.mark.parametrize("choice", WHOLE, ids=str)
def test_the_same_numbers_give_the_same_bits_at_every_level(
    answers: dict[str, dict[str, Answer]], choice: tuple[Metric, int]
) -> None:
    case = whole_case(*choice)
    assert case.codes is not None
    per_level = [by_case[f"whole {choice}"].distances for by_case in answers.values()]
    for distances in per_level:
        np.testing.assert_array_equal(distances.view(np.uint32), per_level[0].view(np.uint32), err_msg=f"seed {SEED}")
    given = Answer(case.codes, per_level[0])
    dots = (case.queries.astype(np.float64) @ given.nibbles().T) * given.factors()[:, 0]
    sizes = np.abs(dots)
    if case.metric == "l2":
        norms = (case.queries.astype(np.float64) ** 2).sum(axis=1, keepdims=True) + given.factors()[:, 1]
        expected, sizes = np.maximum(norms - 2 * dots, 0), norms + 2 * sizes
    else:
        expected = -dots
    numbers = np.setdiff1d(np.arange(len(case.X)), NO_NUMBERS)
    difference, slack = np.abs(per_level[0] - expected), 4 * EPSILON * sizes + 1e-6
    np.testing.assert_array_less(difference[:, numbers], slack[:, numbers], err_msg=f"seed {SEED}")


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("choice", WHOLE, ids=str)
def test_a_distance_that_is_no_number_is_the_farthest(
    answers: dict[str, dict[str, Answer]], level: str, choice: tuple[Metric, int]
) -> None:
    distances = answers[level][f"whole {choice}"].distances
    assert np.isposinf(distances[:, NO_NUMBERS[0]]).all()
    if choice[0] == "l2":  # the dot product leaves the squared norm out
        assert np.isposinf(distances[:, NO_NUMBERS[1]]).all()


@pytest.mark.parametrize("level", kernels.levels())
@pytest.mark.parametrize("choice", EXTREME, ids=str)
def test_numbers_at_the_edges_of_float_do_no_harm(
    answers: dict[str, dict[str, Answer]], level: str, choice: tuple[Metric, float]
) -> None:
    case, answer = extreme_case(*choice), answers[level][f"extreme {choice}"]
    assert not np.isnan(answer.distances).any(), f"seed {SEED}"
    ordinary = np.arange(30, 50)
    if choice[1] < 1 or choice[0] == "dot":  # else the mean is lost in the large numbers
        expected, slack = formula(case, answer)
        near = np.abs(answer.distances - expected) <= slack + 1e-3 * np.abs(expected)
        assert near[6:, ordinary].all(), f"seed {SEED}"


@pytest.mark.parametrize("metric", kernels.METRICS)
def test_a_sum_of_many_products_of_one_sign_is_right(answers: dict[str, dict[str, Answer]], metric: Metric) -> None:
    case = agreeing_case(metric)
    dots = case.queries.astype(np.float64) @ case.X.astype(np.float64).T
    true = -dots if metric == "dot" else ((case.queries[:, None, 0] - case.X[None, :, 0]) ** 2.0) * case.X.shape[1]
    for by_case in answers.values():
        assert (np.abs(by_case[f"agreeing {metric}"].distances - true) <= 0.02 * np.abs(dots)).all()
