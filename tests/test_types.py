"""Result types: what compares and what follows from what."""

import copy
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from vecdb.types import Hit, Record, VerifyReport, WriteResult


def test_records_and_hits_compare_without_their_arrays() -> None:
    vectors = {"": np.zeros(3, dtype=np.float32)}
    assert Record(id=1, payload={"a": 1}, vectors=vectors) == Record(id=1, payload={"a": 1})
    assert Hit(id=1, score=0.5, payload={}, vectors=vectors) == Hit(id=1, score=0.5, payload={})
    assert Record(id=1, payload={"a": 1}) != Record(id="1", payload={"a": 1})


def test_results_are_frozen_and_copy() -> None:
    result = WriteResult(count=3, sequence=7)
    assert result.missing == 0
    assert copy.deepcopy(result) == result
    with pytest.raises(FrozenInstanceError):
        result.count = 4  # type: ignore[misc]


def test_a_report_is_ok_without_problems() -> None:
    assert VerifyReport(files=3, rows=10).ok
    assert not VerifyReport(files=3, rows=10, problems=("rows/0.f32: checksum",)).ok


def test_rows_show_themselves_briefly_and_keep_the_order_of_their_fields() -> None:
    vectors = {"": np.zeros(384, dtype=np.float32), "x": np.zeros(3, dtype=np.float32)}
    hit = Hit(id="a", score=0.123456, payload={"z": 1, "a": [1.5, None]}, vectors=vectors)
    assert repr(hit) == (
        "Hit(id='a', score=0.1235, payload={'z': 1, 'a': [1.5, None]}, vectors={'': float32 (384,), 'x': float32 (3,)})"
    )
    assert repr(Record(id=1, payload={})) == "Record(id=1, payload={})"
    deep: dict[str, object] = {}
    for _ in range(30):
        deep = {"deeper": deep, "text": "x" * 100_000, "list": list(range(1000))}
    wide = {f"{name}" * 100: deep for name in range(500)}
    assert len(repr(Record(id="x" * 1000, payload=wide))) < 10_000
    assert len(repr(Hit(id=1, score=0.0, payload=deep))) < 2_000
