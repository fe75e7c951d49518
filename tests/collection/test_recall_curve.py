"""From recall to ef: monotone, at the measured points exact, and back from JSON."""

from __future__ import annotations

import orjson
import pytest

from vecdb.collection.recall_curve import EF_DEFAULT_LEAST, EF_LEAST, MEASURED_EFS, RecallCurve

MEASURED = RecallCurve(((10, 0.5), (40, 0.9), (160, 0.99), (640, 0.99)), 5000)
PERFECT = RecallCurve(((10, 1.0),), 7)
FLAT = RecallCurve(((10, 0.0), (20, 0.0)), 7)
CURVES = [RecallCurve(), MEASURED, PERFECT, FLAT]


@pytest.mark.parametrize(("ef", "recall"), [(40, 0.9), (160, 0.99)])
def test_measured_points_are_met(ef: int, recall: float) -> None:
    assert MEASURED.ef_for(recall, 10) in (ef, ef + 1)


@pytest.mark.parametrize("curve", CURVES)
def test_no_walk_is_shorter_than_the_floor(curve: RecallCurve) -> None:
    assert curve.ef_for(0.0, 1) >= EF_LEAST


def test_less_than_the_first_point_takes_what_was_measured_there() -> None:
    assert MEASURED.ef_for(0.2, 10) == EF_LEAST == MEASURED_EFS[0]


@pytest.mark.parametrize("curve", CURVES)
def test_who_says_nothing_gets_enough(curve: RecallCurve) -> None:
    assert curve.ef_by_default(10) >= EF_DEFAULT_LEAST
    assert curve.ef_by_default(10) == max(EF_DEFAULT_LEAST, curve.ef_for(0.95, 10))
    assert curve.ef_by_default(100) >= 100


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("k", [1, 10, 11, 100, 10_000])
def test_more_recall_never_takes_fewer_candidates(curve: RecallCurve, k: int) -> None:
    efs = [curve.ef_for(step / 200, k) for step in range(201)]
    assert efs == sorted(efs)
    assert all(isinstance(ef, int) and ef >= k for ef in efs)


@pytest.mark.parametrize("curve", CURVES)
def test_more_results_never_take_fewer_candidates(curve: RecallCurve) -> None:
    efs = [curve.ef_for(0.95, k) for k in range(1, 2000)]
    assert efs == sorted(efs)


def test_between_two_points_it_lies_between() -> None:
    assert 40 < MEASURED.ef_for(0.95, 10) < 160


def test_beyond_what_was_measured_it_is_cautious() -> None:
    assert MEASURED.ef_for(0.999, 10) == 2 * 640


@pytest.mark.parametrize("curve", CURVES)
def test_json_comes_back(curve: RecallCurve) -> None:
    again = RecallCurve.from_json(orjson.loads(orjson.dumps(curve.to_json())))
    assert (again.rows, list(again.points)) == (curve.rows, list(curve.points))


def test_nothing_measured_is_the_default() -> None:
    assert RecallCurve.from_json(None) == RecallCurve()
    assert RecallCurve().rows == 0
