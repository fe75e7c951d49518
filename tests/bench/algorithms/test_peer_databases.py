"""Peer databases against brute force: those that are installed, and one that is a dictionary, which always is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vecdb.bench.algorithms.algorithm import MISSING, Floats, Ints
from vecdb.bench.algorithms.attribute_column import attribute_column, comparisons
from vecdb.bench.algorithms.capabilities import Updatable
from vecdb.bench.algorithms.condition import Condition, Test
from vecdb.bench.algorithms.definition import FOLDER, Absent, Definition, available, instantiate, read_definitions
from vecdb.bench.algorithms.peer_database import PeerDatabase
from vecdb.bench.datasets.dataset import METRICS, Metric
from vecdb.bench.fresh_process import in_fresh_process

SEED = 20
ROWS, DIMENSION, K = 600, 16, 10
LIBRARIES = {
    "qdrant_edge": ["qdrant-edge", "qdrant-edge-sq8"],
    "zvec": ["zvec", "zvec-read-only"],
    "lancedb": ["lancedb"],
    "milvus_lite": ["milvus-lite"],
    "chromadb": ["chromadb"],
}
DICTIONARY = "dictionary"
INSTALLED = [name for module, names in LIBRARIES.items() if find_spec(module) is not None for name in names]
NAMES = [DICTIONARY, *INSTALLED]
UPDATABLE = [name for name in NAMES if name != "zvec-read-only"]


class DictionaryDatabase(PeerDatabase, Updatable):
    """The contract of a PeerDatabase, kept by the plainest means: what the tests of the others are tested with."""

    library = "numpy"

    def __init__(self, metric: Metric, threads: int) -> None:
        super().__init__(metric, threads)
        self.rows: dict[int, Floats] = {}
        self.cells: dict[int, dict[str, Any]] = {}
        self.tests: Condition | None = None
        self.builds = 0
        self.folder = Path()

    def set_query_arguments(self, *arguments: Any) -> None:
        assert len(arguments) == 1

    def query(self, q: Floats, k: int) -> Ints:
        keys = [key for key in self.rows if self.tests is None or self._passes(key, self.tests)]
        rows = np.array([self.rows[key] for key in keys], np.float32).reshape(-1, len(q))
        return np.array(keys, np.int64)[np.argsort(true_distances(self.metric, q, rows), kind="stable")[:k]]

    def set_filter(self, condition: Condition) -> None:
        comparisons(condition, self.columns)
        self.tests = condition

    def create_database(self, folder: Path, dimension: int) -> None:
        assert dimension > 0
        self.folder = folder

    def open_database(self, folder: Path) -> None:
        self.folder = folder
        with np.load(folder / "rows.npz") as stored:
            self.rows = dict(zip(stored["ids"].tolist(), stored["X"], strict=True))

    def write_rows(self, ids: Ints, X: Floats, attributes: Mapping[str, list[Any]]) -> None:
        assert 0 < len(ids) <= self.batch_rows
        for place, key in enumerate(ids.tolist()):
            self.rows[key] = X[place]
            self.cells[key] = {name: cells[place] for name, cells in attributes.items()}

    def delete_rows(self, ids: Ints) -> None:
        for key in ids.tolist():
            self.rows.pop(key, None)

    def make_durable(self) -> None:
        np.savez(self.folder / "rows.npz", ids=np.array([*self.rows]), X=np.array([*self.rows.values()]))

    def build_index(self) -> None:
        self.builds += 1

    def close_database(self) -> None:
        self.make_durable()

    def _passes(self, key: int, condition: Condition) -> bool:
        return bool(condition.matches({name: [cell] for name, cell in self.cells[key].items()}, 1)[0])


def make(name: str, metric: Metric = "euclidean") -> PeerDatabase:
    if name == DICTIONARY:
        return DictionaryDatabase(metric, 2)
    made = instantiate(definition_of(name, metric), metric, 2)
    assert isinstance(made, PeerDatabase)
    made.set_query_arguments(*definition_of(name, metric).query_argument_groups[-1])  # the widest search
    return made


def definition_of(name: str, metric: Metric = "euclidean") -> Definition:
    file = FOLDER / "peer_databases.yml"
    arguments = {"metric": metric, "dimension": DIMENSION, "count": K, "threads": 2}
    (found,) = read_definitions(file, names=[name], **arguments)  # type: ignore[arg-type]
    return found


def rows_of(seed: int, count: int = ROWS) -> Floats:
    return np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)


def true_distances(metric: Metric, q: Floats, X: Floats) -> npt.NDArray[np.float64]:
    """Written down here again, so that a wrong metric is not compared with itself."""
    wide, wanted = X.astype(np.float64), q.astype(np.float64)
    products: npt.NDArray[np.float64] = wide @ wanted
    if metric == "euclidean":
        return np.square(wide - wanted).sum(axis=1)  # type: ignore[no-any-return]
    return -products / np.linalg.norm(wide, axis=1) if metric == "angular" else -products


def nearest(metric: Metric, q: Floats, X: Floats, among: Ints) -> set[int]:
    order = np.argsort(true_distances(metric, q, X[among]), kind="stable")[:K]
    return set(among[order].tolist())


def recall(found: Ints, Q: Floats, X: Floats, among: Ints, metric: Metric = "euclidean") -> float:
    wanted = [nearest(metric, q, X, among) for q in Q]
    return sum(len(own & set(ids.tolist())) for own, ids in zip(wanted, found, strict=True)) / sum(map(len, wanted))


@pytest.fixture(params=NAMES)
def database(request: pytest.FixtureRequest) -> Iterator[PeerDatabase]:
    made = make(request.param)
    yield made
    made.close()


@pytest.fixture(params=UPDATABLE)
def updatable(request: pytest.FixtureRequest) -> Iterator[PeerDatabase]:
    made = make(request.param)
    assert isinstance(made, Updatable)
    yield made
    made.close()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", NAMES)
def test_the_nearest_rows_are_found(name: str, metric: Metric) -> None:
    X = rows_of(SEED) * np.linspace(0.5, 2, ROWS, dtype=np.float32)[:, np.newaxis]  # lengths differ: so do the metrics
    Q = rows_of(SEED + 1, 20)
    database = make(name, metric)
    database.fit(X)
    single = np.array([database.query(q, K) for q in Q])
    batch = database.batch_query(Q, K)
    lone = database.batch_query(Q[:1], K)
    database.close()
    assert single.shape == batch.shape == (20, K)
    assert recall(single, Q, X, np.arange(ROWS), metric) >= 0.97, f"seed {SEED}"
    assert recall(batch, Q, X, np.arange(ROWS), metric) >= 0.97, f"seed {SEED}"
    assert recall(lone, Q[:1], X, np.arange(ROWS), metric) >= 0.9, f"seed {SEED}"
    for q, ids in zip(Q, single, strict=True):
        distances = true_distances(metric, q, X[ids])
        assert np.all(np.diff(distances) >= -1e-4), f"not nearest first, seed {SEED}"


def test_fewer_rows_than_places(database: PeerDatabase) -> None:
    database.fit(rows_of(SEED, 4))
    assert sorted(database.query(rows_of(SEED, 4)[0], K)) == [0, 1, 2, 3]
    batch = database.batch_query(rows_of(SEED + 1, 3), K)
    assert batch.shape == (3, K)
    assert (np.sort(batch[:, :4]) == [0, 1, 2, 3]).all()
    assert (batch[:, 4:] == MISSING).all()


def test_every_sweep_can_be_set(database: PeerDatabase, request: pytest.FixtureRequest) -> None:
    X = rows_of(SEED)
    database.fit(X)
    name = request.node.callspec.params["database"]
    groups = [(10,), (20,)] if name == DICTIONARY else definition_of(name).query_argument_groups
    assert len(groups) in range(2, 15)
    for group in (groups[0], groups[-1]):
        database.set_query_arguments(*group)
        assert database.query(X[5], K)[0] == 5
    database.close()
    database.close()  # harmless


def test_rows_come_and_go(updatable: PeerDatabase) -> None:
    X, Q = rows_of(SEED), rows_of(SEED + 1, 20)
    updatable.fit(X[:400])
    updatable.insert(np.arange(400, ROWS), X[400:])  # half as many again: the index is built again on the way
    X[:20] = Q
    updatable.insert(np.arange(20), X[:20])  # replaced
    updatable.delete(np.arange(100, 250))
    live = np.concatenate([np.arange(100), np.arange(250, ROWS)])
    found = updatable.batch_query(Q, K)
    assert (found[:, 0] == np.arange(20)).all()
    assert set(found.ravel().tolist()) <= set(live.tolist())
    assert recall(found, Q, X, live) >= 0.97, f"seed {SEED}"


CONDITIONS = [
    Condition(),
    Condition((Test("colour", "==", 'it\'s "red"'),)),
    Condition((Test("colour", "in", ("blue", 'back\\"slash', "none has this")),)),
    Condition((Test("size", "<", 3),)),
    Condition((Test("size", ">=", 2.5), Test("size", "<=", 7))),
    Condition((Test("size", "in", (1, 8)), Test("colour", "==", "blue"))),
    Condition((Test("weight", ">", 0.75),)),
    Condition((Test("weight", "<=", 1),)),
    Condition((Test("weight", "==", 0.5),)),
    Condition((Test("fresh", "==", True),)),
    Condition((Test("fresh", "==", False), Test("weight", "<", 0.5))),
    Condition((Test("tags", "==", "odd"),)),
    Condition((Test("tags", "in", ("three", "none has this")),)),
    Condition((Test("size", "==", 123_456),)),
]


def attributes_of_rows() -> dict[str, Any]:
    generator = np.random.default_rng(SEED)
    numbers = range(ROWS)
    return {
        "colour": [['it\'s "red"', "blue", 'back\\"slash', None][i % 4] for i in numbers],
        "size": np.arange(ROWS) % 9,
        "weight": [None if i % 7 == 0 else 0.5 if i % 50 == 1 else float(generator.random()) for i in numbers],
        "fresh": np.arange(ROWS) % 3 == 0,
        "tags": [(["odd"] if i % 2 else []) + (["three"] if i % 3 == 0 else []) for i in numbers],
    }


def test_only_what_matches_is_found(database: PeerDatabase) -> None:
    X, Q, attributes = rows_of(SEED), rows_of(SEED + 1, 5), attributes_of_rows()
    database.fit_attributes(X, attributes)
    for condition in CONDITIONS:
        matching = np.flatnonzero(condition.matches(attributes, ROWS))
        database.set_filter(condition)
        found = [database.query(q, K) for q in Q]
        together = database.batch_query(Q, K)
        assert set(together.ravel().tolist()) - {MISSING} <= set(matching.tolist()), f"{condition}"
        for ids in found:
            assert set(ids) <= set(matching.tolist()), f"{condition}"
            assert len(ids) == min(K, len(matching)), f"{condition}: {len(matching)} rows match, seed {SEED}"
        if len(matching):
            wanted = [nearest("euclidean", q, X, matching) for q in Q]
            hits = sum(len(own & set(ids)) for own, ids in zip(wanted, found, strict=True))
            assert hits >= 0.95 * sum(map(len, wanted)), f"{condition}, seed {SEED}"


def test_an_attribute_that_is_not_there(database: PeerDatabase) -> None:
    database.fit_attributes(rows_of(SEED, 50), {"size": np.arange(50)})
    with pytest.raises(KeyError, match="weight"):
        database.set_filter(Condition((Test("weight", ">", 1),)))
    with pytest.raises(ValueError, match="no row can pass"):
        database.set_filter(Condition((Test("size", "==", "large"),)))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_ingested_is_there_in_another_process(name: str, tmp_path: Path) -> None:
    X, Q = rows_of(SEED), rows_of(SEED + 1, 10)
    batches = ((np.arange(start, start + 150), X[start : start + 150]) for start in range(0, ROWS, 150))
    database = make(name)
    database.ingest(tmp_path, batches)
    if name != "zvec-read-only":
        assert recall(database.batch_query(Q, K), Q, X, np.arange(ROWS)) >= 0.97, f"seed {SEED}"
    database.close()
    found = in_fresh_process(reopened, name, tmp_path, Q)
    assert recall(found, Q, X, np.arange(ROWS)) >= 0.97, f"seed {SEED}"


def reopened(name: str, folder: Path, Q: Floats) -> Ints:
    database = make(name)
    database.reopen(folder)
    found = np.array([database.query(q, K) for q in Q])
    database.close()
    return found


def test_threads_may_ask_at_once(database: PeerDatabase) -> None:
    X, Q = rows_of(SEED), rows_of(SEED + 1, 60)
    database.fit(X)
    alone = [list(database.query(q, K)) for q in Q]
    with ThreadPoolExecutor(4) as pool:
        together = [list(ids) for ids in pool.map(lambda q: database.query(q, K), Q)]
    assert together == alone


def test_the_index_is_built_when_a_fifth_of_the_rows_is_not_in_it() -> None:
    database = DictionaryDatabase("euclidean", 1)
    database.fit(rows_of(SEED, 1000))
    assert database.builds == 1
    database.insert(np.arange(1000, 1200), rows_of(SEED, 200))
    assert database.builds == 1
    database.insert(np.arange(1200, 1300), rows_of(SEED, 100))
    assert database.builds == 2
    database.close()


def test_the_fifth_is_one_of_the_rows_that_are_there() -> None:
    database = DictionaryDatabase("euclidean", 1)
    database.fit(rows_of(SEED, 1000))
    database.delete(np.arange(100, 1200))  # some of them never were
    assert database.builds == 1
    database.insert(np.arange(20), rows_of(SEED, 20))  # replaced: a fifth of the hundred that there still are
    assert database.builds == 1
    database.insert(np.arange(20, 21), rows_of(SEED, 1))
    assert database.builds == 2
    database.insert(np.arange(100, 120), rows_of(SEED, 20))
    assert database.builds == 2
    database.insert(np.arange(5), rows_of(SEED, 5))
    assert database.builds == 3  # 25 of 120
    database.close()


def test_qdrant_searches_on_the_thread_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in NAMES if name.startswith("qdrant")]:
        _check_qdrant(name, monkeypatch)


def _check_qdrant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library: Any = import_module("qdrant_edge")
    given: list[dict[str, Any]] = []
    real = library.EdgeConfig

    def recorded(**settings: Any) -> Any:
        given.append(settings)
        return real(**settings)

    monkeypatch.setattr(library, "EdgeConfig", recorded)
    database = make(name)
    database.fit(rows_of(SEED))
    database.close()
    assert [settings["max_search_threads"] for settings in given] == [1]


def test_zvec_leaves_no_threads_of_its_batches() -> None:
    for name in [name for name in NAMES if name.startswith("zvec")]:
        database: Any = make(name)
        database.fit(rows_of(SEED))
        database.batch_query(rows_of(SEED + 1, 20), K)
        database.close()
        with pytest.raises(RuntimeError, match="after shutdown"):
            database._pool.submit(len)


@pytest.mark.parametrize(
    ("column", "kind", "several", "cells"),
    [
        (np.array([1, 2]), "integer", False, [1, 2]),
        (np.array([1.5, np.nan]), "number", False, [1.5, None]),
        ([1, 2.5, None], "number", False, [1.0, 2.5, None]),
        ([True, None], "boolean", False, [True, None]),
        (np.array(["a", "b"]), "text", False, ["a", "b"]),
        ([["a"], None, "b", []], "text", True, [["a"], [], ["b"], []]),
        ([None, None], "text", False, [None, None]),
    ],
)
def test_columns_have_one_kind(column: Any, kind: str, several: bool, cells: list[Any]) -> None:
    made = attribute_column("size", column)
    assert (made.kind, made.several, made.cells) == (kind, several, cells)
    assert [type(cell) for cell in made.cells] == [type(cell) for cell in cells]


def test_a_column_of_two_kinds_is_refused() -> None:
    with pytest.raises(ValueError, match="'size': expected values of one kind, received integer and text"):
        attribute_column("size", [1, "a"])


@pytest.mark.parametrize(
    ("test", "operator", "values"),
    [
        (Test("size", "<", 2.5), "<=", (2,)),
        (Test("size", "<=", 2.0), "<=", (2,)),
        (Test("size", ">", -2.5), ">=", (-2,)),
        (Test("size", ">", 2), ">", (2,)),
        (Test("size", "in", (1, 2.5, "a", 3.0)), "in", (1, 3)),
    ],
)
def test_whole_numbers_are_compared_with_whole_numbers(test: Test, operator: str, values: tuple[int, ...]) -> None:
    columns = {"size": attribute_column("size", [1, 2])}
    (made,) = comparisons(Condition((test,)), columns)
    assert (made.operator, made.values) == (operator, values)


def test_what_is_not_installed_is_absent() -> None:
    for module, names in LIBRARIES.items():
        for name in names:
            assert (available(definition_of(name)) is None) == (find_spec(module) is not None), name
            if find_spec(module) is None:
                with pytest.raises(Absent):
                    instantiate(definition_of(name), "euclidean", 1)
