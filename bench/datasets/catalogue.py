"""The catalogue: data sets by name or path, prepared once and read from then on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vecdb.bench.datasets.ann_benchmarks_file import AnnBenchmarksFile
from vecdb.bench.datasets.dataset import METRICS, Dataset, Metric
from vecdb.bench.datasets.fashion_mnist import FashionMnist
from vecdb.bench.datasets.hdf5_file import read_dataset
from vecdb.bench.datasets.random_set import RandomSet
from vecdb.bench.datasets.source import Source, source_places
from vecdb.bench.datasets.vector_file import SUFFIXES, VectorFile
from vecdb.bench.datasets.wordnet import Demo, Wordnet
from vecdb.bench.mistake import Mistake
from vecdb.progress import Progress

HDF5_SUFFIXES: Final = (".hdf5", ".h5")
EXAMPLES: Final = ("random-xs-20-euclidean", "random-xs-20-angular", "random-s-100-euclidean", "random-s-100-angular")

_DOWNLOADED_NAME: Final = re.compile(rf"\w+(-\w+)*-\d+-({'|'.join(METRICS)})", re.ASCII)


def _sources() -> dict[str, Source]:
    examples = [source for name in EXAMPLES if (source := RandomSet.named(name)) is not None]
    listed: list[Source] = [Demo(), FashionMnist(), Wordnet(), *examples, *AnnBenchmarksFile.known()]
    return {source.name: source for source in listed}


# What `datasets list` shows; other random sizes, other names of ann-benchmarks.com and files are found as well.
DATASETS: Final[dict[str, Source]] = _sources()


def find_dataset(name_or_path: str, folder: Path, sources: Path | None = None, progress: Progress = None) -> Dataset:
    """The data set of that name, or of a file; one that `folder` does not have yet is prepared there first."""
    return read_dataset(prepare_dataset(name_or_path, folder, sources, progress))


def prepare_dataset(
    name_or_path: str,
    folder: Path,
    sources: Path | None = None,
    progress: Progress = None,
    metric: Metric | None = None,
    force: bool = False,
) -> Path:
    """The HDF5 file of the data set, made from what lies in `sources` and the usual places if it is not in `folder`.

    A file of vectors that is newer than what was made of it, or `force`, has it made again. `metric` is for files of
    vectors that do not say it. Mistake if nothing goes by the name, or it cannot be prepared.
    """
    path = dataset_path(name_or_path, folder, metric)
    source = find_source(name_or_path, metric)
    if source is None:
        if not path.is_file():
            what = f"file {path}" if _is_path(name_or_path) else f"data set {name_or_path!r}, and no file {path}"
            raise Mistake(f"there is no {what}; `vecdb-bench datasets list` shows what can be named")
        return path
    is_old = isinstance(source, VectorFile) and path.is_file() and path.stat().st_mtime < source.path.stat().st_mtime
    if force or is_old or not path.is_file():
        source.prepare(path, source_places(sources), progress)
    return path


def dataset_path(name_or_path: str, folder: Path, metric: Metric | None = None) -> Path:
    """Where the HDF5 file of a data set is, or would be: in `folder` under its name; an HDF5 file is where it is."""
    if _is_path(name_or_path):
        given = Path(name_or_path)
        return given if given.suffix in HDF5_SUFFIXES else folder / f"{VectorFile.at(given, metric).name}.hdf5"
    if not re.fullmatch(r"[\w.+-]+", name_or_path):
        raise Mistake(f"{name_or_path!r} is no name of a data set")
    return folder / f"{name_or_path}.hdf5"


def find_source(name_or_path: str, metric: Metric | None = None) -> Source | None:
    """What can make the data set; None for what is an HDF5 file already, or has a name that nothing goes by."""
    if _is_path(name_or_path):
        given = Path(name_or_path)
        return None if given.suffix in HDF5_SUFFIXES else VectorFile.at(given, metric)
    known = DATASETS.get(name_or_path) or RandomSet.named(name_or_path)
    if known is None and _DOWNLOADED_NAME.fullmatch(name_or_path):
        return AnnBenchmarksFile(name_or_path)
    return known


def _is_path(name_or_path: str) -> bool:
    return "/" in name_or_path or Path(name_or_path).suffix in (*HDF5_SUFFIXES, *SUFFIXES)
