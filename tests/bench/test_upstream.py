"""upstream/: the clients of other benchmarks, run as those benchmarks run them."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from tests.bench.pages.made_results import curve, made_dataset, made_result
from tests.bench.published_interfaces import provide_ann_benchmarks, provide_vectordb_bench
from tests.client.served import served
from vecdb.bench.algorithms.definition import read_definitions
from vecdb.bench.datasets.dataset import Metric
from vecdb.bench.pages.points import measured
from vecdb.bench.results.result_file import read_results, write_result

UPSTREAM = Path(__file__).parents[2] / "upstream"
SEED = 7
ROWS, DIMENSION, K = 2000, 24, 10

Floats = npt.NDArray[np.float32]


def rows_of(seed: int, count: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)


def nearest(metric: Metric, Q: Floats, X: Floats) -> list[set[int]]:
    wide, asked = X.astype(np.float64), Q.astype(np.float64)
    if metric == "angular":
        distances = -(asked @ wide.T) / np.linalg.norm(wide, axis=1)
    else:
        distances = ((asked[:, np.newaxis] - wide) ** 2).sum(axis=2)
    return [set(order[:K].tolist()) for order in np.argsort(distances, axis=1)]


def recall(found: list[list[int]], truth: list[set[int]]) -> float:
    return sum(len(set(ids) & own) for ids, own in zip(found, truth, strict=True)) / (K * len(truth))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    provide_ann_benchmarks(monkeypatch)
    return _loaded(monkeypatch, "ann_benchmarks_vecdb", UPSTREAM / "ann_benchmarks" / "module.py")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The package as vectordb_bench imports it, under another name."""
    provide_vectordb_bench(monkeypatch)
    _loaded(monkeypatch, "vectordb_bench_vecdb", UPSTREAM / "vectordbbench" / "__init__.py")
    names = ("vectordb_bench_vecdb.config", "vectordb_bench_vecdb.vecdb")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    config, vecdb = (importlib.import_module(name) for name in names)
    return SimpleNamespace(
        Vecdb=vecdb.Vecdb,
        VecdbConfig=config.VecdbConfig,
        VecdbHnswConfig=config.VecdbHnswConfig,
        api=importlib.import_module("vectordb_bench.backend.clients.api"),
        filter=importlib.import_module("vectordb_bench.backend.filter"),
    )


def _loaded(monkeypatch: pytest.MonkeyPatch, name: str, path: Path) -> ModuleType:
    locations = [str(path.parent)] if path.name == "__init__.py" else None
    spec = spec_from_file_location(name, path, submodule_search_locations=locations)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, made)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("metric", ["euclidean", "angular"])
def test_ann_benchmarks_runs_it(module: Any, metric: Metric) -> None:
    """What its runner does, with what its own reading of config.yml would give."""
    X, Q = rows_of(SEED, ROWS).astype(np.float64), rows_of(SEED + 1, 30)
    truth = nearest(metric, Q, X.astype(np.float32))
    config = UPSTREAM / "ann_benchmarks" / "config.yml"
    definition = read_definitions(config, metric=metric, dimension=DIMENSION, count=K, threads=1)[1]
    assert definition.arguments == (metric, {"M": 16, "efConstruction": 500})
    algorithm = getattr(module, definition.constructor)(*definition.arguments)
    assert isinstance(algorithm, sys.modules["ann_benchmarks.algorithms.base.module"].BaseANN)
    algorithm.fit(X)
    assert algorithm.get_memory_usage() > X.nbytes / 1024  # resident kilobytes of the process
    recalls = []
    for arguments in definition.query_argument_groups[:3]:
        algorithm.set_query_arguments(*arguments)
        assert str(arguments[0]) in str(algorithm)
        assert "'M': 16" in str(algorithm)
        single = [algorithm.query(q, K) for q in Q]
        recalls.append(recall(single, truth))
        algorithm.batch_query(Q, K)
        assert [list(ids) for ids in algorithm.get_batch_results()] == [list(ids) for ids in single]
    algorithm.done()
    algorithm.done()
    assert recalls[0] < recalls[2] or recalls[0] >= 0.999
    assert recalls[2] >= 0.97, f"{recalls}, seed {SEED}"


def test_ann_benchmarks_rows_without_a_direction(module: Any) -> None:
    X = rows_of(SEED, 50)
    X[::5] = 0
    algorithm = module.Vecdb("angular", {"M": 8, "efConstruction": 50})
    algorithm.fit(X)
    algorithm.set_query_arguments(100)
    assert sorted(algorithm.query(X[1], 50)) == [row for row in range(50) if row % 5]
    algorithm.done()


def test_ann_benchmarks_asks_for_another_metric(module: Any) -> None:
    with pytest.raises(ValueError, match="expected one of angular euclidean, received 'hamming'"):
        module.Vecdb("hamming", {"M": 8, "efConstruction": 50})


def test_ann_benchmarks_config_covers_both_metrics() -> None:
    config = UPSTREAM / "ann_benchmarks" / "config.yml"
    metrics: tuple[Metric, ...] = ("euclidean", "angular")
    for metric in metrics:
        found = read_definitions(config, metric=metric, dimension=DIMENSION, count=K, threads=1)
        assert [own.arguments[1]["M"] for own in found] == [12, 16, 24, 36]
        assert all(own.module == "ann_benchmarks.algorithms.vecdb" and not own.disabled for own in found)
        assert all(own.query_argument_groups[0] == (10,) and len(own.query_argument_groups) == 9 for own in found)


def as_published(dataset: str, count: int, batch: bool, true_distances: npt.NDArray[Any]) -> dict[str, list[Any]]:
    """What ann-benchmarks' plot.py takes from results/ in the current folder: (algorithm, name, recall, qps) by name.

    It opens each file to write, for it keeps metrics in a group of the file.
    """
    found: dict[str, list[Any]] = {}
    for path in sorted(Path("results", dataset, str(count)).glob("*/*.hdf5")):
        if ("-batch" in str(path.parent)) != batch:
            continue
        with h5py.File(path, "r+") as run:
            properties = dict(run.attrs)
            distances = np.asarray(run["distances"])
            cache = run.create_group("metrics").create_group("knn")
            within = distances[:, :count] <= true_distances[: len(distances), [count - 1]] + 1e-3
            cache.attrs["mean"] = within.sum() / (count * len(distances))
            values = (float(cache.attrs["mean"]), 1.0 / properties["best_search_time"])
            found.setdefault(properties["algo"], []).append((properties["algo"], properties["name"], *values))
    return found


def as_installed(dataset: str, count: int, batch: bool, true_distances: npt.NDArray[Any]) -> dict[str, list[Any]]:
    """The same by its own code."""
    results = importlib.import_module("ann_benchmarks.results")
    plotting = importlib.import_module("ann_benchmarks.plotting.utils")
    found = results.load_all_results(dataset, count, batch_mode=batch)
    computed = plotting.compute_metrics(true_distances, found, "k-nn", "qps")
    for data in computed.values():
        xs, ys, *_ = plotting.create_pointset(data, "k-nn", "qps")
        assert list(xs) == sorted(xs)
        assert list(ys) == sorted(ys, reverse=True)
    every = plotting.compute_metrics_all_runs(
        {"distances": true_distances}, results.load_all_results(dataset, count, batch_mode=batch)
    )
    assert all(run["count"] == count and run["build"] == 10.0 for run in every)
    return dict(computed)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("read", [as_published, *([as_installed] if find_spec("ann_benchmarks") else [])])
def test_ann_benchmarks_reads_our_results(
    read: Callable[..., dict[str, list[Any]]], batch: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plot of our files says what ours does, and what it leaves in them does not keep us from reading them."""
    monkeypatch.chdir(tmp_path)
    dataset = made_dataset()
    for result in [*curve("vecdb-hnsw", [80.0, 100.0], batch=batch), made_result("hnswlib", 0.93, 50, batch=batch)]:
        write_result(tmp_path / "results", result)
    found = read(dataset.name, 10, batch, dataset.distances)
    assert found.keys() == {"vecdb-hnsw", "hnswlib"}
    ours = measured(read_results(tmp_path / "results", dataset.name, 10, batch), dataset)
    for point in ours:
        names = {name: values for _, name, *values in found[point.result.algorithm]}
        assert names[point.result.title] == pytest.approx([point.values["k-nn"], point.values["qps"]])
    assert len(ours) == sum(len(runs) for runs in found.values()) == 5
    assert read(dataset.name, 10, not batch, dataset.distances) == {}


@pytest.mark.parametrize("remote", [False, True])
def test_vectordb_bench_runs_it(client: SimpleNamespace, tmp_path: Path, remote: bool) -> None:
    """Load in batches, optimize, search from a copy, as its runners do; in a folder, and on a server."""
    if remote:
        with served() as there:
            _run_a_case(client, there.address)
    else:
        _run_a_case(client, str(tmp_path / "database"))


def _run_a_case(client: SimpleNamespace, uri: str) -> None:
    X, Q = rows_of(SEED, ROWS), rows_of(SEED + 1, 20)
    config = client.VecdbConfig(db_label="here", uri=uri)
    case = client.VecdbHnswConfig(metric_type=client.api.MetricType.COSINE, m=16, ef_construction=100, ef=200)
    made = client.Vecdb(DIMENSION, config.to_dict(), case, drop_old=True, with_scalar_labels=True)
    assert isinstance(made, client.api.VectorDB)
    with made.init():
        for start in range(0, ROWS, 500):
            numbers = list(range(start, start + 500))
            labels = [f"label_{number % 10}" for number in numbers]
            assert made.insert_embeddings(X[start : start + 500].tolist(), numbers, labels_data=labels) == (500, None)
        made.optimize(ROWS)
    copy = deepcopy(made)
    every = np.arange(ROWS)
    filters: dict[str, tuple[dict[str, Any], npt.NDArray[np.bool_]]] = {
        "NonFilter": ({}, every >= 0),
        "NumGE": ({"int_value": 1500, "int_field": "id"}, every >= 1500),
        "Label": ({"label_value": "label_3"}, every % 10 == 3),
    }
    with copy.init():
        for kind, (arguments, matching) in filters.items():
            asked = SimpleNamespace(type=client.filter.FilterOp(kind), **arguments)
            assert copy.filter_supported(asked)
            copy.prepare_filter(asked)
            among = np.flatnonzero(matching)
            truth = [{int(among[place]) for place in own} for own in nearest("angular", Q, X[among])]
            found = [copy.search_embedding(q.tolist(), k=K) for q in Q]
            assert recall(found, truth) >= 0.98, f"{kind}, seed {SEED}"
    again = client.Vecdb(DIMENSION, config.to_dict(), case, drop_old=False)
    with again.init():
        assert again.search_embedding(X[3].tolist(), k=1) == [3]
        count, error = again.insert_embeddings([[1.0] * (DIMENSION + 1)], [1])
        assert count == 0
        assert "dimension" in str(error)
    emptied = client.Vecdb(DIMENSION, config.to_dict(), case, drop_old=True)
    with emptied.init():
        assert emptied.search_embedding(X[3].tolist(), k=1) == []


def test_vectordb_bench_configurations(client: SimpleNamespace) -> None:
    kinds = client.api.MetricType
    made = client.VecdbHnswConfig(metric_type=kinds.L2, m=8)
    assert made.index_param() == {"metric": "l2", "m": 8, "ef_construction": 200}
    assert made.search_param() == {"recall": 0.95}
    assert client.VecdbHnswConfig(ef=64).search_param() == {"ef": 64}
    assert client.VecdbHnswConfig(metric_type=kinds.DP).index_param()["metric"] == "dot"
    with pytest.raises(ValueError, match="HAMMING"):
        client.VecdbHnswConfig(metric_type=kinds.HAMMING).index_param()
    assert client.VecdbConfig(db_label="here").to_dict() == {"uri": "grpc://localhost:6339", "api_key": None}


def test_vectordb_bench_command_uses_each_of_its_options() -> None:
    tree = ast.parse((UPSTREAM / "vectordbbench" / "cli.py").read_text())
    (options,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    declared = {ast.unparse(node.target) for node in options.body if isinstance(node, ast.AnnAssign)}
    used = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and ast.unparse(node.value) == "parameters"
    }
    assert used == declared | {"db_label"}
    assert len(declared) == 6


if find_spec("vectordb_bench") is not None:

    def test_vectordb_bench_measures_it(client: SimpleNamespace, tmp_path: Path) -> None:
        """Its own runner, in this process."""
        runner = importlib.import_module("vectordb_bench.backend.runner.serial_runner")
        X, Q = rows_of(SEED, 500), rows_of(SEED + 1, 20)
        case = client.VecdbHnswConfig(metric_type=client.api.MetricType.L2, ef=200)
        made = client.Vecdb(DIMENSION, {"uri": str(tmp_path / "database"), "api_key": None}, case, drop_old=True)
        with made.init():
            made.insert_embeddings(X.tolist(), list(range(500)))
        truth = [sorted(own) for own in nearest("euclidean", Q, X)]
        measured = runner.SerialSearchRunner(made, Q.tolist(), truth, k=K).search((Q.tolist(), truth))
        assert measured[0] >= 0.98

    def test_vectordb_bench_command(client: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its command line, up to the task that would run."""
        testing = importlib.import_module("click.testing")
        cli = importlib.import_module("vectordb_bench_vecdb.cli")
        ran: list[dict[str, Any]] = []
        monkeypatch.setattr(cli, "DB", SimpleNamespace(Vecdb="vecdb"))
        monkeypatch.setattr(cli, "run", lambda **task: ran.append(task))
        options = ["--uri", "grpc://there:1", "--api-key", "secret", "--m", "8", "--ef", "99"]
        result = testing.CliRunner().invoke(cli.VecdbHNSW, options)
        assert result.exit_code == 0, result.output
        (task,) = ran
        assert task["db"] == "vecdb"
        assert task["db_config"].to_dict() == {"uri": "grpc://there:1", "api_key": "secret"}
        assert task["db_case_config"].search_param() == {"ef": 99}
        assert task["db_case_config"].index_param()["m"] == 8
