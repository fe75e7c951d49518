"""Result files: HDF5 in ann-benchmarks' layout, which its own code reads, with what only we record beside it.

results/<dataset>/<count>/<algorithm>[-batch]/<arguments>.hdf5 holds the data sets `times`, `neighbors` and `distances`
and the attributes that ann-benchmarks writes. Ours are the attributes `vecdb_*`, each a JSON text, and the data sets
`laps` (seconds, CPU seconds, queries) and `lap_times`, the laps' times one after the other.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecdb.bench.algorithms.definition import arguments_name
from vecdb.bench.mistake import Mistake
from vecdb.bench.results.result import Lap, Result

NAME_BYTES: Final = 200  # of a file's name; longer ones are cut, and end in a hash
SUFFIX: Final = ".hdf5"
# The fields of a Result that are stored as they are, as JSON.
FIELDS: Final = (
    "dataset",
    "metric",
    "count",
    "algorithm",
    "arguments",
    "query_arguments",
    "batch",
    "threads",
    "build_seconds",
    "build_cpu_seconds",
    "index_bytes",
    "reported_index_bytes",
    "memory_after_build_bytes",
    "memory_peak_bytes",
    "versions",
    "machine",
    "started",
    "session",
    "query_limit",
    "lap_seconds",
)
PREFIX: Final = "vecdb_"


def results_folder(root: Path, dataset: str, count: int, algorithm: str, batch: bool) -> Path:
    """Where the results of one algorithm lie."""
    return root / dataset / str(count) / f"{algorithm}{'-batch' if batch else ''}"


def arguments_file(arguments: Sequence[Any], query_arguments: Sequence[Any]) -> str:
    """The file's name: ann-benchmarks' own, unless that is empty or longer than a name may be."""
    name = arguments_name(arguments, query_arguments) or "default"
    if len(name.encode()) > NAME_BYTES:
        cut = name.encode()[:NAME_BYTES].decode(errors="ignore")
        name = f"{cut}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name + SUFFIX


def result_path(root: Path, result: Result) -> Path:
    """The file of a result below the folder `root`."""
    folder = results_folder(root, result.dataset, result.count, result.algorithm, result.batch)
    return folder / arguments_file(result.arguments, result.query_arguments)


def write_result(root: Path, result: Result) -> Path:
    """Writes a result in place of an earlier one, whole or not at all; the file's path."""
    h5py = _h5py()
    path = result_path(root, result)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.tmp")  # not by the name: that one may be as long as names can be
    try:
        with h5py.File(temporary, "w") as file:
            for name, value in _foreign_attributes(result).items():
                file.attrs[name] = value
            for name in FIELDS:
                file.attrs[PREFIX + name] = _json(getattr(result, name))
            laps = [(lap.seconds, lap.cpu_seconds, lap.queries) for lap in result.laps]
            file.create_dataset("laps", data=np.array(laps, np.float64))
            arrays = {
                "times": result.best_lap.times.astype(np.float32),
                "neighbors": result.neighbors.astype(np.int32),
                "distances": result.distances.astype(np.float32),
                "lap_times": np.concatenate([lap.times for lap in result.laps]).astype(np.float32),
            }
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression="gzip", compression_opts=1, shuffle=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_result(path: Path) -> Result:
    """The result in a file of ours. Mistake if it is none."""
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as file:
            fields = {name: json.loads(file.attrs[PREFIX + name]) for name in FIELDS}
            laps = np.asarray(file["laps"])
            times = np.split(np.asarray(file["lap_times"]), np.cumsum(laps[:, 2]).astype(int)[:-1])
            neighbors, distances = np.asarray(file["neighbors"]), np.asarray(file["distances"])
    except (OSError, KeyError, ValueError) as error:
        raise Mistake(f"{path}: expected a result file of vecdb-bench, received: {error}") from error
    for name in ("arguments", "query_arguments"):
        fields[name] = tuple(fields[name])
    return Result(
        **fields,
        laps=tuple(Lap(float(row[0]), float(row[1]), own) for row, own in zip(laps, times, strict=True)),
        neighbors=neighbors,
        distances=distances,
    )


def read_results(root: Path, dataset: str, count: int, batch: bool) -> list[Result]:
    """All results of a data set, by algorithm and file name; none where there is no folder. Mistake."""
    return [result for path in _paths(root / dataset / str(count)) if (result := read_result(path)).batch == batch]


def _paths(folder: Path) -> Iterator[Path]:
    """Result files one level down: the folders of workloads hold no HDF5."""
    return iter(sorted(path for path in folder.glob(f"*/*{SUFFIX}") if not path.name.startswith(".")))


def _foreign_attributes(result: Result) -> dict[str, Any]:
    """The attributes that ann-benchmarks' own code writes and reads."""
    return {
        "algo": result.algorithm,
        "batch_mode": result.batch,
        "best_search_time": result.best_search_time,
        "build_time": result.build_seconds,
        "candidates": float((result.neighbors >= 0).sum() / max(len(result.neighbors), 1)),
        "count": result.count,
        "dataset": result.dataset,
        "distance": result.metric,
        "expect_extra": False,
        "index_size": result.index_bytes / 1024,
        "name": result.title,
        "run_count": len(result.laps),
    }


def _json(value: Any) -> str:
    """Mappings keep their order: facts are printed as they were collected."""
    return json.dumps(dict(value) if hasattr(value, "keys") else value)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise Mistake("h5py is not installed: pip install vecdb[bench]") from error
    return h5py
