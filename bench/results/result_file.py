"""Result files: HDF5 in ann-benchmarks' layout, which its own code reads, with what only we record beside it.

results/<dataset>/<count>/<algorithm>[-batch]/<arguments>.hdf5 holds the data sets `times`, `neighbors` and `distances`
and the attributes that ann-benchmarks writes. Ours are the attributes `vecdb_*`, each a JSON text, and the data sets
`laps` (seconds, CPU seconds, queries) and `lap_times`, the laps' times one after the other; `vecdb_laps` has the rest
of each lap.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecdb.bench.algorithms.definition import arguments_name
from vecdb.bench.datasets.dataset import METRICS
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
    "set_queries",
    "dataset_digest",
    "build_session",
)
# What files of earlier versions of this module do not have, and what is said of them then.
DEFAULTS: Final[Mapping[str, Any]] = {
    "reported_index_bytes": None,
    "versions": {},
    "machine": {},
    "started": 0.0,
    "session": "",
    "query_limit": None,
    "lap_seconds": None,
    "set_queries": None,
    "dataset_digest": "",
    "build_session": "",
}
PREFIX: Final = "vecdb_"


def results_folder(root: Path, dataset: str, count: int, algorithm: str, batch: bool) -> Path:
    """Where the results of one algorithm lie. Mistake for a name that is none of a folder."""
    if not re.fullmatch(r"[\w.+-]+", algorithm) or not algorithm.strip("."):
        raise Mistake(f"algorithm {algorithm!r}: expected a name of letters, digits and . + - _")
    return root / dataset / str(count) / f"{algorithm}{'-batch' if batch else ''}"


def arguments_file(arguments: Sequence[Any], query_arguments: Sequence[Any], *, apart: bool = False) -> str:
    """The file's name: ann-benchmarks' own, unless that is empty or longer than a name may be.

    Different arguments can have the same name, such as 0.5 and "0 5"; `apart` ends it in a hash of the arguments.
    """
    name = arguments_name(arguments, query_arguments) or "default"
    if len(name.encode()) > NAME_BYTES:
        cut = name.encode()[:NAME_BYTES].decode(errors="ignore")
        name = f"{cut}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    if apart:
        name += "_" + hashlib.sha256(_arguments_key(arguments, query_arguments).encode()).hexdigest()[:8]
    return name + SUFFIX


def arguments_path(folder: Path, arguments: Sequence[Any], query_arguments: Sequence[Any]) -> Path:
    """The file for these arguments in a folder; where one of other arguments has its name, another name."""
    path = folder / arguments_file(arguments, query_arguments)
    there = _stored_key(path)
    if there is None or there == _arguments_key(arguments, query_arguments):
        return path
    return folder / arguments_file(arguments, query_arguments, apart=True)


def result_path(root: Path, result: Result) -> Path:
    """The file of a result below the folder `root`."""
    folder = results_folder(root, result.dataset, result.count, result.algorithm, result.batch)
    return arguments_path(folder, result.arguments, result.query_arguments)


def write_result(root: Path, result: Result, path: Path | None = None) -> Path:
    """Writes a result in place of an earlier one, whole or not at all, to result_path() or `path`; the file's path."""
    h5py = _h5py()
    path = result_path(root, result) if path is None else path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.tmp")  # not by the name: that one may be as long as names can be
    try:
        with h5py.File(temporary, "w") as file:
            for name, value in _foreign_attributes(result).items():
                file.attrs[name] = value
            for name in FIELDS:
                file.attrs[PREFIX + name] = _json(getattr(result, name))
            file.attrs[PREFIX + "laps"] = _json([{"session": lap.session} for lap in result.laps])
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
    """The result in a file of ours, with DEFAULTS for what an older one lacks. Mistake if it is none."""
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as file:
            fields = {name: _field(file.attrs, name) for name in FIELDS}
            for name in ("arguments", "query_arguments"):
                fields[name] = tuple(fields[name])
            if fields["metric"] not in METRICS or not len(file["laps"]):
                raise ValueError(f"metric {fields['metric']!r}, {len(file['laps'])} laps")
            neighbors, distances = np.asarray(file["neighbors"]), np.asarray(file["distances"])
            if neighbors.shape != distances.shape or neighbors.ndim != 2:
                raise ValueError(f"neighbors {neighbors.shape}, distances {distances.shape}")
            fields["build_session"] = fields["build_session"] or fields["session"]
            laps = _laps(file, fields["session"])
    except (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise Mistake(f"{path}: expected a result file of vecdb-bench, received: {error}") from error
    return Result(**fields, laps=laps, neighbors=neighbors, distances=distances)


def read_results(root: Path, dataset: str, count: int, batch: bool) -> list[Result]:
    """All results of a data set, by algorithm and file name; none where there is no folder.

    Files that are not ours are named on stderr and left out.
    """
    found = []
    for path in _paths(root / dataset / str(count)):
        try:
            found.append(read_result(path))
        except Mistake as mistake:
            print(f"vecdb-bench: left out: {mistake}", file=sys.stderr)
    return [result for result in found if result.batch == batch]


def _paths(folder: Path) -> Iterator[Path]:
    """Result files one level down: the folders of workloads hold no HDF5."""
    return iter(sorted(path for path in folder.glob(f"*/*{SUFFIX}") if not path.name.startswith(".")))


def _field(attributes: Mapping[str, Any], name: str) -> Any:
    if PREFIX + name not in attributes and name in DEFAULTS:
        return DEFAULTS[name]
    return json.loads(attributes[PREFIX + name])


def _laps(file: Any, session: str) -> tuple[Lap, ...]:
    """The laps; those of a file that does not say in which session they were taken have the result's."""
    rows = np.asarray(file["laps"])
    times = np.split(np.asarray(file["lap_times"]), np.cumsum(rows[:, 2]).astype(int)[:-1])
    more = json.loads(file.attrs.get(PREFIX + "laps", "null")) or [{}] * len(rows)
    return tuple(
        Lap(float(row[0]), float(row[1]), own, rest.get("session") or session)
        for row, own, rest in zip(rows, times, more, strict=True)
    )


def _arguments_key(arguments: Sequence[Any], query_arguments: Sequence[Any]) -> str:
    """What tells arguments apart: 1 from true, and arguments of the build from those of queries."""
    return json.dumps([list(arguments), list(query_arguments)], sort_keys=True)


def _stored_key(path: Path) -> str | None:
    """The arguments in a file; None if there is none, or none of ours."""
    if not path.exists():
        return None
    try:
        with _h5py().File(path, "r") as file:
            stored = [json.loads(file.attrs[PREFIX + name]) for name in ("arguments", "query_arguments")]
    except (OSError, KeyError, ValueError, TypeError):
        return None
    return _arguments_key(stored[0], stored[1])


def _foreign_attributes(result: Result) -> dict[str, Any]:
    """The attributes that ann-benchmarks' own code writes and reads."""
    return {
        "algo": result.algorithm,
        "batch_mode": result.batch,
        "best_search_time": result.best_search_time,
        "build_time": result.build_seconds,
        "candidates": result.candidates,
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
