"""Client processes: they begin together, count right, find what the database has, and say why they end."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import vecdb
from vecdb.bench.promises.clients import Clients, percentile, rate
from vecdb.bench.promises.durable_upsert import COLLECTION
from vecdb.bench.promises.setting import K

SEED = 31


@pytest.fixture
def options(tmp_path: Path) -> dict[str, object]:
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(200, 16)).astype(np.float32)
    np.save(tmp_path / "queries.npy", rows[:20] + 0.01)
    with vecdb.connect(tmp_path / "database") as db:
        docs = db.create_collection(COLLECTION, dimension=16, index=vecdb.Flat())
        docs.upsert(ids=np.arange(200), vectors=rows)
    return {"path": str(tmp_path / "database"), "queries": str(tmp_path / "queries.npy"), "select": None}


def test_what_clients_find_is_what_an_exact_scan_finds(options: dict[str, object]) -> None:
    rows = np.random.default_rng(SEED).normal(size=(200, 16)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    queries = np.load(str(options["queries"]))
    with Clients("embedded", options) as clients:
        found = clients.found(7)
    expected = np.argsort(-(queries[:7] @ unit.T), axis=1)[:, :K]
    np.testing.assert_array_equal(found, expected, err_msg=f"seed {SEED}")


def test_clients_call_for_the_time_they_are_given_and_together(options: dict[str, object]) -> None:
    with Clients("embedded", options, 2) as clients:
        before = time.monotonic()
        times = clients.times(0.5, threads=2)
        passed = time.monotonic() - before
        alone = clients.times(0.1, processes=1)
    assert (len(times), len(alone)) == (4, 1)
    assert all(0.3 <= sum(each) <= passed for each in times)
    assert 0.5 <= passed < 0.5 + 2.0
    assert rate(times) == pytest.approx(sum(len(each) / sum(each) for each in times))


def test_a_client_that_ends_says_why(options: dict[str, object]) -> None:
    with pytest.raises(RuntimeError, match=r"'remote' ended with status 1: (?s:.*)Unavailable"):
        Clients("remote", {**options, "address": "127.0.0.1:1"})


def test_an_unknown_interpreter_is_an_error(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Clients("milvus", options, python=tmp_path / "nothing")


def test_rates_add_up_and_percentiles_are_over_all_calls() -> None:
    times = [[0.1, 0.1, 0.2], [0.5]]
    assert rate(times) == pytest.approx(3 / 0.4 + 1 / 0.5)
    assert percentile(times, 0.5) == pytest.approx(0.15)
    assert percentile(times, 1.0) == 0.5
