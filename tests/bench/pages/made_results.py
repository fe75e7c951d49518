"""Made-up results with a known truth: as many queries, recalls and speeds as a test asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vecdb.bench.datasets.dataset import Dataset
from vecdb.bench.datasets.hdf5_file import write_dataset
from vecdb.bench.results.result import Lap, Result
from vecdb.bench.results.result_file import write_result
from vecdb.bench.workloads.readings_file import Readings, write_readings
from vecdb.bench.workloads.workload import Measurement

QUERIES = 100
COUNT = 10


def made_dataset(name: str = "made-20-euclidean") -> Dataset:
    """Distances of the truth are 1 to 20; the vectors are never looked at."""
    rng = np.random.default_rng(5)
    return Dataset(
        name=name,
        metric="euclidean",
        train=rng.random((50, 4), np.float32),
        test=rng.random((QUERIES, 4), np.float32),
        neighbors=np.tile(np.arange(20, dtype=np.int32), (QUERIES, 1)),
        distances=np.tile(np.arange(1, 21, dtype=np.float32), (QUERIES, 1)),
    )


def made_result(
    algorithm: str,
    recall: float,
    qps: float | Sequence[float],
    *,
    arguments: tuple[Any, ...] = ("euclidean", {"m": 16}),
    query_arguments: tuple[Any, ...] | None = None,
    dataset: str = "made-20-euclidean",
    sessions: Sequence[str] | None = None,
    **fields: Any,
) -> Result:
    """A result with exactly this recall (a multiple of .001) and a lap for each qps, each of its session if given."""
    distances = np.full(QUERIES * COUNT, 2.0, np.float32)
    distances[round(recall * QUERIES * COUNT) :] = 1000.0
    speeds = [qps] if isinstance(qps, int | float) else qps
    laps = [
        Lap(QUERIES / each, 1.5 * QUERIES / each, np.full(QUERIES, 1 / each), session)
        for each, session in zip(speeds, sessions or [""] * len(speeds), strict=True)
    ]
    given: dict[str, Any] = {
        "dataset": dataset,
        "metric": "euclidean",
        "count": COUNT,
        "algorithm": algorithm,
        "arguments": arguments,
        "query_arguments": (round(recall * 1000),) if query_arguments is None else query_arguments,
        "batch": False,
        "threads": 2,
        "build_seconds": 10.0,
        "build_cpu_seconds": 19.0,
        "index_bytes": 50_000_000,
        "reported_index_bytes": None,
        "memory_after_build_bytes": 90_000_000,
        "memory_peak_bytes": 95_000_000,
        "laps": tuple(laps),
        "neighbors": np.zeros((QUERIES, COUNT), np.int32),
        "distances": distances.reshape(QUERIES, COUNT),
        "versions": {algorithm.partition("-")[0]: "1.2.3", "numpy": "2.0"},
        "machine": {"CPU": "A Processor", "cores": "2"},
        "started": 1_700_000_000.0,
        "session": "one",
    }
    return Result(**(given | fields))


def made_readings(algorithm: str, values: dict[str, Sequence[float]], **fields: Any) -> Readings:
    """Readings with a lap for each value of its measurements; their unit is "u", more is better."""
    rounds = max(len(each) for each in values.values())
    laps = tuple(
        tuple(Measurement(name, each[number], "u", "more") for name, each in values.items() if number < len(each))
        for number in range(rounds)
    )
    given: dict[str, Any] = {
        "dataset": "made-20-euclidean",
        "count": COUNT,
        "workload": "ingest",
        "algorithm": algorithm,
        "arguments": ("euclidean",),
        "query_arguments": (),
        "options": {},
        "laps": laps,
        "metric": "euclidean",
        "threads": 2,
        "versions": {"numpy": "2.0"},
        "machine": {"CPU": "A Processor"},
        "session": "one",
        "started": 1_700_000_000.0,
    }
    return Readings(**(given | fields))


def write_made(folder: Path, results: Sequence[Result] = (), readings: Sequence[Readings] = ()) -> Path:
    """Writes the made data set to data/ and all that was measured to results/ below the folder, and returns it."""
    write_made_dataset(folder)
    for result in results:
        write_result(folder / "results", result)
    for each in readings:
        write_readings(folder / "results", each)
    return folder


def write_made_dataset(folder: Path, name: str = "made-20-euclidean") -> None:
    """Writes the made data set to data/ below the folder."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    write_dataset(folder / "data" / f"{name}.hdf5", made_dataset(name))


def curve(algorithm: str, speed: float | Sequence[float], **fields: Any) -> list[Result]:
    """Results at recall .9, .95, .99 and .999: laps of `speed` queries a second at .9, half as many at each next."""
    laps = [speed] if isinstance(speed, int | float) else speed
    return [
        made_result(algorithm, recall, [lap / 2**step for lap in laps], **fields)
        for step, recall in enumerate((0.9, 0.95, 0.99, 0.999))
    ]
