"""What calls return comes back equal, in each of its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb.errors import InvalidSchema
from vecdb.proto.convert import results
from vecdb.proto.v1 import search_pb2
from vecdb.schema import Metric
from vecdb.types import (
    CollectionStats,
    DatabaseStats,
    Plan,
    RecallReport,
    Strategy,
    VectorStats,
    VerifyReport,
    WriteResult,
)

counts = st.integers(0, 2**64 - 1)
small = st.integers(0, 2**32 - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=9)
write_results = st.builds(WriteResult, count=counts, sequence=counts, missing=counts)
plans = st.builds(
    Plan,
    strategy=st.sampled_from(get_args(Strategy)),
    rows_scanned=counts,
    rows_matched=counts,
    estimated=st.booleans(),
    metric=st.sampled_from(get_args(Metric)),
    ef=st.one_of(st.none(), small),
    slow_reason=st.one_of(st.none(), texts),
)
vector_stats = st.builds(
    VectorStats,
    dimension=small,
    dtype=st.sampled_from(["float32", "float16"]),
    rows_indexed=counts,
    rows_tail=counts,
    memory_bytes=counts,
    disk_bytes=counts,
)
collection_stats = st.builds(
    CollectionStats,
    name=texts,
    rows=counts,
    rows_deleted=counts,
    sequence=counts,
    memory_bytes=counts,
    disk_bytes=counts,
    vectors=st.dictionaries(texts, vector_stats, max_size=3),
)
database_stats = st.builds(
    DatabaseStats,
    path=st.just("grpc://here"),
    collections=counts,
    rows=counts,
    sequence=counts,
    checkpoint_sequence=counts,
    journal_bytes=counts,
    memory_bytes=counts,
    disk_bytes=counts,
)
recall_reports = st.builds(
    RecallReport,
    recall=st.floats(0, 1),
    recall_minimum=st.floats(0, 1),
    k=small,
    sample=small,
    ef=st.one_of(st.none(), small),
    seed=counts,
)
verify_reports = st.builds(VerifyReport, files=counts, rows=counts, problems=st.lists(texts).map(tuple))

WAYS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    WriteResult: (results.write_result_to_message, results.write_result_from_message),
    Plan: (results.plan_to_message, results.plan_from_message),
    CollectionStats: (results.collection_stats_to_message, results.collection_stats_from_message),
    DatabaseStats: (
        results.database_stats_to_message,
        lambda message: results.database_stats_from_message(message, "grpc://here"),
    ),
    RecallReport: (results.recall_report_to_message, results.recall_report_from_message),
    VerifyReport: (results.verify_report_to_message, results.verify_report_from_message),
    VectorStats: (
        lambda stats: results.vector_stats_to_message("a", stats),
        results.vector_stats_from_message,
    ),
}


def sent(value: Any) -> Any:
    to_message, from_message = WAYS[type(value)]
    message = to_message(value)
    return from_message(type(message).FromString(message.SerializeToString()))


@given(st.one_of(write_results, plans, vector_stats, collection_stats, database_stats, recall_reports, verify_reports))
def test_results_come_back_equal(value: Any) -> None:
    assert sent(value) == value


def test_zero_and_none_are_two_things() -> None:
    plan = Plan(strategy="scan", rows_scanned=1, rows_matched=1, estimated=False, metric="dot")
    assert sent(plan) == plan
    assert sent(replace(plan, ef=0, slow_reason="")) == replace(plan, ef=0, slow_reason="")


def test_the_path_of_the_server_is_not_sent() -> None:
    stats = DatabaseStats(**{each.name: 0 for each in fields(DatabaseStats) if each.name != "path"}, path="/srv/secret")
    assert b"secret" not in results.database_stats_to_message(stats).SerializeToString()


def test_a_strategy_of_a_newer_server_keeps_its_name() -> None:
    message = search_pb2.Plan(strategy="tree", metric="METRIC_L2")
    assert str(results.plan_from_message(message).strategy) == "tree"
    with pytest.raises(InvalidSchema, match="plan has no metric"):
        results.plan_from_message(search_pb2.Plan(strategy="scan"))
