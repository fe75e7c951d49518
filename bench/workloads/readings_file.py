"""Readings files: what a workload measured of one algorithm with one set of arguments, as JSON."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from vecdb.bench.algorithms.definition import arguments_name
from vecdb.bench.mistake import Mistake
from vecdb.bench.workloads.workload import Measurement

VERSION: Final = 1
STEM_BYTES_MAXIMUM: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The laps of one workload, one algorithm, one set of build and query arguments; each lap its measurements.

    `options` are those that were given, without defaults. `session` is the invocation that took the last lap, `started`
    its Unix time; `lap_sessions` has that of each lap, as in Lap, and ratios hold within one. `dataset_digest` as in
    Result. What is missing in files of earlier versions is empty.
    """

    dataset: str
    count: int
    workload: str
    algorithm: str
    arguments: tuple[Any, ...]
    query_arguments: tuple[Any, ...]
    options: Mapping[str, str]
    laps: tuple[tuple[Measurement, ...], ...]
    metric: str
    threads: int
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    session: str
    started: float
    lap_sessions: tuple[str, ...] = ()
    dataset_digest: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What was measured, in the order of the laps."""
        return tuple(dict.fromkeys(measurement.name for lap in self.laps for measurement in lap))

    def values(self, name: str) -> tuple[float, ...]:
        """The values of one measurement, lap by lap; laps without it are left out."""
        return tuple(measurement.value for lap in self.laps for measurement in lap if measurement.name == name)

    def medians(self) -> list[Measurement]:
        """Each measurement once, its value the median of the laps."""
        first = {measurement.name: measurement for lap in reversed(self.laps) for measurement in lap}
        return [replace(first[name], value=median(self.values(name))) for name in self.names]


def readings_path(root: Path, readings: Readings) -> Path:
    """Where they are kept: <root>/<dataset>/<count>/<workload>/<algorithm>/<arguments>.json."""
    folder = root / readings.dataset / str(readings.count) / readings.workload / readings.algorithm
    return folder / f"{_file_stem(readings)}.json"


def write_readings(root: Path, readings: Readings) -> Path:
    """Writes them in place of those of the same name, and returns the path; another process sees the old or the new."""
    path = readings_path(root, readings)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": VERSION, **asdict(readings)}, indent=1, ensure_ascii=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_readings_file(path: Path) -> Readings:
    """One file; Mistake if it does not hold readings."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("version") != VERSION:
            raise ValueError(f"expected version {VERSION}")
        laps = tuple(tuple(Measurement(**measurement) for measurement in lap) for lap in fields.pop("laps"))
        arguments, query_arguments = tuple(fields.pop("arguments")), tuple(fields.pop("query_arguments"))
        sessions = tuple(fields.pop("lap_sessions", [fields["session"]] * len(laps)))
        return Readings(
            laps=laps, lap_sessions=sessions, arguments=arguments, query_arguments=query_arguments, **fields
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Mistake(f"{path}: expected readings of a workload: {error}") from error


def read_readings(root: Path, dataset: str, count: int, workload: str) -> list[Readings]:
    """All of a workload on a data set, by algorithm and file name; none if nothing was measured."""
    folder = root / dataset / str(count) / workload
    return [read_readings_file(path) for path in sorted(folder.glob("*/*.json"))]


def _file_stem(readings: Readings) -> str:
    """ann-benchmarks' name for the arguments, then the options that were given; cut where a file system would."""
    stem = arguments_name(readings.arguments, readings.query_arguments) or "default"
    if readings.options:
        stem += "--" + arguments_name([dict(readings.options)])
    if len(stem.encode()) <= STEM_BYTES_MAXIMUM:
        return stem
    whole = stem.encode()
    return whole[: STEM_BYTES_MAXIMUM - 9].decode(errors="ignore") + f"-{zlib.crc32(whole):08x}"
