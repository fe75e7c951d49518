"""A data set as an HDF5 file in the layout of ann-benchmarks."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from vecdb.bench.datasets.dataset import METRICS, Attributes, Column, Dataset, Metric
from vecdb.bench.mistake import Mistake


def read_dataset(path: Path) -> Dataset:
    """The data set in a file of ours or of ann-benchmarks', named as the file is; one that is not there is a Mistake.

    So is a file that is not HDF5, that lacks a part, whose parts do not fit together, or whose distance is none of
    euclidean, angular and dot.
    """
    with _opened(path) as file:
        metric = _metric(path, file)
        missing = [part for part in ("train", "test", "neighbors", "distances") if part not in file]
        if missing:
            raise Mistake(f"{path} has no {' and no '.join(missing)}: expected a data set as ann-benchmarks writes it")
        dataset = Dataset(
            path.stem,
            metric,
            np.ascontiguousarray(file["train"][...], np.float32),
            np.ascontiguousarray(file["test"][...], np.float32),
            np.ascontiguousarray(file["neighbors"][...], np.int32),
            np.ascontiguousarray(file["distances"][...], np.float32),
            _read_attributes(file["attributes"]) if "attributes" in file else None,
        )
    _check(path, dataset)
    return dataset


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Writes the file under a name of its own beside `path` and renames it: there is a whole file or none."""
    h5py = _h5py()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with h5py.File(part, "w") as file:
            file.attrs["type"] = "dense"
            file.attrs["distance"] = dataset.metric
            file.attrs["dimension"] = dataset.dimension
            file.attrs["point_type"] = "float"
            file.create_dataset("train", data=dataset.train.astype(np.float32, copy=False))
            file.create_dataset("test", data=dataset.test.astype(np.float32, copy=False))
            file.create_dataset("neighbors", data=dataset.neighbors.astype(np.int32, copy=False))
            file.create_dataset("distances", data=dataset.distances.astype(np.float32, copy=False))
            if dataset.attributes is not None:
                _write_attributes(h5py, file.create_group("attributes", track_order=True), dataset.attributes)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = _h5py()
    if not path.is_file():
        raise Mistake(f"there is no file {path}")
    if not h5py.is_hdf5(path):
        raise Mistake(f"{path} is not an HDF5 file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise Mistake(f"{path} cannot be read as HDF5: {error}") from error
    with file:
        yield file


def _h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise Mistake("h5py is not installed: pip install vecdb[bench]") from error


def _metric(path: Path, file: Any) -> Metric:
    kind = _text(file.attrs.get("type", "dense"))
    if kind != "dense":
        raise Mistake(f"{path} holds {kind} vectors; dense ones are measured here")
    distance = _text(file.attrs.get("distance", ""))
    for metric in METRICS:
        if metric == distance:
            return metric
    raise Mistake(f"{path} has the distance {distance!r}: expected {', '.join(METRICS)}")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check(path: Path, dataset: Dataset) -> None:
    train, test, neighbors = dataset.train, dataset.test, dataset.neighbors
    shapes = f"train {train.shape}, test {test.shape}, neighbors {neighbors.shape}, distances {dataset.distances.shape}"
    fit = (
        train.ndim == test.ndim == neighbors.ndim == 2
        and train.shape[1] == test.shape[1]
        and len(neighbors) == len(test)
        and dataset.distances.shape == neighbors.shape
    )
    if not fit:
        raise Mistake(f"{path}: parts do not fit together: {shapes}")
    if neighbors.size and (neighbors.min() < 0 or neighbors.max() >= len(train)):
        raise Mistake(f"{path}: neighbors from {neighbors.min()} to {neighbors.max()}, but train has {len(train)} rows")
    for name, column in (dataset.attributes or {}).items():
        if len(column) != len(train):
            raise Mistake(f"{path}: attribute {name!r} has {len(column)} values, but train has {len(train)} rows")


def _write_attributes(h5py: Any, group: Any, attributes: Attributes) -> None:
    for name, column in attributes.items():
        place = quote(name, safe=" ")  # a slash would make a group
        numbers = _numbers(column)
        if numbers is not None:
            group.create_dataset(place, data=numbers)
            continue
        values = column.tolist() if isinstance(column, np.ndarray) else list(column)
        plain = all(isinstance(value, str) and "\0" not in value for value in values)
        texts = values if plain else [json.dumps(value) for value in values]
        group.create_dataset(place, data=texts, dtype=h5py.string_dtype())
        group[place].attrs["encoding"] = "text" if plain else "json"


def _numbers(column: Column) -> npt.NDArray[Any] | None:
    """The column as an array of one number type; None if it has values of other kinds."""
    if isinstance(column, np.ndarray):
        return column if column.dtype.kind in "biuf" else None
    kinds = {type(value) for value in column}
    if kinds == {bool}:
        return np.array(column, np.bool_)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in column):
        return np.array(column, np.int64)
    return np.array(column, np.float64) if kinds == {float} else None


def _read_attributes(group: Any) -> Attributes:
    columns: dict[str, Column] = {}
    for place, stored in group.items():
        encoding = stored.attrs.get("encoding")
        if encoding is None:
            columns[unquote(place)] = stored[...]
            continue
        texts: list[str] = stored.asstr()[...].tolist()
        columns[unquote(place)] = texts if encoding == "text" else [json.loads(text) for text in texts]
    return columns
