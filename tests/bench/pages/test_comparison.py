"""The comparison against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.pages.made_results import curve, made_dataset, made_result
from vecdb.bench.mistake import Mistake
from vecdb.bench.pages.comparison import Comparison, Row, compare
from vecdb.bench.pages.points import measured
from vecdb.bench.pages.spread import Spread
from vecdb.bench.results.result import Result


def compared(*results: Result, recalls: tuple[float, ...] = (0.9, 0.95, 0.99, 0.999), **options: str) -> Comparison:
    return compare(measured(results, made_dataset()), recalls, **options)


def row_of(comparison: Comparison, label: str) -> Row:
    return next(row for row in comparison.rows if row.label == label)


def values(figures: tuple[Spread | None, ...]) -> list[float | None]:
    return [None if figure is None else round(figure.value, 6) for figure in figures]


def test_figures_at_measured_recalls_are_those_measured() -> None:
    found = compared(*curve("hnswlib", 800))
    assert values(row_of(found, "hnswlib").qps) == [800, 400, 200, 100]
    assert values(row_of(found, "hnswlib").to_baseline) == [1, 1, 1, 1]


def test_a_recall_that_is_not_reached_has_no_figure_and_no_ratio() -> None:
    found = compared(*curve("hnswlib", 800), made_result("vecdb-hnsw", 0.97, 500))
    row = row_of(found, "vecdb-hnsw")
    assert values(row.qps) == [500, 500, None, None]
    assert values(row.to_baseline) == [0.625, 1.25, None, None]
    assert row.top_recall == pytest.approx(0.97)


def test_ratios_are_to_the_baseline_and_to_the_fastest_peer_at_each_recall() -> None:
    results = [*curve("hnswlib", 800), *curve("vecdb-hnsw", 1600), *curve("vecdb-flat", 9999)]
    found = compared(*results, made_result("faiss", 0.92, 1000))
    assert found.best_peers == ("faiss", "hnswlib", "hnswlib", "hnswlib")
    row = row_of(found, "vecdb-hnsw")
    assert values(row.to_baseline) == [2, 2, 2, 2]
    assert values(row.to_best_peer) == [1.6, 2, 2, 2]


def test_the_range_of_a_ratio_is_taken_round_by_round() -> None:
    """In the second round the machine was half as fast for both."""
    base = made_result("hnswlib", 0.95, [1000, 500, 900])
    ours = made_result("vecdb-hnsw", 0.95, [2000, 1000, 1800])
    row = row_of(compared(base, ours, recalls=(0.95,)), "vecdb-hnsw")
    assert row.qps[0] is not None
    assert (row.qps[0].value, row.qps[0].low, row.qps[0].high) == pytest.approx((1800, 1000, 2000))
    assert row.to_baseline[0] is not None
    assert (row.to_baseline[0].value, row.to_baseline[0].low, row.to_baseline[0].high) == pytest.approx((2, 2, 2))


def test_rounds_that_have_no_partner_leave_the_range_of_the_others() -> None:
    base, ours = made_result("hnswlib", 0.95, [1000, 500]), made_result("vecdb-hnsw", 0.95, [1500, 1500, 3000])
    figure = row_of(compared(base, ours, recalls=(0.95,)), "vecdb-hnsw").to_baseline[0]
    assert figure is not None
    assert (figure.value, figure.low, figure.high) == pytest.approx((2.0, 1.5, 3.0))


def test_a_ratio_is_of_the_laps_of_common_sessions() -> None:
    """In the second session, where the baseline has no laps, the machine was three times as fast."""
    base = made_result("hnswlib", 0.95, [100, 110], sessions=["one", "one"])
    ours = made_result("vecdb-hnsw", 0.95, [200, 220, 600, 630, 660], sessions=["one"] * 2 + ["two"] * 3, session="two")
    found = compared(base, ours, recalls=(0.95,))
    row = row_of(found, "vecdb-hnsw")
    assert row.qps[0] is not None
    assert (row.qps[0].value, row.qps[0].low, row.qps[0].high) == pytest.approx((600, 200, 660))
    for figure in (*row.to_baseline, *row.to_best_peer):
        assert figure is not None
        assert (figure.value, figure.low, figure.high) == pytest.approx((2, 2, 2))
    assert not row.other_session
    assert found.warnings == (
        "laps of several sessions: a ratio without * is of the laps of sessions that both took part in",
    )


def test_of_several_common_sessions_the_ratio_is_the_median() -> None:
    """Pooled laps would say 500 / 100: ours were mostly taken when the machine was fast, the baseline's when slow."""
    base = made_result("hnswlib", 0.95, [100, 100, 250], sessions=["one", "one", "two"])
    ours = made_result("vecdb-hnsw", 0.95, [200, 500, 500], sessions=["one", "two", "two"])
    figure = row_of(compared(base, ours, recalls=(0.95,)), "vecdb-hnsw").to_baseline[0]
    assert figure is not None
    assert (figure.value, figure.low, figure.high) == pytest.approx((2, 2, 2))


def test_groups_of_one_session_are_compared_with_the_baseline_of_their_group() -> None:
    """The baseline is in each memory group; in the second all ran at half the speed."""
    base = made_result("hnswlib", 0.95, [100, 50], sessions=["one/1", "one/2"])
    first = made_result("vecdb-hnsw", 0.95, [200], sessions=["one/1"])
    second = made_result("vecdb-flat", 0.95, [75], sessions=["one/2"])
    found = compared(base, first, second, recalls=(0.95,))
    assert values(row_of(found, "vecdb-hnsw").to_baseline) == [2]
    assert values(row_of(found, "vecdb-flat").to_baseline) == [1.5]
    assert not any(row.other_session for row in found.rows)


def test_a_range_is_taken_round_by_round_within_a_session() -> None:
    """In the second session all was four times as fast; the second laps of the two points are of different sessions."""
    loose = made_result("hnswlib", 0.9, [100, 100, 400], sessions=["one", "one", "two"])
    tight = made_result("hnswlib", 0.99, [10, 40], sessions=["one", "two"])
    figure = compared(loose, tight, recalls=(0.95,)).rows[0].qps[0]
    assert figure is not None
    assert figure.high / figure.low == pytest.approx(4)


def test_a_figure_between_points_of_two_sessions_has_a_range_too() -> None:
    loose = made_result("hnswlib", 0.9, [100, 400], sessions=["one", "one"])
    tight = made_result("hnswlib", 0.99, [10, 40], sessions=["two", "two"])
    figure = compared(loose, tight, recalls=(0.95,)).rows[0].qps[0]
    assert figure is not None
    assert figure.high / figure.low == pytest.approx(4)


def test_a_session_with_a_part_of_the_curve_does_not_stand_for_it() -> None:
    """In the second session only the slowest point of ours was measured: below its recall that tells nothing."""
    base = [
        made_result("hnswlib", recall, [speed] * 2, sessions=["one", "two"])
        for recall, speed in ((0.9, 800), (0.99, 80))
    ]
    ours = [
        made_result("vecdb-hnsw", 0.9, [1600], sessions=["one"]),
        made_result("vecdb-hnsw", 0.99, [160], sessions=["two"], session="two"),
    ]
    row = row_of(compared(*base, *ours, recalls=(0.9, 0.95, 0.99)), "vecdb-hnsw")
    assert values(row.to_baseline) == [2, 2, 2]
    assert row.other_session, "the figure at .95 is between points of two sessions"
    row = row_of(compared(*base, *ours, recalls=(0.9, 0.99)), "vecdb-hnsw")
    assert values(row.to_baseline) == [2, 2]
    assert not row.other_session


def test_results_of_a_part_of_the_queries_are_marked() -> None:
    part = made_result("vecdb-hnsw", 0.95, 10)
    part = replace(part, neighbors=part.neighbors[:40], distances=part.distances[:40])
    found = compared(made_result("hnswlib", 0.95, 10), part)
    assert [row.label for row in found.rows if row.partial] == ["vecdb-hnsw"]
    assert found.warnings[-1].startswith("† asked only the first 40 of the set's 100 queries")


def test_build_and_memory_are_compared_too() -> None:
    ours = made_result("vecdb-hnsw", 0.9, 10, build_seconds=5.0, index_bytes=150_000_000)
    row = row_of(compared(made_result("hnswlib", 0.9, 10), ours), "vecdb-hnsw")
    assert (row.build_seconds, row.index_bytes) == (5.0, 150_000_000)
    assert (row.build_to_baseline, row.memory_to_baseline) == (0.5, 3.0)


def test_rows_come_from_the_fastest_to_the_slowest_at_the_middle_recall() -> None:
    slow_but_exact = made_result("flat", 1.0, 1)
    fast_but_loose = made_result("loose", 0.9, 1e6)
    found = compared(*curve("a", 400), *curve("b", 800), slow_but_exact, fast_but_loose)
    assert [row.label for row in found.rows] == ["b", "a", "flat", "loose"]


def test_without_the_baseline_there_is_a_warning_and_no_ratio() -> None:
    found = compared(*curve("vecdb-hnsw", 10), baseline="faiss")
    assert values(found.rows[0].to_baseline) == [None] * 4
    assert found.rows[0].build_to_baseline is None
    assert found.warnings == ("there is no result of the baseline faiss: no ratios to it",)
    assert found.best_peers == (None,) * 4


def test_results_of_another_session_are_marked() -> None:
    results = [*curve("hnswlib", 800), *curve("faiss", 700), *curve("vecdb-hnsw", 1600, session="two")]
    found = compared(*results)
    assert [row.label for row in found.rows if row.other_session] == ["vecdb-hnsw"]
    assert len(found.warnings) == 1
    assert found.warnings[0].endswith("vecdb-hnsw")


def test_different_threads_and_machines_are_warned_of() -> None:
    other = made_result("b", 0.9, 10, threads=8, machine={"CPU": "Another"})
    warnings = "\n".join(compared(made_result("hnswlib", 0.9, 10), other).warnings)
    assert "numbers of threads: 2, 8" in warnings
    assert "different machines: A Processor, Another" in warnings


def test_the_baseline_of_batches_is_its_batches() -> None:
    found = compared(*curve("hnswlib", 800, batch=True), *curve("vecdb-hnsw", 400, batch=True))
    assert values(row_of(found, "vecdb-hnsw-batch").to_baseline) == [0.5] * 4


def test_recall_may_be_taken_without_the_tolerance() -> None:
    """A distance of 10.0005 is within ann-benchmarks' tolerance of the tenth true distance 10, but not a tie."""
    result = made_result("hnswlib", 1.0, 10)
    result.distances[:, 0] = 10.0005
    assert compared(result).rows[0].top_recall == 1.0
    assert compared(result, recall_metric="strict").rows[0].top_recall == pytest.approx(0.9)


def test_nothing_to_compare_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="no results"):
        compare([])
