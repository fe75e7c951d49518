"""Every measure on a few hundred random rows: it runs, and its figures are of the right kind."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from vecdb.bench.cli import main
from vecdb.bench.commands.promises import EMBEDDED, GRAPH, MEASURES, REMOTE, named_measures
from vecdb.bench.promises.dataset import recall, true_scores
from vecdb.bench.promises.faiss_peer import FaissFlat
from vecdb.bench.promises.hnswlib_peer import HnswlibGraph
from vecdb.bench.promises.reading import Result
from vecdb.bench.promises.report import BEGIN, BEGIN_GRAPH, BEGIN_REMOTE
from vecdb.bench.promises.setting import K, Setting

SEED = 21


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(430, 24)).astype(np.float16)
    np.savez(tmp_path / "random.npz", train=rows[:400], test=rows[400:])
    return Setting(
        data=tmp_path / "random.npz",
        scratch=tmp_path,
        repetitions=2,
        batch_rows=150,
        queries_per_lap=40,
        queries_per_batch=40,
        calls_per_lap=20,
        empty_collections=5,
        imports=2,
        clients=2,
        lap_seconds=0.05,
        overload_seconds=0.3,
        churn_rounds=2,
        window_batches=4,
        efs=(10, 100, 400),
    )


@pytest.mark.parametrize(
    ("name", "units", "targets"),
    [
        ("upsert", ["rows/s", "MiB", "ms"], 1),
        ("search", ["queries/s", "queries/s"], 2),
        ("build", ["s", "s"], 2),
        ("flat", ["queries/s"], 1),
        ("call", ["us", "us", "us", "us"], 1),
        ("reopen", ["s", "s", "s", "s"], 2),
        ("empty", ["s", "kB", "kB", "ms"], 3),
        ("import", ["s", "s", "%"], 1),
        ("graph_churn", ["of 1"] * 3 + ["queries/s", "rows", "MiB"], 5),
        ("graph_cluster_churn", ["of 1"] * 3 + ["queries/s", "rows", "MiB"], 5),
        ("graph_inserts", ["ms", "ms", "rows/s"] * 2, 2),
        ("graph_window", ["of 1", "of 1", "rows", "bytes"], 3),
        ("graph_recall", ["of 1"] * 6, 6),
        ("graph_memory", ["MiB"] * 5, 3),
        ("remote_call", ["ms"] * 9, 2),
        ("remote_clients", ["calls/s"] * 4, 4),
        ("remote_stream", ["searches/s"] * 2, 2),
        ("remote_batch", ["queries/s"] * 2, 2),
        ("remote_upload", ["rows/s"] * 2, 1),
        ("remote_peers", ["searches/s"] * 4, 0),
        ("remote_overload", ["calls/s", "ms", "calls/s", "ms", "ms", "ms", "ms", "calls", "MiB", "MiB", "s"], 6),
    ],
)
def test_a_measure_gives_its_lines(name: str, units: list[str], targets: int, setting: Setting) -> None:
    results = MEASURES[name](setting)
    assert [result.ours.unit for result in results] == units
    assert sum(result.target is not None for result in results) == targets
    for result in results:
        assert all(math.isfinite(value) for value in result.ours.values), result.measure
        assert_compared(result)
    assert [path.name for path in setting.scratch.iterdir()] == ["random.npz"]


def assert_compared(result: Result) -> None:
    assert (result.peer is not None) == (result.peer_name != "")
    if result.target is not None and result.target.is_ratio:
        assert result.peer is not None
        assert result.peer.values
        assert result.peer.unit == result.ours.unit
        assert math.isfinite(result.ratio)


def test_every_measure_is_tested() -> None:
    assert list(EMBEDDED) == ["upsert", "search", "build", "flat", "call", "reopen", "empty", "import"]
    assert [name.removeprefix("graph_") for name in GRAPH] == [
        *("churn", "cluster_churn", "inserts", "window", "recall", "memory")
    ]
    assert [name.removeprefix("remote_") for name in REMOTE] == [
        *("call", "clients", "stream", "batch", "upload", "peers", "overload")
    ]
    assert [*EMBEDDED, *GRAPH, *REMOTE] == list(MEASURES)


def test_the_peers_find_the_nearest(setting: Setting) -> None:
    dataset = setting.dataset()
    bounds = true_scores(dataset, dataset.test, K)
    assert recall(dataset, dataset.test, FaissFlat(dataset.train).search(dataset.test), bounds) == 1
    graph = HnswlibGraph(dataset.train)
    graph.build()
    graph.set_ef(len(dataset.train))
    found = np.concatenate([graph.search(query) for query in dataset.test])
    assert recall(dataset, dataset.test, found, bounds) == 1


def test_the_command_prints_and_writes_its_tables(
    setting: Setting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    main(
        [
            "promises",
            "import",
            "--smoke",
            "--data",
            str(setting.data),
            "--scratch",
            str(tmp_path),
            "--markdown",
            str(page),
        ]
    )
    printed = capsys.readouterr().out
    assert "400 rows, 24 dimensions, 30 queries" in printed
    assert "import vecdb, median of 2" in printed
    assert page.read_text().startswith(BEGIN)
    assert BEGIN_REMOTE not in page.read_text()
    assert BEGIN_GRAPH not in page.read_text()


def test_measures_run_in_their_order_and_once() -> None:
    assert named_measures([]) == named_measures(["all", "flat"]) == list(MEASURES)
    assert named_measures(["import", "flat", "import"]) == ["flat", "import"]
    assert named_measures(["remote", "import"]) == ["import", *REMOTE]
    assert named_measures(["embedded"]) == list(EMBEDDED)
    assert named_measures(["graph", "import"]) == ["import", *GRAPH]


@pytest.mark.parametrize("arguments", [["nothing"], ["flat", "--repetitions", "0"]])
def test_a_wrong_command_line_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promises", *arguments]) == 1
    assert capsys.readouterr().err.startswith("vecdb-bench promises: ")
