"""Results with their metrics, grouped and named."""

from __future__ import annotations

import pytest

from tests.bench.pages.made_results import made_dataset, made_result
from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.points import arguments_text, by_build, measured, of_algorithms
from vecdb.bench.results.metrics import METRICS


def test_points_have_every_metric() -> None:
    (point,) = measured([made_result("a", 0.95, [100.0, 300.0, 200.0])], made_dataset())
    assert point.values.keys() == METRICS.keys()
    assert point.values["k-nn"] == pytest.approx(0.95)
    assert point.values["qps-median"] == pytest.approx(200)
    assert point.values["qps"] == pytest.approx(300)


def test_batches_have_a_name_of_their_own() -> None:
    points = measured([made_result("a", 0.9, 10), made_result("a", 0.9, 10, batch=True)], made_dataset())
    assert [point.label for point in points] == ["a", "a-batch"]


def test_builds_are_named_by_their_arguments_if_there_are_several() -> None:
    results = [
        made_result("a", 0.9, 10, arguments=("euclidean", {"m": 8})),
        made_result("a", 0.9, 10, arguments=("euclidean", {"m": 32})),
        made_result("a", 0.95, 5, arguments=("euclidean", {"m": 32})),
        made_result("b", 0.9, 10),
    ]
    found = by_build(measured(results, made_dataset()))
    assert {label: len(points) for label, points in found.items()} == {
        "a euclidean, m=8": 1,
        "a euclidean, m=32": 2,
        "b": 1,
    }


def test_arguments_as_text() -> None:
    assert arguments_text(("l2", {"m": 16, "x": None}, True, 0.5, [1, 2])) == "l2, m=16, x=null, true, 0.5, [1, 2]"
    assert arguments_text(()) == ""


def test_algorithms_are_chosen_by_name() -> None:
    points = measured([made_result(name, 0.9, 10) for name in "abc"], made_dataset())
    assert [point.label for point in of_algorithms(points, ["c,a"])] == ["a", "c"]
    assert [point.label for point in of_algorithms(points, ["c", "b"])] == ["b", "c"]
    assert of_algorithms(points, None) == points


def test_an_algorithm_without_results_is_a_mistake() -> None:
    points = measured([made_result("a", 0.9, 10)], made_dataset())
    with pytest.raises(Mistake, match="no results of x; there are some of a"):
        of_algorithms(points, ["a,x"])
