from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.algorithms.algorithm import Floats
from vecdb.bench.algorithms.condition import Condition, Test
from vecdb.bench.algorithms.vecdb_embedded import VecdbFlat
from vecdb.bench.algorithms.vecdb_remote import VecdbRemote, VecdbRemoteStream
from vecdb.bench.algorithms.vecdb_server import start_server

SEED = 11
ROWS, DIMENSION, QUERIES, K = 300, 8, 300, 5  # more queries than one call of 256
BUILD = {"m": 8, "ef_construction": 60}
GONE_SECONDS = 30.0


def numbers(rows: int, seed: int = SEED) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, DIMENSION), np.float32)


X = numbers(ROWS)
Q = numbers(QUERIES, SEED + 1)


@pytest.fixture(scope="module")
def exact() -> list[list[int]]:
    distances = ((Q[:, np.newaxis].astype(np.float64) - X[np.newaxis]) ** 2).sum(axis=2)
    return [[int(row) for row in own[:K]] for own in np.argsort(distances, axis=1, kind="stable")]


@pytest.fixture(scope="module", params=[VecdbRemote, VecdbRemoteStream])
def remote(request: pytest.FixtureRequest) -> Iterator[VecdbRemote]:
    with closing(request.param("euclidean", 1, BUILD)) as algorithm:
        algorithm.set_query_arguments(100)
        algorithm.fit(X)
        yield algorithm


def test_query_and_batch_find_the_nearest_rows(remote: VecdbRemote, exact: list[list[int]]) -> None:
    assert [remote.query(q, K) for q in Q[:20]] == exact[:20], f"seed {SEED}"
    assert remote.batch_query(Q, K).tolist() == exact, f"seed {SEED}"


def test_a_batch_has_a_mark_where_nothing_was_found(remote: VecdbRemote) -> None:
    found = remote.batch_query(Q[:2], ROWS + 1)
    assert found[:, -1].tolist() == [-1, -1]
    assert np.sort(found[:, :-1], axis=1).tolist() == [list(range(ROWS))] * 2


def test_updates_are_seen(remote: VecdbRemote) -> None:
    remote.insert(np.array([ROWS]), Q[:1])
    assert remote.query(Q[0], 1) == [ROWS]
    remote.delete(np.array([ROWS]))
    assert remote.query(Q[0], 1) != [ROWS]


def test_filters_are_those_of_the_embedded_door() -> None:
    attributes = {"number": np.arange(ROWS)}
    condition = Condition((Test("number", ">=", 250),))
    with closing(VecdbRemoteStream("angular", 1, BUILD)) as remote, closing(VecdbFlat("angular", 1)) as embedded:
        for algorithm in (remote, embedded):
            algorithm.fit_attributes(X, attributes)
            algorithm.set_filter(condition)
        found = remote.batch_query(Q[:20], K)
        assert found.min() >= 250
        assert np.array_equal(found, embedded.batch_query(Q[:20], K)), f"seed {SEED}"


def test_what_was_ingested_is_there_in_another_server(tmp_path: Path, exact: list[list[int]]) -> None:
    with closing(VecdbRemote("euclidean", 1, BUILD)) as first:
        first.ingest(tmp_path, iter([(np.arange(100), X[:100]), (np.arange(100, ROWS), X[100:])]))
    with closing(VecdbRemote("euclidean", 1, BUILD)) as second:
        second.reopen(tmp_path)
        assert second.batch_query(Q[:20], K).tolist() == exact[:20], f"seed {SEED}"


def test_close_ends_the_server() -> None:
    server = start_server(None, 1)
    assert os.path.isdir(f"/proc/{server.pid}")
    server.close()
    assert not os.path.isdir(f"/proc/{server.pid}")


def test_a_server_ends_when_its_worker_is_killed() -> None:
    program = """
import time
from vecdb.bench.algorithms.vecdb_server import start_server
print(start_server(None, 1).pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        worker.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + GONE_SECONDS
    while os.path.isdir(f"/proc/{pid}") and not _is_zombie(pid):
        assert time.monotonic() < deadline, f"process {pid} lives"
        time.sleep(0.05)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
