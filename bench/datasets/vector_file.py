"""A data set made of a user's own files of vectors: fvecs, bvecs, npy or npz."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vecdb.bench.datasets.dataset import METRICS, Column, Dataset, Metric, rows_distances
from vecdb.bench.datasets.hdf5_file import write_dataset
from vecdb.bench.datasets.source import Source
from vecdb.bench.datasets.truth import dataset_with_truth
from vecdb.bench.datasets.vecs_file import read_vecs
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress

SUFFIXES: Final = (".fvecs", ".bvecs", ".npy", ".npz")
QUERIES_MAXIMUM: Final = 1_000  # rows taken out as queries where a user has none
SEED: Final = 1
CHECKED_QUERIES: Final = 10  # of a truth that comes as a file
SAME_DISTANCE: Final = 1e-3  # relative; a truth that was made in float32 differs by less
DISTANCES_BLOCK: Final = 64

_ROWS_NAME: Final = re.compile(r"(?P<name>.+?)[-_](base|train|learn)")


@dataclass(frozen=True)
class VectorFile(Source):
    """`path` holds the rows; the queries and the truth lie beside it, named as TEXMEX names them.

    To `sift_base.fvecs` belong `sift_query.fvecs` and `sift_groundtruth.ivecs` (or `-test`, `-queries`, ...); an .npz
    holds `train`, perhaps `test` and `neighbors`, and columns, which become attributes. Without queries up to 1,000
    rows, a tenth, are drawn and taken out.
    """

    name: str
    about: str
    path: Path
    metric: Metric

    @classmethod
    def at(cls, path: Path, metric: Metric | None = None) -> VectorFile:
        """The data set of a file, whose metric is `metric`, or the last word of its name, or TEXMEX's: euclidean."""
        if path.suffix not in SUFFIXES:
            raise Mistake(f"{path}: expected a file that ends in .hdf5, {', '.join(SUFFIXES)}")
        if not path.is_file():
            raise Mistake(f"there is no file {path}")
        shared = _ROWS_NAME.fullmatch(path.stem)
        name = shared["name"] if shared else path.stem
        by_name = next((metric for metric in METRICS if re.search(rf"(^|[-_]){metric}$", name)), None)
        by_form: Metric | None = "euclidean" if path.suffix in (".fvecs", ".bvecs") else None
        chosen = metric or by_name or by_form
        if chosen is None:
            raise Mistake(
                f"{path}: its distance is not known: prepare it with --metric, or end its name in -angular or so"
            )
        return cls(name if by_name == chosen else f"{name}-{chosen}", f"from {path}", path, chosen)

    def prepare(self, target: Path, places: Sequence[Path], progress: Progress = None) -> None:  # noqa: ARG002
        """Writes the file; what does not fit together is a Mistake."""
        train, test, neighbors, attributes = self._read()
        if test is None:
            train, test, attributes = _hold_out(self.path, train, attributes)
        if neighbors is None:
            dataset = dataset_with_truth(self.name, self.metric, train, test, attributes or None, progress)
        else:
            dataset = self._with_given_truth(train, test, neighbors, attributes)
        write_dataset(target, dataset)

    def _read(
        self,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None, npt.NDArray[Any] | None, dict[str, Column]]:
        if self.path.suffix == ".npz":
            return _read_npz(self.path)
        queries = _beside(self.path, ("query", "queries", "test"), self.path.suffix)
        truth = _beside(self.path, ("groundtruth", "neighbors"), ".npy" if self.path.suffix == ".npy" else ".ivecs")
        return (
            read_vectors(self.path),
            None if queries is None else read_vectors(queries),
            None if truth is None or queries is None else read_vectors(truth),
            {},
        )

    def _with_given_truth(
        self, train: npt.NDArray[Any], test: npt.NDArray[Any], neighbors: npt.NDArray[Any], columns: dict[str, Column]
    ) -> Dataset:
        if neighbors.ndim != 2 or len(neighbors) != len(test) or neighbors.dtype.kind not in "iu":
            raise Mistake(
                f"{self.path}: expected row numbers for each of {len(test)} queries as the truth,"
                f" received {neighbors.dtype} {neighbors.shape}"
            )
        if neighbors.min(initial=0) < 0 or neighbors.max(initial=0) >= len(train):
            raise Mistake(f"{self.path}: the truth names row {neighbors.max()}, there are {len(train)}")
        # The exact answers to a few show whether the rest can be believed; they check the vectors as well.
        sample = dataset_with_truth(self.name, self.metric, train, test[:CHECKED_QUERIES])
        whole = replace(sample, test=np.ascontiguousarray(test, np.float32), neighbors=neighbors.astype(np.int32))
        blocks = [slice(first, first + DISTANCES_BLOCK) for first in range(0, len(test), DISTANCES_BLOCK)]
        distances = np.concatenate(
            [rows_distances(self.metric, whole.test[block], whole.train[whole.neighbors[block]]) for block in blocks]
        )
        k = min(neighbors.shape[1], sample.neighbors.shape[1])
        expected, received = sample.distances[:, :k], distances[: len(sample.distances), :k]
        if not np.allclose(expected, received, rtol=SAME_DISTANCE, atol=SAME_DISTANCE * float(np.abs(expected).max())):
            raise Mistake(f"{self.path}: the truth beside it is not that of {self.metric} distance over these rows")
        return replace(whole, distances=distances, attributes=columns or None)


def read_vectors(path: Path) -> npt.NDArray[Any]:
    """The array in an fvecs, bvecs, ivecs or npy file; a file that is not what its suffix says is a Mistake."""
    if path.suffix != ".npy":
        return read_vecs(path)
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise Mistake(f"{path} is not an array: {error}") from error
    return np.asarray(array)


def _read_npz(
    path: Path,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None, npt.NDArray[Any] | None, dict[str, Column]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise Mistake(f"{path} is not a file of arrays: {error}") from error
    if "train" not in arrays:
        raise Mistake(f"{path}: expected an array `train`, received {', '.join(arrays) or 'nothing'}")
    train, test, neighbors = arrays.pop("train"), arrays.pop("test", None), arrays.pop("neighbors", None)
    columns: dict[str, Column] = {
        name: column if column.dtype.kind in "biuf" else column.tolist()
        for name, column in arrays.items()
        if column.ndim == 1 and len(column) == len(train)
    }
    return train, test, neighbors if test is not None else None, columns


def _beside(path: Path, words: Sequence[str], suffix: str) -> Path | None:
    """The file of the same name with one of the words in place of "base" or "train", or after it."""
    shared = _ROWS_NAME.fullmatch(path.stem)
    stem = shared["name"] if shared else path.stem
    candidates = (path.with_name(f"{stem}{mark}{word}{suffix}") for word in words for mark in "_-.")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _hold_out(
    path: Path, rows: npt.NDArray[Any], columns: dict[str, Column]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], dict[str, Column]]:
    count = min(QUERIES_MAXIMUM, len(rows) // 10)
    if count == 0:
        raise Mistake(f"{path}: {len(rows)} rows are too few to take queries from: 10 or more, or a file of queries")
    is_query = np.zeros(len(rows), np.bool_)
    is_query[np.random.default_rng(SEED).choice(len(rows), count, replace=False)] = True
    kept = np.flatnonzero(~is_query)
    left: dict[str, Column] = {
        name: column[kept] if isinstance(column, np.ndarray) else [column[row] for row in kept.tolist()]
        for name, column in columns.items()
    }
    return rows[kept], rows[is_query], left
