"""The search for an ef, the lines of the table, and what of the peers is there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.promises.clients import Clients
from vecdb.bench.promises.reading import Reading
from vecdb.bench.promises.remote_peers import RECALL, Tuned, lines, recall_of, smallest_ef
from vecdb.bench.promises.server_peers import PEERS, peer_versions
from vecdb.bench.promises.setting import K, Setting

EFS = (10, 16, 24, 40, 64, 100)
NOBODY = Clients("none", {}, 0, warm=False)


@pytest.mark.parametrize("first", range(len(EFS) + 1))
def test_the_smallest_ef_that_reaches_the_recall_is_found(first: int) -> None:
    asked: list[int] = []

    def recall_at(ef: int) -> float:
        asked.append(ef)
        return RECALL if EFS.index(ef) >= first else 0.9

    last = len(EFS) - 1
    assert smallest_ef(EFS, recall_at) == ((EFS[first], RECALL) if first <= last else (EFS[last], 0.9))
    assert len(asked) == len(set(asked)) <= 4


def test_each_peer_has_a_line_present_or_not() -> None:
    ours = Tuned("vecdb", 24, 0.951, NOBODY)
    theirs = Tuned(PEERS[1].name, 40, 0.96, NOBODY)
    absent, present = lines("1 client", [ours, theirs], [Reading((100.0,), "s"), Reading((10.0,), "s")])
    assert (absent.measure, absent.peer, absent.target) == (
        f"server searches, 1 client, recall@{K} 0.951 (ef 24); {PEERS[0].name} is absent",
        None,
        None,
    )
    assert present.measure.endswith("recall@10 0.951 (ef 24) against 0.960 (ef 40)")
    assert (present.peer_name, present.ratio) == (PEERS[1].name, 10.0)
    assert present.cells()[-1] == "ratio >= 5: met"


def test_recall_counts_what_was_found(tmp_path: Path) -> None:
    train = np.random.default_rng(5).normal(size=(50, 8)).astype(np.float32)
    np.savez(tmp_path / "data.npz", train=train, test=train[:4])
    setting = Setting(scratch=tmp_path, data=tmp_path / "data.npz", queries_per_lap=4)
    unit = train / np.linalg.norm(train, axis=1, keepdims=True)
    exact = np.argsort(-(unit[:4] @ unit.T), axis=1)
    assert recall_of(exact[:, :K], setting) == 1
    assert recall_of(exact[:, 2 : K + 2], setting) == pytest.approx((K - 2) / K)
    for short in (exact[:, : K - 1], np.where(exact[:, :K] == exact[0, 0], -1, exact[:, :K])):
        with pytest.raises(RuntimeError, match="expected 10 rows"):
            recall_of(short, setting)


def test_the_packages_of_an_interpreter_are_known() -> None:
    assert peer_versions(None) == {}
    found = peer_versions(Path(sys.executable))
    assert found["numpy"] == np.__version__
    assert {"pymilvus", "milvus-lite", "chromadb", "grpcio", "numpy"} >= found.keys()
