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
