from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecdb
from vecdb.bench.algorithms import vecdb_embedded
from vecdb.bench.algorithms.algorithm import Floats, Ints, Metric
from vecdb.bench.algorithms.condition import Column, Condition, Operator, Test
from vecdb.bench.algorithms.vecdb_embedded import (
    VecdbFlat,
    VecdbHnsw,
    VecdbHnswFloat16,
    VecdbHnswRecall,
    VecdbIndex,
)
from vecdb.bench.datasets.dataset import METRICS
from vecdb.bench.fresh_process import in_fresh_process

SEED = 7
ROWS, DIMENSION, QUERIES, K = 1_500, 12, 30, 10  # more than the 1,024 rows below which nothing is absorbed
BUILD = {"m": 8, "ef_construction": 60}


def numbers(rows: int, seed: int = SEED) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, DIMENSION), np.float32)


def nearest(metric: Metric, X: Floats, q: Floats, k: int = K) -> list[int]:
    """By the definition, in float64."""
    x, y = X.astype(np.float64), q.astype(np.float64)
    if metric == "euclidean":
        distances = ((x - y) ** 2).sum(axis=1)
    else:
        distances = -(x @ y) / (np.linalg.norm(x, axis=1) if metric == "angular" else 1)
    return [int(row) for row in np.argsort(distances, kind="stable")[:k]]


def recall(metric: Metric, X: Floats, Q: Floats, found: Ints) -> float:
    shares = [len(set(nearest(metric, X, q)) & set(own.tolist())) / K for q, own in zip(Q, found, strict=True)]
    return sum(shares) / len(shares)


def flat(metric: Metric = "euclidean") -> VecdbIndex:
    return VecdbFlat(metric, 2)


def graph(metric: Metric = "euclidean") -> VecdbIndex:
    algorithm = VecdbHnsw(metric, 2, BUILD)
    algorithm.set_query_arguments(100)
    return algorithm


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("make", [flat, graph])
def test_query_and_batch_find_the_nearest_rows(make: Any, metric: Metric) -> None:
    X, Q = numbers(ROWS), numbers(QUERIES, SEED + 1)
    with closing(make(metric)) as algorithm:
        algorithm.fit(X)
        answers = [algorithm.query(q, K) for q in Q]
        assert all(type(own) is list for own in answers)  # as the library gives it
        single = np.array(answers)
        batch = algorithm.batch_query(Q, K)
    assert single.dtype.kind == batch.dtype.kind == "i"
    assert np.array_equal(single, batch)
    if make is flat:
        assert single.tolist() == [nearest(metric, X, q) for q in Q], f"seed {SEED}"
    else:
        assert recall(metric, X, Q, single) > 0.97, f"seed {SEED}"


def test_rows_of_float16_are_found_from_half_the_bytes(tmp_path: Path) -> None:
    X, Q = numbers(ROWS), numbers(QUERIES, SEED + 1)
    with closing(VecdbHnswFloat16("euclidean", 2, BUILD)) as algorithm:
        algorithm.set_query_arguments(100)
        algorithm.ingest(tmp_path, iter([(np.arange(ROWS), X)]))
        assert recall("euclidean", X.astype(np.float16), Q, algorithm.batch_query(Q, K)) > 0.97, f"seed {SEED}"
    with vecdb.connect(tmp_path / vecdb_embedded.DATABASE) as db:
        stored = db[vecdb_embedded.COLLECTION].schema.vectors[""]
    assert stored.row_bytes == 2 * DIMENSION


def test_query_arguments_change_what_is_found() -> None:
    X, Q = numbers(ROWS), numbers(QUERIES, SEED + 1)
    with closing(VecdbHnsw("euclidean", 1, {"m": 4, "ef_construction": 20})) as algorithm:
        algorithm.fit(X)
        recalls = []
        for ef in (K, 400):
            algorithm.set_query_arguments(ef)
            recalls.append(recall("euclidean", X, Q, algorithm.batch_query(Q, K)))
        assert recalls[0] < recalls[1], f"seed {SEED}"
        assert algorithm.index_bytes() > ROWS * 4 * 4


def test_a_recall_that_is_asked_for_is_reached() -> None:
    X, Q = numbers(ROWS), numbers(QUERIES, SEED + 1)
    with closing(VecdbHnswRecall("angular", 1, {"m": 4, "ef_construction": 20})) as algorithm:
        algorithm.fit(X)
        recalls = []
        for wanted in (0.5, 0.999):
            algorithm.set_query_arguments(wanted)
            recalls.append(recall("angular", X, Q, algorithm.batch_query(Q, K)))
    assert recalls[0] < recalls[1], f"seed {SEED}"
    assert recalls[1] > 0.97, f"seed {SEED}"


def test_a_batch_has_a_mark_where_nothing_was_found() -> None:
    X = numbers(3)
    with closing(flat()) as algorithm:
        algorithm.fit(X)
        assert algorithm.batch_query(X, 5)[:, 3:].tolist() == [[-1, -1]] * 3
        assert len(algorithm.query(X[0], 5)) == 3


def test_a_batch_of_rows_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks for the collection, or whether it is there, goes to the server each time behind a remote door."""
    monkeypatch.setattr(vecdb_embedded, "BATCH_ROWS", 10)
    asked = []

    def contains(self: object, name: object) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(vecdb.Database, "__contains__", contains)
    with closing(flat()) as algorithm:
        algorithm.fit(numbers(50))
        assert asked == []
        assert len(algorithm.query(numbers(1)[0], 50)) == 50


def test_more_queries_than_one_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VecdbFlat, "queries_per_call", 4)
    X = numbers(50)
    with closing(flat()) as algorithm:
        algorithm.fit(X)
        assert algorithm.batch_query(X, 1)[:, 0].tolist() == list(range(50))


def test_rows_without_direction_are_left_out_under_angular() -> None:
    X = numbers(20)
    X[[3, 11]] = 0
    column = list(range(20))
    with closing(flat("angular")) as algorithm:
        algorithm.fit_attributes(X, {"number": column})
        algorithm.set_filter(Condition((Test("number", "in", (2, 3, 12)),)))
        assert sorted(algorithm.query(X[0], 20)) == [2, 12]


@pytest.mark.parametrize("make", [flat, graph])
def test_updates_are_those_of_a_dict(make: Any) -> None:
    seed = random.randrange(2**32)
    choose = np.random.default_rng(seed)
    X = numbers(200)
    model = dict(enumerate(X))
    with closing(make()) as algorithm:
        algorithm.fit(X)
        for _ in range(6):
            ids = choose.choice(300, 20, replace=False)
            rows = numbers(20, int(choose.integers(2**31)))
            algorithm.insert(ids, rows)
            model.update(zip(ids.tolist(), rows, strict=True))
            gone = choose.choice(300, 15, replace=False)
            algorithm.delete(gone)
            model = {each: row for each, row in model.items() if each not in set(gone.tolist())}
            live, vectors = np.array(list(model)), np.array(list(model.values()))
            for q in numbers(3, int(choose.integers(2**31))):
                expected = live[nearest("euclidean", vectors, q)].tolist()
                assert algorithm.query(q, K) == expected, f"seed {seed}"


CONDITIONS: list[tuple[tuple[str, Operator, Any], ...]] = [
    (),
    (("year", ">=", 2010),),
    (("lang", "in", ("en", "fr")), ("year", "<", 2012)),
    (("tags", "==", "b"),),
    (("price", "<=", 0.5), ("new", "==", True)),
    (("year", "==", 1),),
]


@pytest.mark.parametrize("tests", CONDITIONS, ids=str)
@pytest.mark.parametrize("make", [flat, graph])
def test_filters_find_what_the_condition_holds_for(make: Any, tests: Any) -> None:
    X, Q = numbers(300), numbers(5, SEED + 1)
    choose = random.Random(SEED)
    attributes: dict[str, Column] = {
        "year": np.array([choose.randint(2000, 2024) for _ in X]),
        "lang": [choose.choice(("en", "de", "fr", None)) for _ in X],
        "tags": [choose.sample("abc", choose.randrange(3)) for _ in X],
        "price": np.array([choose.choice((choose.random(), float("nan"))) for _ in X]),
        "new": np.array([choose.random() < 0.5 for _ in X]),
    }
    condition = Condition(tuple(Test(*each) for each in tests))
    live = np.flatnonzero(condition.matches(attributes, len(X)))
    with closing(make("angular")) as algorithm:
        algorithm.fit_attributes(X, attributes)
        algorithm.set_filter(Condition((Test("year", "<", 2000),)))
        assert algorithm.query(Q[0], K) == []
        algorithm.set_filter(condition)
        for q in Q:
            expected = live[nearest("angular", X[live], q)].tolist() if live.size else []
            assert algorithm.query(q, K) == expected, f"seed {SEED}"


def batches(X: Floats, size: int = 400) -> Iterator[tuple[Ints, Floats]]:
    return ((np.arange(start, min(start + size, len(X))), X[start : start + size]) for start in range(0, len(X), size))


def reopened(make: Any, folder: Path, Q: Floats) -> Ints:
    with closing(make()) as algorithm:
        algorithm.reopen(folder)
        found: Ints = algorithm.batch_query(Q, K)
        return found


@pytest.mark.parametrize("make", [flat, graph])
def test_what_was_ingested_is_there_in_another_process(make: Any, tmp_path: Path) -> None:
    X, Q = numbers(ROWS), numbers(QUERIES, SEED + 1)
    with closing(make()) as algorithm:
        algorithm.ingest(tmp_path, batches(X))
        assert recall("euclidean", X, Q, algorithm.batch_query(Q, K)) > 0.97, f"seed {SEED}"
    found = in_fresh_process(reopened, make, tmp_path, Q)
    assert recall("euclidean", X, Q, found) > 0.97, f"seed {SEED}"


def test_more_rows_than_one_batch_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vecdb_embedded, "BATCH_ROWS", 7)
    X, more = numbers(20), numbers(15, SEED + 1)
    with closing(flat()) as algorithm:
        algorithm.fit(X)
        algorithm.insert(np.arange(100, 115), more)
        assert algorithm.batch_query(X, 1)[:, 0].tolist() == list(range(20))
        assert algorithm.batch_query(more, 1)[:, 0].tolist() == list(range(100, 115))


def test_closing_twice_does_no_harm() -> None:
    algorithm = flat()
    algorithm.close()
    algorithm.fit(numbers(3))
    algorithm.close()
    algorithm.close()


def test_a_flat_scan_takes_no_query_arguments() -> None:
    algorithm = flat()
    algorithm.set_query_arguments()
    with pytest.raises(ValueError, match="received"):
        algorithm.set_query_arguments(10)
