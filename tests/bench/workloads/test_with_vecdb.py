"""Every workload with vecdb embedded, small: it runs, and what must be right is right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.bench.workloads.exact_index import made_dataset
from vecdb.bench.algorithms.definition import Definition, instantiate
from vecdb.bench.workloads.catalogue import WORKLOADS, get_workload

DATASET = made_dataset(600, metric="angular")
HNSW = Definition(
    "vecdb-hnsw",
    "vecdb.bench.algorithms.vecdb_embedded",
    "VecdbHnsw",
    ({"m": 8, "ef_construction": 64},),
    ((64,),),
)
OPTIONS = {
    "ingest": {"batch": "200"},
    "mixed": {"seconds": "0.2", "batch": "20"},
    "runbook": {"batches": "4", "queries": "20"},
    "cold-start": {"batch": "300"},
    "concurrency": {"clients": "1,2", "seconds": "0.1"},
    "filtered": {"kinds": "uniform,equal,conjunction", "percents": "50,1", "queries": "20", "seconds": "0.1"},
}


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_two_laps_run(name: str, tmp_path: Path) -> None:
    make = partial(instantiate, HNSW, "angular", 2)
    workload = get_workload(name, OPTIONS[name], make)
    algorithm = make()
    assert workload.suits(algorithm)
    try:
        if workload.fits:
            algorithm.fit(DATASET.train)
        workload.prepare(algorithm, DATASET)
        laps = [workload.lap(algorithm, DATASET, 10, (64,), tmp_path) for _ in range(2)]
    finally:
        algorithm.close()
    assert [each.name for each in laps[0]] == [each.name for each in laps[1]]
    values = {each.name: each.value for each in laps[1]}
    assert values
    recalls = {label: value for label, value in values.items() if "recall" in label}
    assert (name == "ingest") == (not recalls)
    assert any("CPU" in label for label in values) == (name != "cold-start")
    assert any("memory" in label for label in values) == (name != "concurrency"), "its build is timed outside"
    assert all(value >= 0.9 for value in recalls.values()), recalls
    assert not any(value for label, value in values.items() if label.endswith("should not be there"))
