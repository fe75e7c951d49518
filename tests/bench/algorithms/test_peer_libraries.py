from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import hnswlib
import numpy as np
import pytest

from vecdb.bench.algorithms import definition as definition_module
from vecdb.bench.algorithms.algorithm import MISSING, Algorithm, Floats, Ints, Metric
from vecdb.bench.algorithms.capabilities import Filterable, Stored, Updatable
from vecdb.bench.algorithms.condition import Condition, Test
from vecdb.bench.algorithms.definition import Absent, Definition, available, instantiate, read_definitions
from vecdb.bench.algorithms.faiss_indexes import FaissHnsw, FaissIvf, faiss
from vecdb.bench.algorithms.hnswlib_graph import HnswlibGraph
from vecdb.bench.datasets.dataset import METRICS
from vecdb.bench.fresh_process import in_fresh_process

SEED = 11
ROWS, DIMENSION, QUERIES, K = 700, 24, 40, 10
FILE = Path(definition_module.__file__).parent / "peer_libraries.yml"
# Where the rows are rounded and never re-ranked, recall has an end.
ENDS = {"faiss-hnsw-sq8": 0.95, "usearch-bf16": 0.95, "usearch-i8": 0.85, "rabitqlib-hnsw": 0.97, "rabitqlib-ivf": 0.97}


def definitions(metric: Metric) -> list[Definition]:
    return read_definitions(FILE, metric=metric, dimension=DIMENSION, count=K, threads=1)


EVERY = [(metric, each) for metric in METRICS for each in definitions(metric)]
INSTALLED = [(metric, each) for metric, each in EVERY if available(each) is None]


def label(value: object) -> str:
    return value.name if isinstance(value, Definition) else str(value)


def installed(capability: type) -> list[Definition]:
    """The installed definitions, of angular, whose class has a capability."""
    return [each for each in definitions("angular") if available(each) is None and isinstance(made(each), capability)]


def made(definition: Definition, metric: Metric = "angular") -> Any:
    algorithm = instantiate(definition, metric, 1)
    if definition.query_argument_groups != ((),):
        algorithm.set_query_arguments(*definition.query_argument_groups[-1])
    return algorithm


def numbers(rows: int, seed: int = SEED) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, DIMENSION), np.float32)


def order(metric: Metric, X: Floats, q: Floats) -> list[int]:
    """Every row, nearest first, by the definition of the metric in float64."""
    x, y = X.astype(np.float64), q.astype(np.float64)
    if metric == "euclidean":
        distances = ((x - y) ** 2).sum(axis=1)
    else:
        distances = -(x @ y) / (np.linalg.norm(x, axis=1) if metric == "angular" else 1)
    return cast(list[int], np.argsort(distances, kind="stable").tolist())


def recall(metric: Metric, X: Floats, Q: Floats, found: Ints) -> float:
    shares = [len(set(order(metric, X, q)[:K]) & set(own.tolist())) / K for q, own in zip(Q, found, strict=True)]
    return sum(shares) / len(shares)


@pytest.fixture(scope="module")
def data() -> tuple[Floats, Floats]:
    return numbers(ROWS), numbers(QUERIES, SEED + 1)


@pytest.mark.parametrize(("metric", "definition"), EVERY, ids=label)
def test_every_definition_names_a_class_and_a_sweep(metric: Metric, definition: Definition) -> None:
    source = FILE.parent / f"{definition.module.rpartition('.')[2]}.py"
    classes = {node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)}
    assert definition.constructor in classes
    if definition.name == "faiss-flat":
        assert definition.query_argument_groups == ((),)
        return
    efforts = [arguments[0] for arguments in definition.query_argument_groups]
    assert 6 <= len(efforts) <= 14
    assert efforts == sorted(efforts)


@pytest.mark.parametrize(("metric", "definition"), INSTALLED, ids=label)
def test_recall_rises_along_the_sweep_and_batches_answer_the_same(
    metric: Metric, definition: Definition, data: tuple[Floats, Floats]
) -> None:
    X, Q = data
    before = X.copy(), Q.copy()
    with closing(instantiate(definition, metric, 2 if metric == "angular" else 1)) as algorithm:
        algorithm.fit(X)
        recalls = []
        for arguments in (definition.query_argument_groups[0], definition.query_argument_groups[-1]):
            if arguments:
                algorithm.set_query_arguments(*arguments)
            single = [algorithm.query(q, K) for q in Q]
            assert all(np.issubdtype(own.dtype, np.integer) and own.shape == (K,) for own in single)
            batch = algorithm.batch_query(Q, K)
            assert batch.shape == (QUERIES, K)
            recalls.append(recall(metric, X, Q, batch))
            assert recall(metric, X, Q, np.array(single, np.int64)) == pytest.approx(recalls[-1], abs=0.01)
        assert recalls[1] >= ENDS.get(definition.name, 0.99), recalls
        assert recalls[0] <= recalls[1]
        size = algorithm.index_bytes()
        assert size is None or size > ROWS * DIMENSION
    assert np.array_equal(X, before[0])
    assert np.array_equal(Q, before[1])


@pytest.mark.parametrize("definition", [each for metric, each in INSTALLED if metric == "angular"], ids=label)
def test_lengths_do_not_matter_under_angular(definition: Definition, data: tuple[Floats, Floats]) -> None:
    X, Q = data
    lengths = np.random.default_rng(SEED).uniform(0.2, 30, (ROWS, 1)).astype(np.float32)
    with closing(made(definition)) as algorithm:
        algorithm.fit(X * lengths)
        found = [recall("angular", X, Q * length, algorithm.batch_query(Q * length, K)) for length in (0.05, 1, 50)]
    assert min(found) >= ENDS.get(definition.name, 0.99), found


@pytest.mark.parametrize(("metric", "space"), [("euclidean", "l2"), ("angular", "cosine"), ("dot", "ip")])
def test_hnswlib_answers_as_when_called_by_hand(metric: Metric, space: str, data: tuple[Floats, Floats]) -> None:
    X, Q = data
    by_hand = hnswlib.Index(space=space, dim=DIMENSION)
    by_hand.init_index(max_elements=ROWS, M=8, ef_construction=50, random_seed=1)
    by_hand.add_items(X, num_threads=1)
    algorithm = HnswlibGraph(metric, 1, {"M": 8, "ef_construction": 50})
    algorithm.fit(X)
    for ef in (10, 40):
        by_hand.set_ef(ef)
        algorithm.set_query_arguments(ef)
        expected = by_hand.knn_query(Q, K)[0]
        assert np.array_equal(np.array([algorithm.query(q, K) for q in Q]), expected)
        assert np.array_equal(algorithm.batch_query(Q, K), expected)


def test_faiss_hnsw_answers_as_when_called_by_hand(data: tuple[Floats, Floats]) -> None:
    X, Q = data
    faiss.omp_set_num_threads(1)
    by_hand = faiss.IndexHNSWFlat(DIMENSION, 8)
    by_hand.hnsw.efConstruction = 50
    by_hand.add(X)
    algorithm = FaissHnsw("euclidean", 1, {"M": 8, "efConstruction": 50, "storage": "Flat"})
    algorithm.fit(X)
    for ef in (10, 40):
        by_hand.hnsw.efSearch = ef
        algorithm.set_query_arguments(ef)
        expected = by_hand.search(Q, K)[1]
        assert np.array_equal(np.array([algorithm.query(q, K) for q in Q]), expected)


def test_faiss_ivf_answers_as_when_called_by_hand(data: tuple[Floats, Floats]) -> None:
    X, Q = data
    faiss.omp_set_num_threads(1)
    by_hand = faiss.index_factory(DIMENSION, "IVF16,PQ12x4fs,RFlat", faiss.METRIC_INNER_PRODUCT)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    by_hand.train(unit)
    by_hand.add(unit)
    algorithm = FaissIvf("angular", 1, {"codes": "PQfs"})
    algorithm.fit(X)
    assert algorithm.factory(X) == "IVF16,PQ12x4fs,RFlat"  # 700 rows are too few for 64 lists
    for nprobe, k_factor in ((1, 1), (6, 4)):
        faiss.downcast_index(by_hand.base_index).nprobe, by_hand.k_factor = nprobe, k_factor
        algorithm.set_query_arguments([nprobe, k_factor])
        for q in Q:
            expected = by_hand.search(q[np.newaxis], K)[1][0]
            assert np.array_equal(algorithm.query(q, K), expected[expected >= 0])


def test_faiss_rotates_before_it_makes_codes_of_one_bit(data: tuple[Floats, Floats]) -> None:
    """Components of very different size are what the rotation is for."""
    sizes = np.geomspace(1, 1e-3, DIMENSION, dtype=np.float32)
    X, Q = data[0] * sizes, data[1] * sizes
    faiss.omp_set_num_threads(1)
    bare = faiss.index_factory(DIMENSION, "IVF16,RaBitQ,RFlat", faiss.METRIC_L2)
    bare.train(X)
    bare.add(X)
    faiss.downcast_index(bare.base_index).nprobe, bare.k_factor = 16, 4
    algorithm = FaissIvf("euclidean", 1, {"codes": "RaBitQ"})
    algorithm.fit(X)
    algorithm.set_query_arguments([16, 4])
    found = np.array([algorithm.query(q, K) for q in Q])
    assert recall("euclidean", X, Q, found) > recall("euclidean", X, Q, bare.search(Q, K)[1]) + 0.05, f"seed {SEED}"
    algorithm.set_query_arguments([1, 4])
    assert recall("euclidean", X, Q, algorithm.batch_query(Q, K)) < recall("euclidean", X, Q, found)


def test_a_faiss_without_rabitq_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(faiss, "IVFRaBitQSearchParameters")
    found = {each.name: each for each in definitions("angular")}
    with pytest.raises(Absent, match=r"^faiss-cpu: Faiss .* has no RaBitQ$"):
        made(found["faiss-rabitq"])
    made(found["faiss-ivfpqfs"]).close()


@pytest.mark.parametrize("module", ["faiss_indexes", "usearch_graph"])
def test_no_library_needs_another(module: str) -> None:
    tree = ast.parse((FILE.parent / f"{module}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "vecdb.bench.algorithms.hnswlib_graph" not in imported


@pytest.mark.parametrize("definition", installed(Updatable), ids=label)
def test_updates_are_seen_by_the_queries_that_follow(definition: Definition) -> None:
    """Random inserts, replacements and deletes against a dict; ids come back after they were deleted."""
    random = np.random.default_rng(SEED)
    start = numbers(200)
    model = dict(enumerate(start))
    with closing(made(definition)) as algorithm:
        algorithm.fit(start)
        for step in range(40):
            ids = random.choice(400, 12, replace=False)
            if step % 3 == 2:
                algorithm.delete(ids)
                for each in ids.tolist():
                    model.pop(each, None)
            else:
                X = random.standard_normal((len(ids), DIMENSION), np.float32)
                algorithm.insert(ids, X)
                model.update(zip(ids.tolist(), X, strict=True))
            live = list(model)
            X = np.array([model[each] for each in live])
            shares = []
            for q in random.standard_normal((5, DIMENSION), np.float32):
                found = algorithm.query(q, K).tolist()
                expected = [live[row] for row in order("angular", X, q)[:K]]
                assert set(found) <= set(live), f"seed {SEED}, step {step}"
                assert len(set(found)) == len(found) == K, f"seed {SEED}, step {step}"
                shares.append(len(set(found) & set(expected)) / K)
            assert sum(shares) / len(shares) >= ENDS.get(definition.name, 0.9), f"seed {SEED}, step {step}"
        assert np.array_equal(algorithm.batch_query(X[:1], K)[0], algorithm.query(X[0], K))


@pytest.mark.parametrize("definition", installed(Updatable), ids=label)
def test_fewer_rows_than_asked_for(definition: Definition) -> None:
    X = numbers(30)
    with closing(made(definition)) as algorithm:
        algorithm.fit(X)
        algorithm.delete(np.arange(4, 30))
        assert set(algorithm.query(X[2], K).tolist()) <= {0, 1, 2, 3}
        assert algorithm.query(X[2], K)[0] == 2
        batch = algorithm.batch_query(X[:3], K)
        assert batch.shape == (3, K)
        assert batch[:, 0].tolist() == [0, 1, 2]
        assert batch[:, -1].tolist() == [MISSING] * 3


@pytest.mark.parametrize("definition", installed(Filterable), ids=label)
@pytest.mark.parametrize("part", [1.0, 0.5, 0.03, 0.005, 0.0])
def test_filters_hold_back_rows_that_do_not_match(
    definition: Definition, part: float, data: tuple[Floats, Floats]
) -> None:
    X, Q = data
    draws = np.random.default_rng(SEED).random(ROWS)
    condition = Condition((Test("draw", "<", part),))
    matching = np.flatnonzero(draws < part)
    with closing(made(definition)) as algorithm:
        algorithm.fit_attributes(X, {"draw": draws})
        algorithm.set_filter(condition)
        returned = right = 0
        for q, own in zip(Q, algorithm.batch_query(Q, K), strict=True):
            found = algorithm.query(q, K).tolist()
            assert set(found) <= set(matching.tolist())
            assert own[own != MISSING].tolist() == found
            nearest = [int(matching[row]) for row in order("angular", X[matching], q)[:K]]
            returned += len(nearest)
            right += len(set(nearest) & set(found))
        assert right >= ENDS.get(definition.name, 0.99) * returned
        algorithm.set_filter(Condition())
        assert recall("angular", X, Q, algorithm.batch_query(Q, K)) >= ENDS.get(definition.name, 0.99)


def batches(X: Floats) -> Iterator[tuple[Ints, Floats]]:
    for start in range(0, len(X), 150):
        yield np.arange(start, min(start + 150, len(X))), X[start : start + 150]


def reopened(definition: Definition, folder: Path, Q: Floats) -> Ints:
    algorithm = made(definition)
    algorithm.reopen(folder)
    return cast(Ints, np.array([algorithm.query(q, K) for q in Q], np.int64))


@pytest.mark.parametrize("definition", installed(Stored), ids=label)
def test_what_was_ingested_is_there_in_another_process(
    definition: Definition, tmp_path: Path, data: tuple[Floats, Floats]
) -> None:
    X, Q = data
    with closing(made(definition)) as algorithm:
        algorithm.ingest(tmp_path, batches(X))
        found = np.array([algorithm.query(q, K) for q in Q], np.int64)
    assert recall("angular", X, Q, found) >= ENDS.get(definition.name, 0.99)
    assert np.array_equal(in_fresh_process(reopened, definition, tmp_path, Q), found)


def test_faiss_ingest_wants_ids_without_holes(tmp_path: Path) -> None:
    faiss_flat = next(each for each in installed(Stored) if each.name == "faiss-flat")
    with closing(made(faiss_flat)) as algorithm, pytest.raises(ValueError, match=r"0 \.\. 29, received 0 \.\. 30"):
        algorithm.ingest(tmp_path, iter([(np.delete(np.arange(31), 5), numbers(30))]))


def test_the_installed_ones_are_at_least_those_that_come_with_the_extra() -> None:
    assert {"hnswlib", "faiss-flat", "faiss-hnsw"} <= {each.name for _, each in INSTALLED}
    assert all(isinstance(made(each), Algorithm) for metric, each in INSTALLED if metric == "angular")
